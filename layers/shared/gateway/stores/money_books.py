"""Accounts as their operator sees them: opened, credited, read whole, swept. Nothing here is on a request's
path.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from gateway.canonical.money import AccountState, Entry, Hold, Look, NanoUsd
from gateway.errors import Conflict
from gateway.ledger.hold_ids import END_OF_IDS, id_floor
from gateway.limits.windows import month_of
from gateway.stores import money_phrases as phrases
from gateway.stores.aws import ConditionFailed, TransactionCanceled
from gateway.stores.money_items import (
    ENTRY,
    HOLD,
    ONCE,
    SHARDS,
    Item,
    entry_item,
    ledger_key,
    mapping,
    new_account,
    number,
    read_account,
    read_entry,
    read_parked_hold,
    short,
    slot_of,
    text,
)
from gateway.stores.money_state import Account, credit_entry, spent_in_month, state
from gateway.stores.money_tables import CONDITION_FAILED, MoneyTables, no_account

# Reads of a busy account meet writes; so many in a row that none is whole are no accident.
LOOKS = 50


class Books:
    """The slow half of `Money` in DynamoDB."""

    def __init__(self, tables: MoneyTables) -> None:
        self._tables = tables

    async def open_account(self, account_id: str, rpm_limit: int) -> None:
        put = {
            "TableName": self._tables.accounts,
            "Item": new_account(account_id, rpm_limit),
            "ConditionExpression": "attribute_not_exists(account_id)",
        }
        try:
            await self._tables.call("PutItem", put)
        except ConditionFailed as failed:
            raise Conflict(f"The account '{account_id}' exists already.") from failed

    async def set_account(self, account_id: str, *, rpm_limit: int | None = None, disabled: bool | None = None) -> None:
        said = (
            phrases.KNOWN,
            *(() if rpm_limit is None else (phrases.SET_RPM,)),
            *(() if disabled is None else (phrases.SET_OFF[disabled],)),
        )
        values = {":one": number(1), ":rpm": number(rpm_limit or 0), ":true": {"BOOL": True}}
        try:
            await self._tables.update_account(account_id, said, values, {})
        except ConditionFailed as failed:
            raise no_account(account_id) from failed

    async def credit(
        self, account_id: str, amount_nanousd: NanoUsd, *, once: str, now_s: float, note: str | None = None
    ) -> Entry:
        entry = credit_entry(account_id, amount_nanousd, now_s, note)
        marker = {**ledger_key(account_id, ONCE, once), "entry_id": text(entry.entry_id)}
        values = {":one": number(1), ":credit": number(amount_nanousd)}
        update = self._tables.account_update(account_id, (phrases.KNOWN, phrases.CREDIT), values, {})
        try:
            await self._tables.transact(
                {"Update": update},
                {"Put": self._tables.put_new(entry_item(entry))},
                {"Put": self._tables.put_new(marker)},
            )
        except TransactionCanceled as canceled:
            return await self._credited_before(account_id, canceled)
        return entry

    async def look(self, account_id: str) -> Look | None:
        """Reads until nothing was written meanwhile; what it answers after too many tries shows in `balanced`.

        A query may see half of a transaction, so an unchanged account is not enough: its sums must agree too.
        """
        seen, whole = await self._glance(account_id)
        for _ in range(LOOKS):
            if seen is None or (whole and seen.balanced):
                break
            seen, whole = await self._glance(account_id)
        return seen

    async def _glance(self, account_id: str) -> tuple[Look | None, bool]:
        before = await self._tables.account(account_id)
        if before is None:
            return None, True
        holds, entries = await self._items(account_id, HOLD), await self._items(account_id, ENTRY)
        after = await self._tables.account(account_id)
        return _look(before, holds, entries), before == after

    async def state(self, account_id: str, key_id: str, key_rpm_limit: int, now_s: float) -> AccountState | None:
        account = await self._tables.account(account_id)
        return None if account is None else state(account, key_id, key_rpm_limit, now_s)

    async def entries(
        self, account_id: str, *, since_s: float, until_s: float, limit: int, before: str | None = None
    ) -> Sequence[Entry]:
        query = {
            "TableName": self._tables.ledger,
            "KeyConditionExpression": "account_id = :account AND sk BETWEEN :since AND :until",
            "ExpressionAttributeValues": {
                ":account": text(account_id),
                ":since": text(ENTRY + id_floor(since_s)),
                ":until": text(ENTRY + min(id_floor(until_s), before or END_OF_IDS)),
            },
            "ScanIndexForward": False,
            "ConsistentRead": True,
            # BETWEEN takes in both its ends, and `before` is one of them.
            "Limit": limit + 1,
        }
        found: list[Entry] = []
        async for item in self._tables.query(query):
            entry = read_entry(item)
            if entry.entry_id != before:
                found.append(entry)
            if len(found) == limit:
                break
        return found

    async def track_spend(self, account_id: str, key_id: str, now_s: float) -> None:
        for _ in range(LOOKS):
            account = await self._tables.account(account_id)
            if account is None:
                raise no_account(account_id)
            entries = map(read_entry, await self._items(account_id, ENTRY))
            spend = spent_in_month(entries, key_id, now_s)
            if await self._tracked(account, key_id, spend, now_s):
                return

    async def overdue(self, now_s: float) -> AsyncIterator[Hold]:
        """Parked holds by their deadlines, then young ones by their accounts.

        An account that holds nothing any more leaves the index of active ones on the way.
        """
        for shard in map(str, range(SHARDS)):
            async for hold in self._overdue_parked(shard, now_s):
                yield hold
        for shard in map(str, range(SHARDS)):
            async for hold in self._overdue_young(shard, now_s):
                yield hold

    async def _credited_before(self, account_id: str, canceled: TransactionCanceled) -> Entry:
        (account_code, _), _, (_, marker) = canceled.reasons
        if marker is None and account_code == CONDITION_FAILED:
            raise no_account(account_id) from canceled
        if marker is None:
            raise canceled
        key = ledger_key(account_id, ENTRY, marker["entry_id"]["S"])
        item = await self._tables.get(self._tables.ledger, key)
        if item is None:
            raise canceled
        return read_entry(item)

    async def _tracked(self, account: Account, key_id: str, spend: NanoUsd, now_s: float) -> bool:
        month = max(month_of(now_s), account.month)
        said = (phrases.TRACK, phrases.TRACK_MONTH[month > account.month])
        values = {
            ":one": number(1),
            ":ver": number(account.version),
            ":spend": number(spend),
            ":month": number(month),
            ":first_spend": mapping({short(key_id): number(spend)}),
        }
        try:
            await self._tables.update_account(account.account_id, said, values, {"#k": short(key_id)})
        except ConditionFailed:
            return False
        return True

    async def _items(self, account_id: str, kind: str) -> list[Item]:
        query = {
            "TableName": self._tables.ledger,
            "KeyConditionExpression": "account_id = :account AND begins_with(sk, :kind)",
            "ExpressionAttributeValues": {":account": text(account_id), ":kind": text(kind)},
            "ConsistentRead": True,
        }
        return [item async for item in self._tables.query(query)]

    async def _overdue_parked(self, shard: str, now_s: float) -> AsyncIterator[Hold]:
        query = {
            "TableName": self._tables.ledger,
            "IndexName": "ByDeadline",
            "KeyConditionExpression": "sweep_shard = :shard AND sweep_at_s <= :now",
            "ExpressionAttributeValues": {":shard": text(shard), ":now": number(int(now_s))},
        }
        async for key in self._tables.query(query):
            item = await self._tables.get(self._tables.ledger, _only(key, "account_id", "sk"))
            if item is not None:
                yield read_parked_hold(item)

    async def _overdue_young(self, shard: str, now_s: float) -> AsyncIterator[Hold]:
        query: dict[str, Any] = {
            "TableName": self._tables.accounts,
            "IndexName": "ByActivity",
            "KeyConditionExpression": "active_shard = :shard",
            "ExpressionAttributeValues": {":shard": text(shard)},
        }
        async for key in self._tables.query(query):
            item = await self._tables.get(self._tables.accounts, _only(key, "account_id"))
            if item is None:
                continue
            account = read_account(item)
            for hold in account.young.values():
                if hold.deadline_s <= now_s:
                    yield hold
            if not account.young and "active_slot" in item:
                await self._leave_index(account, int(item["active_slot"]["N"]), now_s)

    async def _leave_index(self, account: Account, slot: int, now_s: float) -> None:
        if slot + 1 >= slot_of(now_s):
            return
        values = {":one": number(1), ":zero": number(0), ":slot": number(slot)}
        try:
            await self._tables.update_account(account.account_id, (phrases.LEAVE_INDEX,), values, {})
        except ConditionFailed:
            return  # It has become active again.


def _only(item: Item, *names: str) -> Item:
    return {name: item[name] for name in names}


def _look(account: Account, hold_items: list[Item], entry_items: list[Item]) -> Look:
    """A parked hold whose entry stands has ended; one that has not left the account yet is counted there."""
    entries = tuple(map(read_entry, entry_items))
    over = {entry.hold_id for entry in entries}
    parked = {hold.hold_id: hold for hold in map(read_parked_hold, hold_items) if hold.hold_id not in over}
    holds = parked | dict(account.young)
    return Look(
        account_id=account.account_id,
        free_nanousd=account.free_nanousd,
        held_nanousd=account.held_nanousd,
        holds=tuple(holds[hold_id] for hold_id in sorted(holds)),
        entries=entries,
        rpm_limit=account.rpm_limit,
        disabled=account.disabled,
    )
