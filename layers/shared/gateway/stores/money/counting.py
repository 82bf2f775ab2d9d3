"""Begins to count a key's spend of the month while its requests run: when a cap is set on the key.

Three steps, each harmless when repeated. The count begins at nothing, so that each later admission counts. Then each
open hold that is not counted is counted, one write or transaction a hold. Then what was spent before is added once: by
then no entry can join that sum, and the amount already added is kept in an item beside it.
"""

from __future__ import annotations

from contextlib import suppress

from gateway.canonical.money import Hold, NanoUsd
from gateway.errors import ServiceUnavailable
from gateway.limits.windows import month_of
from gateway.stores.aws.client import ConditionFailed, TransactionCanceled
from gateway.stores.money import expressions
from gateway.stores.money.items import (
    ENTRY,
    HOLD,
    SPEND,
    Item,
    ledger_key,
    mapping,
    number,
    read_entry,
    read_parked_hold,
    short,
    spend_of,
)
from gateway.stores.money.state import Account, uncounted
from gateway.stores.money.tables import BUSY, MoneyTables, no_account

# Each look counts or passes over every open hold; only holds that change meanwhile need another look.
LOOKS_MAX = 50


class Counting:
    """The count of one key's spend."""

    def __init__(self, tables: MoneyTables, account_id: str, key_id: str) -> None:
        self._tables = tables
        self._account_id = account_id
        self._key_id = key_id

    async def begin(self, now_s: float) -> None:
        """Counts the key's whole month; raises `ServiceUnavailable` if holds change faster than they are counted."""
        month = (await self._begun(now_s)).month
        for _ in range(LOOKS_MAX):
            account = await self._account()
            if account.month != month:
                # Another month has begun meanwhile, and its count with it.
                month = (await self._begun(now_s)).month
            elif not await self._count_open(account) and await self._count_ended(month):
                return
        raise ServiceUnavailable(BUSY)

    async def _account(self) -> Account:
        account = await self._tables.account(self._account_id)
        if account is None:
            raise no_account(self._account_id)
        return account

    async def _begun(self, now_s: float) -> Account:
        for _ in range(LOOKS_MAX):
            account = await self._account()
            month = max(month_of(now_s), account.month)
            # Another write may turn the month first.
            with suppress(ConditionFailed):
                return await self._update((expressions.BEGIN_COUNT[month > account.month],), month)
        raise ServiceUnavailable(BUSY)

    async def _count_open(self, account: Account) -> bool:
        """Counts the open holds that are not counted yet; false if there are none.

        Young holds were read before the parked ones are, so a hold that moves between the two is found.
        """
        key_id, month = self._key_id, account.month
        young = [hold for hold in account.young.values() if uncounted(hold, key_id, month)]
        items = await self._tables.items(self._account_id, HOLD)
        parked = [
            hold
            for hold in map(read_parked_hold, items)
            if hold.hold_id not in account.young and uncounted(hold, key_id, month)
        ]
        running = [hold for hold in parked if not await self._tables.has_ended(hold.account_id, hold.hold_id)]
        for hold in young:
            await self._count_young(hold, month)
        for hold in running:
            await self._count_parked(hold, month)
        return len(young) + len(running) > 0

    async def _count_young(self, hold: Hold, month: int) -> None:
        rules = (expressions.COUNT_YOUNG, expressions.UNCOUNTED, expressions.ADD_SPEND)
        try:
            await self._update(rules, month, hold, hold.amount_nanousd)
        except ConditionFailed:
            return  # It has changed; the next look finds it as it is then.

    async def _count_parked(self, hold: Hold, month: int) -> None:
        rules = (expressions.LIVES[True], expressions.ADD_SPEND)
        update = self._tables.account_update(
            self._account_id, rules, self._values(month, hold, hold.amount_nanousd), self._names(hold)
        )
        count_item = {
            "TableName": self._tables.ledger,
            "Key": ledger_key(hold.account_id, HOLD, hold.hold_id),
            "ConditionExpression": "amount = :hold AND attribute_not_exists(#month)",
            "UpdateExpression": "SET #month = :month",
            "ExpressionAttributeNames": {"#month": "month"},
            "ExpressionAttributeValues": {":hold": number(hold.amount_nanousd), ":month": number(month)},
        }
        running = self._tables.absent(ledger_key(hold.account_id, ENTRY, hold.hold_id))
        try:
            await self._tables.transact({"Update": update}, {"Update": count_item}, {"ConditionCheck": running})
        except TransactionCanceled:
            return

    async def _count_ended(self, month: int) -> bool:
        """Adds what was spent before the count began; false if another writer came in between."""
        entries = map(read_entry, await self._tables.items(self._account_id, ENTRY))
        spent = -sum(entry.amount_nanousd for entry in entries if uncounted(entry, self._key_id, month))
        key = ledger_key(self._account_id, SPEND, spend_of(self._key_id, month))
        item = await self._tables.get(self._tables.ledger, key)
        added = 0 if item is None else int(item["spent"]["N"])
        if spent == added:
            return True
        put = {
            "TableName": self._tables.ledger,
            "Item": {**key, "spent": number(spent)},
            "ConditionExpression": "attribute_not_exists(sk) OR spent = :added",
            "ExpressionAttributeValues": {":added": number(added)},
        }
        values, names = self._values(month, None, spent - added), self._names(None)
        update = self._tables.account_update(self._account_id, (expressions.ADD_SPEND,), values, names)
        try:
            await self._tables.transact({"Update": update}, {"Put": put})
        except TransactionCanceled:
            return False
        return True

    async def _update(
        self, rules: tuple[expressions.Rule, ...], month: int, hold: Hold | None = None, spend: NanoUsd = 0
    ) -> Account:
        values, names = self._values(month, hold, spend), self._names(hold)
        return await self._tables.update_account(self._account_id, rules, values, names)

    def _values(self, month: int, hold: Hold | None, spend: NanoUsd) -> dict[str, Item]:
        return {
            ":one": number(1),
            ":zero": number(0),
            ":month": number(month),
            ":spend": number(spend),
            ":hold": number(hold.amount_nanousd if hold else 0),
            ":first_spend": mapping({short(self._key_id): number(0)}),
        }

    def _names(self, hold: Hold | None) -> dict[str, str]:
        return {"#k": short(self._key_id), "#h": hold.hold_id if hold else ""}
