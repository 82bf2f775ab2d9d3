"""Operator's part of `Money`: open, credit, read whole, sweep. None of it is on a request's path."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.canonical.alerts import KeySpend
from gateway.canonical.money import AccountSnapshot, AccountState, Act, Entry, Hold, NanoUsd
from gateway.errors import Conflict
from gateway.ledger.hold_ids import END_OF_IDS, id_floor
from gateway.limits.windows import month_of
from gateway.logs.metrics import Metric, count
from gateway.stores.aws.client import ConditionFailed, TransactionCanceled
from gateway.stores.aws.table import CONDITION_FAILED
from gateway.stores.money import expressions
from gateway.stores.money.counting import Counting
from gateway.stores.money.items import (
    ENTRY,
    HOLD,
    HOLD_SHARDS,
    ONCE,
    SHARDS,
    SPEND,
    Item,
    entry_item,
    lease_name,
    leases,
    ledger_key,
    new_account,
    number,
    read_account,
    read_entry,
    read_parked_hold,
    slot_of,
    spend_of,
    text,
)
from gateway.stores.money.key_limits import live
from gateway.stores.money.state import Account, credit_entry, seat_spend, state
from gateway.stores.money.tables import MoneyTables, no_account

if TYPE_CHECKING:
    # Reports of usage alone load it.
    from gateway.canonical.tallies import Tallies

# Reads of a busy account race with writes; so many failures in a row mean a fault.
READS_MAX = 50

T = TypeVar("T")

log = logging.getLogger(__name__)


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
        rules = (
            expressions.KNOWN,
            *(() if rpm_limit is None else (expressions.SET_RPM,)),
            *(() if disabled is None else (expressions.SET_OFF[disabled],)),
        )
        values = {":one": number(1), ":rpm": number(rpm_limit or 0), ":true": {"BOOL": True}}
        try:
            await self._tables.update_account(account_id, rules, values, {})
        except ConditionFailed as failed:
            raise no_account(account_id) from failed

    async def credit(
        self,
        account_id: str,
        amount_nanousd: NanoUsd,
        *,
        once: str,
        now_s: float,
        note: str | None = None,
        act: Act | None = None,
    ) -> Entry:
        entry = credit_entry(account_id, amount_nanousd, now_s, note, act)
        marker = {**ledger_key(account_id, ONCE, once), "entry_id": text(entry.entry_id)}
        values = {":one": number(1), ":credit": number(amount_nanousd)}
        update = self._tables.account_update(account_id, (expressions.KNOWN, expressions.CREDIT), values, {})
        try:
            await self._tables.transact(
                {"Update": update},
                {"Put": self._tables.put_new(entry_item(entry))},
                {"Put": self._tables.put_new(marker)},
            )
        except TransactionCanceled as canceled:
            return await self._credited_before(account_id, canceled)
        return entry

    async def read_account(self, account_id: str) -> AccountSnapshot | None:
        """Reads until no write came in between; after too many tries the snapshot may not be `balanced`.

        A query may see half of a transaction, so an unchanged account is not enough: its sums must agree too.
        """
        seen, whole = await self._read_once(account_id)
        for _ in range(READS_MAX):
            if seen is None or (whole and seen.balanced):
                break
            seen, whole = await self._read_once(account_id)
        return seen

    async def _read_once(self, account_id: str) -> tuple[AccountSnapshot | None, bool]:
        before = await self._tables.account(account_id)
        if before is None:
            return None, True
        holds, entries, spent = [await self._tables.items(account_id, kind) for kind in (HOLD, ENTRY, SPEND)]
        after = await self._tables.account(account_id)
        return snapshot(before, holds, map(read_entry, entries), spent), before == after

    async def state(self, account_id: str, key_id: str, key_rpm_limit: int, now_s: float) -> AccountState | None:
        account = await self._tables.account(account_id)
        return None if account is None else state(account, key_id, key_rpm_limit, now_s)

    async def key_spend(self, account_id: str, key_id: str, now_s: float) -> KeySpend | None:
        account = await self._tables.account(account_id)
        if account is None:
            return None
        month = max(month_of(now_s), account.month)
        counted = account.key_spent.get(key_id, 0) if account.month == month else 0
        young = [hold for hold in account.young.values() if (hold.key_id, hold.month) == (key_id, month)]
        held = sum(hold.amount_nanousd for hold in young)
        for hold in map(read_parked_hold, await self._tables.items(account_id, HOLD)):
            is_own = (hold.key_id, hold.month) == (key_id, month) and hold.hold_id not in account.young
            if is_own and not await self._tables.has_ended(account_id, hold.hold_id):
                held += hold.amount_nanousd
        return KeySpend(month, counted - held, held)

    async def seat_spend(self, account_id: str, now_s: float) -> Mapping[int, NanoUsd]:
        account = await self._tables.account(account_id)
        return {} if account is None else seat_spend(account, now_s)

    async def entries(
        self, account_id: str, *, since_s: float, until_s: float, limit: int, before: str | None = None
    ) -> Sequence[Entry]:
        first, last = id_floor(since_s), min(id_floor(until_s), before or END_OF_IDS)
        if last < first:
            return []
        query = {
            "TableName": self._tables.ledger,
            "KeyConditionExpression": "account_id = :account AND sk BETWEEN :since AND :until",
            "ExpressionAttributeValues": {
                ":account": text(account_id),
                ":since": text(ENTRY + first),
                ":until": text(ENTRY + last),
            },
            "ScanIndexForward": False,
            "ConsistentRead": True,
            # BETWEEN includes both ends, and `before` is one of them.
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

    async def usage(self, account_id: str, first_day: str) -> Tallies:
        from gateway.stores.money.usage import UsageSums  # noqa: PLC0415  # reports of usage alone need it

        return await UsageSums(self._tables).read(account_id, first_day)

    async def track_spend(self, account_id: str, key_id: str, now_s: float) -> None:
        await Counting(self._tables, account_id, key_id).begin(now_s)

    async def overdue(self, now_s: float) -> AsyncIterator[Hold]:
        """The overdue holds: parked ones by their deadlines, then young ones by their accounts.

        An account without holds is removed from the index of active ones.
        """
        for shard in map(str, range(HOLD_SHARDS)):
            async for hold in self._overdue_parked(shard, now_s):
                yield hold
        for shard in map(str, range(SHARDS)):
            async for hold in self._overdue_young(shard, now_s):
                yield hold

    async def _credited_before(self, account_id: str, canceled: TransactionCanceled) -> Entry:
        (account_code, _), _, (_, marker) = canceled.reasons
        if account_code == CONDITION_FAILED:
            raise no_account(account_id) from canceled
        if marker is None:
            raise canceled
        key = ledger_key(account_id, ENTRY, marker["entry_id"]["S"])
        item = await self._tables.get(self._tables.ledger, key)
        if item is None:
            raise canceled
        return read_entry(item)

    async def _overdue_parked(self, shard: str, now_s: float) -> AsyncIterator[Hold]:
        query = {
            "TableName": self._tables.ledger,
            "IndexName": "ByDeadline",
            "KeyConditionExpression": "sweep_shard = :shard AND sweep_at_s <= :now",
            "ExpressionAttributeValues": {":shard": text(shard), ":now": number(int(now_s))},
        }
        async for key in self._tables.query(query):
            item = await self._tables.get(self._tables.ledger, _only(key, "account_id", "sk"))
            hold = None if item is None else _read(read_parked_hold, item)
            if hold is not None:
                yield hold

    async def _overdue_young(self, shard: str, now_s: float) -> AsyncIterator[Hold]:
        query: dict[str, Any] = {
            "TableName": self._tables.accounts,
            "IndexName": "ByActivity",
            "KeyConditionExpression": "active_shard = :shard",
            "ExpressionAttributeValues": {":shard": text(shard)},
        }
        async for key in self._tables.query(query):
            item = await self._tables.get(self._tables.accounts, _only(key, "account_id"))
            account = None if item is None else _read(read_account, item)
            if item is None or account is None:
                continue
            for hold in account.young.values():
                if hold.deadline_s <= now_s:
                    yield hold
            await self._drop_leases(account, now_s)
            if not account.young and "active_slot" in item:
                await self._leave_index(account, int(item["active_slot"]["N"]), now_s)

    async def _drop_leases(self, account: Account, now_s: float) -> None:
        """Removes the leases of keys of which no request runs any more: the account's item is paid by the KB."""
        for key_id, held in account.leases.items():
            if live(held, now_s):
                continue
            values = {":one": number(1), ":leases": leases(held)}
            names = {"#lease": lease_name(key_id)}
            # One that has begun meanwhile keeps them.
            with suppress(ConditionFailed):
                await self._tables.update_account(account.account_id, (expressions.DROP_LEASES,), values, names)

    async def _leave_index(self, account: Account, slot: int, now_s: float) -> None:
        if slot + 1 >= slot_of(now_s):
            return
        values = {":one": number(1), ":zero": number(0), ":slot": number(slot)}
        try:
            await self._tables.update_account(account.account_id, (expressions.LEAVE_INDEX,), values, {})
        except ConditionFailed:
            return  # The account has become active again.


def _read(reader: Callable[[Item], T], item: Item) -> T | None:
    """Reads an item for the sweeper; `None` for one of another version, which is counted and left to that."""
    try:
        return reader(item)
    except (AttributeError, KeyError, TypeError, ValueError):
        log.exception("the sweeper cannot read %s", {name: item.get(name) for name in ("account_id", "sk")})
        count(Metric.HOLDS_UNREADABLE)
        return None


def _only(item: Item, *names: str) -> Item:
    return {name: item[name] for name in names}


def snapshot(
    account: Account, hold_items: Iterable[Item], entries: Iterable[Entry], spend_items: Iterable[Item]
) -> AccountSnapshot:
    """Builds a snapshot; a parked hold with an entry has ended, and one still inside its account is counted there."""
    entries = tuple(entries)
    over = {entry.hold_id for entry in entries}
    parked = {hold.hold_id: hold for hold in map(read_parked_hold, hold_items) if hold.hold_id not in over}
    holds = parked | dict(account.young)
    return AccountSnapshot(
        account_id=account.account_id,
        free_nanousd=account.free_nanousd,
        held_nanousd=account.held_nanousd,
        holds=tuple(holds[hold_id] for hold_id in sorted(holds)),
        entries=entries,
        rpm_limit=account.rpm_limit,
        disabled=account.disabled,
        month=account.month,
        key_spent=account.key_spent,
        spent_before={
            key_id: int(item["spent"]["N"])
            for item in spend_items
            for key_id in account.key_spent
            if item["sk"]["S"] == SPEND + spend_of(key_id, account.month)
        },
        minute=account.minute,
        key_tokens=account.key_tokens or {},
        leases=account.leases,
    )
