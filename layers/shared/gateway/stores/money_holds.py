"""What becomes of a hold after admission: parked, extended, checkpointed, ended. Each step is one write or
transaction.

A step is written for the hold as it is believed to stand. Where that is wrong the write fails whole and
answers what does stand, and the step is written anew.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from gateway.canonical.money import Charge, Hold, NanoUsd, Settlement
from gateway.errors import ServiceUnavailable
from gateway.stores import money_phrases as phrases
from gateway.stores.aws import ConditionFailed, TransactionCanceled
from gateway.stores.money_items import (
    ENTRY,
    HOLD,
    Item,
    charge_attributes,
    entry_item,
    ledger_key,
    mapping,
    number,
    parked_hold,
    read_account,
    read_entry,
    read_parked_hold,
    short,
)
from gateway.stores.money_state import Account, Ending, ending, same_end, shortfall_id
from gateway.stores.money_tables import BUSY, MoneyTables

# A plan fails where another write came between; each failure tells what stands now.
PLANS = 8


@dataclass(frozen=True, slots=True)
class Standing:
    """A hold as it is believed to stand, and its account where a failed write has shown it."""

    hold: Hold
    account: Account | None = None

    @property
    def month_phrases(self) -> tuple[phrases.Phrase, ...]:
        """What the key's month takes of a change: nothing without a cap, nothing more once the month is over."""
        month = self.hold.month
        if month is None:
            return ()
        return (phrases.SPEND_MONTH[self.account is not None and self.account.month > month],)

    def lacks(self, more_nanousd: NanoUsd) -> bool:
        """Whether the account is known not to have so much free."""
        return self.account is not None and self.account.free_nanousd < more_nanousd

    def learn(self, account_item: Item | None, hold_item: Item | None) -> Standing:
        """What stands, by the items that a failed write answered; nothing is known of an item that did not
        fail.
        """
        account = self.account if account_item is None else read_account(account_item)
        if hold_item is not None:
            return Standing(read_parked_hold(hold_item), account)
        if account is None:
            return self
        young = account.young.get(self.hold.hold_id)
        return Standing(young or replace(self.hold, parked=True), account)


class Holds:
    """The half of `Money` in DynamoDB that follows admission."""

    def __init__(self, tables: MoneyTables) -> None:
        self._tables = tables

    async def park(self, hold: Hold) -> Hold:
        # What fails its condition was done by an earlier try, or the hold has ended; then its entry stands.
        with suppress(ConditionFailed):
            await self._tables.call("UpdateItem", self._own_item(hold))
        values = {":one": number(1), ":hold": number(hold.amount_nanousd)}
        with suppress(ConditionFailed):
            said = (phrases.LIVES[False], phrases.LEAVE)
            await self._tables.update_account(hold.account_id, said, values, {"#h": hold.hold_id})
        return replace(hold, parked=True, crowded=False)

    def _own_item(self, hold: Hold) -> dict[str, Any]:
        """The write of a hold's own item. An amount only grows, so the larger of two is the later one's."""
        item = parked_hold(hold)
        key = {name: item.pop(name) for name in ("account_id", "sk")}
        return {
            "TableName": self._tables.ledger,
            "Key": key,
            "ConditionExpression": "attribute_not_exists(sk) OR #amount < :amount",
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in item),
            "ExpressionAttributeNames": {f"#{name}": name for name in item},
            "ExpressionAttributeValues": {f":{name}": value for name, value in item.items()},
        }

    async def extend(self, hold: Hold, to_nanousd: NanoUsd, *, spend_cap_nanousd: NanoUsd | None = None) -> Hold | None:
        standing = Standing(hold)
        for _ in range(PLANS):
            if standing.hold.amount_nanousd >= to_nanousd:
                return standing.hold
            more = to_nanousd - standing.hold.amount_nanousd
            if standing.lacks(more) or _over_cap(standing, more, spend_cap_nanousd):
                return None
            try:
                await self._raise(standing, to_nanousd, spend_cap_nanousd)
            except ConditionFailed as failed:
                if failed.item is None:
                    return None
                standing = standing.learn(failed.item, None)
            except TransactionCanceled as canceled:
                (_, account_item), (hold_code, hold_item), (ended, _) = canceled.reasons
                if ended != "None" or (hold_code != "None" and hold_item is None):
                    return None
                standing = standing.learn(account_item, hold_item)
            else:
                return standing.hold.of(to_nanousd)
        raise ServiceUnavailable(BUSY)

    async def checkpoint(self, hold: Hold, charge: Charge) -> Hold:
        parked = hold if hold.parked else await self.park(hold)
        update = {
            "TableName": self._tables.ledger,
            "Key": ledger_key(hold.account_id, HOLD, hold.hold_id),
            "ConditionExpression": "attribute_exists(sk)",
            "UpdateExpression": "SET checkpoint = :charge",
            "ExpressionAttributeValues": {":charge": mapping(charge_attributes(charge))},
        }
        # A hold that has ended needs no checkpoint.
        with suppress(ConditionFailed):
            await self._tables.call("UpdateItem", update)
        return parked

    async def settle(self, hold: Hold, charge: Charge, now_s: float) -> Settlement:
        return await self._end(Standing(hold), charge, now_s)

    async def release(self, hold: Hold, now_s: float) -> Settlement:
        return await self._end(Standing(hold), None, now_s)

    async def _raise(self, standing: Standing, to_nanousd: NanoUsd, cap_nanousd: NanoUsd | None) -> None:
        hold, more = standing.hold, to_nanousd - standing.hold.amount_nanousd
        capped = cap_nanousd is not None and standing.month_phrases == (phrases.SPEND_MONTH[False],)
        said = (
            phrases.LIVES[hold.parked],
            *(() if hold.parked else (phrases.EXTEND_YOUNG,)),
            phrases.EXTEND,
            *standing.month_phrases,
            *((phrases.WITHIN_CAP,) if capped else ()),
        )
        values = {
            ":one": number(1),
            ":hold": number(hold.amount_nanousd),
            ":raised": number(to_nanousd),
            ":more": number(more),
            ":month": number(hold.month or 0),
            ":spend": number(more),
            ":room": number((cap_nanousd or 0) - more),
        }
        names = {"#h": hold.hold_id, "#k": short(hold.key_id)}
        if not hold.parked:
            await self._tables.update_account(hold.account_id, said, values, names)
            return
        raise_item = {
            **self._hold_at(hold),
            "UpdateExpression": "SET amount = :raised",
            "ExpressionAttributeValues": {":hold": values[":hold"], ":raised": values[":raised"]},
        }
        account = self._tables.account_update(hold.account_id, said, values, names)
        running = self._tables.absent(ledger_key(hold.account_id, ENTRY, hold.hold_id))
        await self._tables.transact({"Update": account}, {"Update": raise_item}, {"ConditionCheck": running})

    async def _end(self, standing: Standing, charge: Charge | None, now_s: float) -> Settlement:
        for _ in range(PLANS):
            end = _ending(standing, charge, now_s)
            try:
                await self._tables.transact(*self._end_parts(standing, charge, end))
            except TransactionCanceled as canceled:
                (account_code, account_item), (_, entry), *others = canceled.reasons
                if entry is not None:
                    return await self._ended_before(standing.hold, entry, end)
                hold_code, hold_item = others[-1] if standing.hold.parked else ("None", None)
                nobody = account_code != "None" and account_item is None
                if nobody or (account_code == "None" and hold_code != "None" and hold_item is None):
                    return Settlement(False, ())
                standing = standing.learn(account_item, hold_item)
            else:
                return Settlement(True, end.entries)
        raise ServiceUnavailable(BUSY)

    def _end_parts(self, standing: Standing, charge: Charge | None, end: Ending) -> list[Item]:
        hold = standing.hold
        beyond = 0 if charge is None else max(0, charge.cost_nanousd - hold.amount_nanousd)
        said = (
            phrases.LIVES[hold.parked],
            *(() if hold.parked else (phrases.LEAVE,)),
            phrases.END,
            *((phrases.END_BEYOND[standing.lacks(beyond)],) if beyond else ()),
            *standing.month_phrases,
        )
        values = {
            ":one": number(1),
            ":hold": number(hold.amount_nanousd),
            ":freed": number(end.freed_nanousd),
            ":beyond": number(beyond),
            ":seen_free": number(standing.account.free_nanousd if standing.account else 0),
            ":month": number(hold.month or 0),
            ":spend": number(end.spent_nanousd - hold.amount_nanousd),
        }
        names = {"#h": hold.hold_id, "#k": short(hold.key_id)}
        own_item = self._hold_at(hold) | {
            "ExpressionAttributeValues": {":hold": number(hold.amount_nanousd)},
        }
        return [
            {"Update": self._tables.account_update(hold.account_id, said, values, names)},
            *({"Put": self._tables.put_new(entry_item(entry))} for entry in end.entries),
            *([{"Delete": own_item}] if hold.parked else []),
        ]

    def _hold_at(self, hold: Hold) -> dict[str, Any]:
        return {
            "TableName": self._tables.ledger,
            "Key": ledger_key(hold.account_id, HOLD, hold.hold_id),
            "ConditionExpression": "amount = :hold",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    async def _ended_before(self, hold: Hold, first: Item, end: Ending) -> Settlement:
        """What ended the hold first; whatever late writes have left behind it is cleared away."""
        beside = await self._tables.get(
            self._tables.ledger, ledger_key(hold.account_id, ENTRY, shortfall_id(hold.hold_id))
        )
        entries = tuple(read_entry(item) for item in (first, beside) if item is not None)
        if hold.parked:
            key = ledger_key(hold.account_id, HOLD, hold.hold_id)
            await self._tables.call("DeleteItem", {"TableName": self._tables.ledger, "Key": key})
        await self._lay_ghost(hold)
        return Settlement(same_end(entries, end.entries), entries)

    async def _lay_ghost(self, hold: Hold) -> None:
        """Gives back what an admission has held that arrived after its own hold had ended.

        Such is a first try whose answer was lost, and which came in late behind its repeat and all that followed.
        """
        account = await self._tables.account(hold.account_id)
        ghost = account.young.get(hold.hold_id) if account else None
        if ghost is None:
            return
        said = (phrases.LIVES[False], phrases.LEAVE, phrases.END, *Standing(ghost, account).month_phrases)
        values = {
            ":one": number(1),
            ":hold": number(ghost.amount_nanousd),
            ":freed": number(ghost.amount_nanousd),
            ":month": number(ghost.month or 0),
            ":spend": number(-ghost.amount_nanousd),
        }
        names = {"#h": ghost.hold_id, "#k": short(ghost.key_id)}
        # Whoever came first has laid it.
        with suppress(ConditionFailed):
            await self._tables.update_account(hold.account_id, said, values, names)


def _ending(standing: Standing, charge: Charge | None, now_s: float) -> Ending:
    hold, account = standing.hold, standing.account
    beyond = 0 if charge is None else max(0, charge.cost_nanousd - hold.amount_nanousd)
    short_of = account is not None and account.free_nanousd < beyond
    return ending(hold, charge, account.free_nanousd if short_of and account else beyond, now_s)


def _over_cap(standing: Standing, more_nanousd: NanoUsd, cap_nanousd: NanoUsd | None) -> bool:
    hold, account = standing.hold, standing.account
    if cap_nanousd is None or account is None or hold.month != account.month:
        return False
    return account.key_spent.get(hold.key_id, 0) + more_nanousd > cap_nanousd
