"""Changes holds after admission: park, extend, checkpoint, end. Each is one write or transaction.

A write assumes a state of the hold. If the assumption is wrong, the write fails whole and returns the real state, and
the write is planned again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.money import Charge, Entry, Failure, Hold, NanoUsd, Settlement, seat_name
from gateway.errors import ServiceUnavailable
from gateway.limits.windows import minute_of
from gateway.stores.aws.client import ConditionFailed, TransactionCanceled
from gateway.stores.money import expressions, limit_writes
from gateway.stores.money.endings import Ending, correctable, ending, same_end
from gateway.stores.money.items import (
    ENTRY,
    HOLD,
    Item,
    account_key,
    charge_attributes,
    entry_item,
    ledger_key,
    mapping,
    number,
    parked_hold,
    read_account,
    read_parked_hold,
    seat_names,
    short,
    text,
)
from gateway.stores.money.late import LateEnds, count_shortfall
from gateway.stores.money.state import Account, counted_names
from gateway.stores.money.tables import BUSY, PLANS, MoneyTables

PARKED_LIVES = "amount = :hold AND key_id = :key"


class Caps(Struct, frozen=True):
    """The bounds on a month's spend of a hold's key, and of the member at whose seat it counts."""

    key_nanousd: NanoUsd | None
    seat_nanousd: NanoUsd | None


class Standing(Struct, frozen=True):
    """The assumed state of a hold, and its account if a failed write has shown it; `failure` is what ends it."""

    hold: Hold
    account: Account | None = None
    failure: Failure | None = None

    @property
    def month_rules(self) -> tuple[expressions.Rule, ...]:
        """The rules for the month of key and seat: none without a count, a check alone once the month is over."""
        counts = ((self.hold.month, expressions.SPEND_MONTH), (self.hold.seat_month, expressions.SEAT_MONTH))
        return tuple(rule[self._is_over(month)] for month, rule in counts if month is not None)

    def _is_over(self, month: int) -> bool:
        return self.account is not None and self.account.month > month

    @property
    def lives(self) -> tuple[expressions.Rule, ...]:
        """The rules by which the account has this hold, counted in its key's month or not."""
        uncounted = not self.hold.parked and self.hold.month is None
        return (expressions.LIVES[self.hold.parked], *((expressions.UNCOUNTED,) if uncounted else ()))

    @property
    def counts_now(self) -> bool:
        """True if the hold counts in the month that its account is in, and its key's owner is to be told of that."""
        over = self.account is not None and self.hold.month is not None and self.account.month > self.hold.month
        return self.hold.alert_at_nanousd is not None and self.hold.month is not None and not over

    def alerts(self, spent_nanousd: NanoUsd) -> bool:
        """True if the key's spend is known to come to where its owner is told, by a hold that ends with this."""
        hold, account = self.hold, self.account
        if account is None or hold.alert_at_nanousd is None or not self.counts_now:
            return False
        counted = account.key_spent.get(hold.key_id, 0) - hold.amount_nanousd + spent_nanousd
        return counted >= hold.alert_at_nanousd

    @property
    def is_closed(self) -> bool:
        """True if the account is known to be closed for the sums of usage beyond this hold."""
        return self.account is not None and self.account.closed_id > self.hold.hold_id

    def lacks(self, more_nanousd: NanoUsd) -> bool:
        """True if the account is known to have less than this free."""
        return self.account is not None and self.account.free_nanousd < more_nanousd

    def learn(self, account_item: Item | None, hold_item: Item | None) -> Standing:
        """The state shown by the items that a failed write returned; an item that did not fail stays unknown."""
        account = self.account if account_item is None else read_account(account_item)
        if hold_item is not None:
            return Standing(read_parked_hold(hold_item), account, self.failure)
        if account is None:
            return self
        young = account.young.get(self.hold.hold_id)
        return Standing(young or replace(self.hold, parked=True), account, self.failure)


class Holds:
    """The part of `Money` in DynamoDB that follows admission."""

    def __init__(self, tables: MoneyTables) -> None:
        self._tables = tables

    @property
    def _late(self) -> LateEnds:
        return LateEnds(self._tables)

    async def park(self, hold: Hold) -> Hold:
        # If the condition fails, either an earlier try was applied, or the hold has ended and its entry exists.
        with suppress(ConditionFailed):
            await self._tables.call("UpdateItem", self._own_item(hold))
        if await self._tables.has_ended(hold.account_id, hold.hold_id):
            # It had ended before it was admitted, and must not leave the account without giving its amount back.
            await self._ended_before(replace(hold, parked=True))
        else:
            await self._leave(replace(hold, parked=False))
        return replace(hold, parked=True, crowded=False)

    async def _leave(self, hold: Hold) -> None:
        """Removes a hold that has an item of its own from its account, unless another write has changed it."""
        values = {":one": number(1), **_own(hold), ":stamp": number(hold.admitted_ms)}
        overtaken = False
        for _ in range(PLANS):
            rules = (*Standing(hold).lives, expressions.LEAVE, expressions.LEFT[overtaken])
            try:
                await self._tables.update_account(hold.account_id, rules, values, {"#h": hold.hold_id})
            except ConditionFailed as failed:
                account = None if failed.item is None else read_account(failed.item)
                if account is None or hold.hold_id not in account.young:
                    return
                young = account.young[hold.hold_id]
                if (young.amount_nanousd, young.month) != (hold.amount_nanousd, hold.month):
                    return
                overtaken = account.left_ms >= hold.admitted_ms
            else:
                return
        raise ServiceUnavailable(BUSY)

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

    async def extend(
        self,
        hold: Hold,
        to_nanousd: NanoUsd,
        *,
        spend_cap_nanousd: NanoUsd | None = None,
        seat_cap_nanousd: NanoUsd | None = None,
    ) -> Hold | None:
        standing = Standing(hold)
        for _ in range(PLANS):
            if standing.hold.amount_nanousd >= to_nanousd:
                return standing.hold
            more = to_nanousd - standing.hold.amount_nanousd
            caps = Caps(spend_cap_nanousd, seat_cap_nanousd)
            if standing.lacks(more) or _over_cap(standing, more, caps):
                return None
            try:
                await self._raise(standing, to_nanousd, caps)
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
            "ConditionExpression": "attribute_exists(sk) AND "
            "(attribute_not_exists(checkpoint) OR checkpoint.#cost <= :cost)",
            "UpdateExpression": "SET checkpoint = :charge",
            "ExpressionAttributeNames": {"#cost": "cost"},
            "ExpressionAttributeValues": {
                ":charge": mapping(charge_attributes(charge)),
                ":cost": number(charge.cost_nanousd),
            },
        }
        # A hold that has ended needs no checkpoint, and a later checkpoint says more than one that arrives late.
        with suppress(ConditionFailed):
            await self._tables.call("UpdateItem", update)
        return parked

    async def settle(self, hold: Hold, charge: Charge, now_s: float) -> Settlement:
        return await self._end(Standing(hold), charge, now_s)

    async def release(self, hold: Hold, now_s: float, failure: Failure | None = None) -> Settlement:
        return await self._end(Standing(hold, failure=failure), None, now_s)

    async def expire(self, hold: Hold, now_s: float) -> Settlement:
        # It may have a later checkpoint than the one that it was known by.
        stored = await self._tables.get(self._tables.ledger, ledger_key(hold.account_id, HOLD, hold.hold_id))
        hold = hold if stored is None else read_parked_hold(stored)
        estimate = None if hold.checkpoint is None else replace(hold.checkpoint, estimated=True)
        return await self._end(Standing(hold), estimate, now_s, provisional=True)

    async def _raise(self, standing: Standing, to_nanousd: NanoUsd, caps: Caps) -> None:
        hold, more, counts = standing.hold, to_nanousd - standing.hold.amount_nanousd, standing.month_rules
        capped = caps.key_nanousd is not None and expressions.SPEND_MONTH[False] in counts
        seat_capped = caps.seat_nanousd is not None and expressions.SEAT_MONTH[False] in counts
        rules = (
            *standing.lives,
            *(() if hold.parked else (expressions.EXTEND_YOUNG,)),
            expressions.EXTEND,
            *counts,
            *((expressions.WITHIN_CAP,) if capped else ()),
            *((expressions.WITHIN_SEAT_CAP,) if seat_capped else ()),
        )
        values = {
            ":one": number(1),
            **_own(hold),
            ":raised": number(to_nanousd),
            ":more": number(more),
            **_months(hold),
            ":spend": number(more),
            ":room": number((caps.key_nanousd or 0) - more),
            ":seat_room": number((caps.seat_nanousd or 0) - more),
        }
        names = _names(hold)
        if not hold.parked:
            await self._tables.update_account(hold.account_id, rules, values, names)
            return
        raise_item = {
            **self._hold_at(hold),
            "UpdateExpression": "SET amount = :raised",
            "ExpressionAttributeValues": {**_own(hold), ":raised": values[":raised"]},
        }
        account = self._tables.account_update(hold.account_id, rules, values, names)
        running = self._tables.absent(ledger_key(hold.account_id, ENTRY, hold.hold_id))
        await self._tables.transact({"Update": account}, {"Update": raise_item}, {"ConditionCheck": running})

    async def _end(
        self, standing: Standing, charge: Charge | None, now_s: float, *, provisional: bool = False
    ) -> Settlement:
        for _ in range(PLANS):
            end, joining = self._summed(standing, _ending(standing, charge, now_s, provisional=provisional))
            try:
                await self._tables.transact(*self._end_parts(standing, charge, end, now_s, joining))
            except TransactionCanceled as canceled:
                (account_code, account_item), (_, entry), *others = canceled.reasons
                if entry is not None:
                    before = await self._ended_before(standing.hold)
                    if correctable(before) and not provisional:
                        return await self._late.book(before, charge, now_s)
                    return Settlement(same_end(before, end), before)
                hold_code, hold_item = others[-1] if standing.hold.parked else ("None", None)
                unknown_account = account_code != "None" and account_item is None
                if unknown_account or (account_code == "None" and hold_code != "None" and hold_item is None):
                    if unknown_account or charge is not None or provisional:
                        return Settlement(False, ())
                    if await self._fenced(end):
                        return Settlement(True, end.entries)
                    continue
                standing = standing.learn(account_item, hold_item)
            else:
                count_shortfall(end)
                return Settlement(True, end.entries, standing.alerts(end.spent_nanousd))
        raise ServiceUnavailable(BUSY)

    async def _fenced(self, release: Ending) -> bool:
        """Releases a hold that was not made, so that no charge follows if its admission arrives later; false if it has
        arrived.
        """
        (entry,) = release.entries
        hold_id = str(entry.hold_id)
        account = {
            "TableName": self._tables.accounts,
            "Key": account_key(entry.account_id),
            "ConditionExpression": "attribute_exists(account_id) AND attribute_not_exists(young.#h)",
            "ExpressionAttributeNames": {"#h": hold_id},
        }
        parked = self._tables.absent(ledger_key(entry.account_id, HOLD, hold_id))
        put = self._tables.put_new(entry_item(entry))
        try:
            await self._tables.transact({"ConditionCheck": account}, {"ConditionCheck": parked}, {"Put": put})
        except TransactionCanceled:
            return False
        return True

    def _summed(self, standing: Standing, end: Ending) -> tuple[Ending, list[Item]]:
        """The end, with the writes by which one that comes late for the sums of usage joins them."""
        if not standing.is_closed or end.entries[0].charge is None:
            return end, []
        from gateway.stores.money.usage import UsageSums  # noqa: PLC0415  # few ends come so late

        return UsageSums(self._tables).joining(end)

    def _end_parts(
        self, standing: Standing, charge: Charge | None, end: Ending, now_s: float, joining: list[Item]
    ) -> list[Item]:
        hold = standing.hold
        alerts = standing.alerts(end.spent_nanousd)
        beyond = _beyond(hold, charge)
        rules = (
            *standing.lives,
            *(() if hold.parked else (expressions.LEAVE,)),
            expressions.END,
            *((expressions.END_BEYOND[standing.lacks(beyond)],) if beyond else ()),
            *standing.month_rules,
            *(() if alerts or not standing.counts_now else (expressions.BELOW_ALERT,)),
            *(() if charge is None else (expressions.CLOSED[standing.is_closed],)),
            *limit_writes.end_rules(hold, standing.account, minute_of(now_s)),
        )
        further, lease = limit_writes.end_values(hold, end)
        values = {
            ":one": number(1),
            ":id": text(hold.hold_id),
            **_own(hold),
            **further,
            ":below": number((hold.alert_at_nanousd or 0) - end.spent_nanousd + hold.amount_nanousd),
            ":freed": number(end.freed_nanousd),
            ":beyond": number(beyond),
            ":seen_free": number(standing.account.free_nanousd if standing.account else 0),
            **_months(hold),
            ":spend": number(end.spent_nanousd - hold.amount_nanousd),
        }
        names = {**_names(hold), **lease}
        own_item = self._hold_at(hold) | {"ExpressionAttributeValues": _own(hold)}
        return [
            {"Update": self._tables.account_update(hold.account_id, rules, values, names)},
            *({"Put": self._tables.put_new(entry_item(entry))} for entry in end.entries),
            *joining,
            *([{"Delete": own_item}] if hold.parked else []),
        ]

    def _hold_at(self, hold: Hold) -> dict[str, Any]:
        counted = hold.month is not None
        return {
            "TableName": self._tables.ledger,
            "Key": ledger_key(hold.account_id, HOLD, hold.hold_id),
            "ConditionExpression": PARKED_LIVES + ("" if counted else " AND attribute_not_exists(#month)"),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **({} if counted else {"ExpressionAttributeNames": {"#month": "month"}}),
        }

    async def _ended_before(self, hold: Hold) -> tuple[Entry, ...]:
        """The entries of the hold, which has ended; also removes the remains of late writes."""
        if hold.parked:
            key = ledger_key(hold.account_id, HOLD, hold.hold_id)
            await self._tables.call("DeleteItem", {"TableName": self._tables.ledger, "Key": key})
        await self._undo_late_admission(hold)
        return await self._late.entries_of(hold.account_id, hold.hold_id)

    async def _undo_late_admission(self, hold: Hold) -> None:
        """Gives back the hold of an admission that arrived after the hold of the same id had ended.

        It is a first try whose answer was lost, and which was applied after its repeat and the repeat's end.
        """
        account = await self._tables.account(hold.account_id)
        late = account.young.get(hold.hold_id) if account else None
        if late is None:
            return
        found = Standing(late, account)
        ends = limit_writes.end_rules(late, account, 0)
        rules = (*found.lives, expressions.LEAVE, expressions.END, *found.month_rules, *ends)
        further, lease = limit_writes.end_values(late, None)
        values = {
            ":one": number(1),
            **_own(late),
            **further,
            ":freed": number(late.amount_nanousd),
            **_months(late),
            ":spend": number(-late.amount_nanousd),
        }
        names = {**_names(late), **lease}
        # A concurrent cleanup has already done it.
        with suppress(ConditionFailed):
            await self._tables.update_account(hold.account_id, rules, values, names)


def _own(hold: Hold) -> dict[str, Item]:
    """The attributes that identify a hold, in its account or in an item of its own."""
    key_id = hold.key_id if hold.parked else short(hold.key_id)
    return {":hold": number(hold.amount_nanousd), ":key": text(key_id)}


def _beyond(hold: Hold, charge: Charge | None) -> NanoUsd:
    """The part of a charge that the hold does not pay."""
    return 0 if charge is None else max(0, charge.cost_nanousd - hold.amount_nanousd)


def _ending(standing: Standing, charge: Charge | None, now_s: float, *, provisional: bool) -> Ending:
    hold, account = standing.hold, standing.account
    beyond = _beyond(hold, charge)
    short_of = account is not None and account.free_nanousd < beyond
    free_nanousd = account.free_nanousd if short_of and account else beyond
    return ending(hold, charge, free_nanousd, now_s, provisional=provisional, failure=standing.failure)


def _months(hold: Hold) -> dict[str, Item]:
    """The months in which a hold counts."""
    return {":month": number(hold.month or 0), ":seat_month": number(hold.seat_month or 0)}


def _names(hold: Hold) -> dict[str, str]:
    return {"#h": hold.hold_id, "#k": short(hold.key_id), **seat_names(hold.seat)}


def _over_cap(standing: Standing, more_nanousd: NanoUsd, caps: Caps) -> bool:
    hold, account = standing.hold, standing.account
    if account is None:
        return False
    bounds = [(hold.key_id, caps.key_nanousd)]
    bounds += [] if hold.seat is None else [(seat_name(hold.seat), caps.seat_nanousd)]
    counted = counted_names(hold, account.month)
    return any(
        name in counted and most is not None and account.key_spent.get(name, 0) + more_nanousd > most
        for name, most in bounds
    )
