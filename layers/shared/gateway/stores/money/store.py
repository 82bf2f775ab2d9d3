"""Money in DynamoDB: one plain write admits, one transaction ends; a crash in between leaves a hold for the sweeper.

The mechanism and its figures are docs/adr/0004-money-mechanism.md. A hold is inside its account's item, and moves to an
item of its own if the account is crowded. Its end is one transaction with its entry, and the entry is the fence: a hold
with an entry has ended, so a late write has no effect.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.canonical.limits import SHARE
from gateway.canonical.money import (
    AccountState,
    Admission,
    CountedCall,
    HoldRequest,
    NanoUsd,
    Refusal,
    RefusedBy,
    seat_name,
)
from gateway.errors import ServiceUnavailable
from gateway.limits.refusals import Refusals
from gateway.limits.windows import minute_of, month_of
from gateway.stores.aws.client import ConditionFailed
from gateway.stores.money import expressions, limit_writes
from gateway.stores.money.books import Books
from gateway.stores.money.holds import Holds
from gateway.stores.money.items import (
    Item,
    mapping,
    number,
    read_account,
    seat_names,
    shard_of,
    short,
    slot_of,
    text,
    young,
)
from gateway.stores.money.key_limits import hopeful
from gateway.stores.money.limit_writes import SeenLimits
from gateway.stores.money.state import (
    Account,
    admission,
    caps,
    concerned,
    fitted,
    hold_for,
    judge,
    judge_call,
    lasts_until_s,
    state,
    unknown,
)
from gateway.stores.money.tables import BUSY, PLANS, DynamoDb, MoneyTables

# Maximum of accounts whose last seen state is kept; a process rarely serves so many.
SEEN_MAX = 10_000


class Seen(Struct, frozen=True):
    """The last seen state of an account, from which a process guesses the form of its next write."""

    minute: int
    used: int
    month: int
    left_ms: int
    key_spent: Mapping[str, NanoUsd]
    limits: SeenLimits = field(default_factory=SeenLimits)

    def guess(self, now_s: float) -> Seen:
        """The state that the next write will most likely find.

        The first writer of a minute starts its count. At the account's own pace, an earlier writer has done so if a
        request has come since the minute began.
        """
        minute = minute_of(now_s)
        expected = self.used * (now_s / 60 - minute)
        return replace(self, minute=max(minute, self.minute)) if expected >= 1 else self


class DynamoMoney(Books, Holds):
    """`Money` in the Accounts and Ledger tables. Keeps only guesses in memory, and refusals in force."""

    def __init__(self, api: DynamoDb, accounts_table: str, ledger_table: str) -> None:
        super().__init__(MoneyTables(api, accounts_table, ledger_table))
        self._refusals = Refusals()
        self._read_refusals = Refusals()
        self._seen: dict[str, Seen] = {}

    async def admit(self, request: HoldRequest, now_s: float) -> Admission | Refusal:
        standing = self._refusals.recall(request.account_id, request.key_id, now_s)
        # What costs nothing needs no balance, and what is owed is asked for in any case.
        is_over = request.owed or (
            request.amount_nanousd == 0 and standing is not None and standing.by is RefusedBy.BALANCE
        )
        if standing is not None and not is_over:
            return standing
        seen = self._guess(request.account_id, now_s)
        stamp_ms = int(now_s * 1000)
        # The usual account covers the most many times over.
        asked = replace(request, tokens=hopeful(request.tokens, request.limits))
        if request.most_nanousd is not None:
            asked = replace(asked, amount_nanousd=request.most_nanousd)
        for plan in range(PLANS):
            # In a burst the bar of the parked holds rises while a write is under way, so each plan leaps twice as far.
            stamp_ms = max(stamp_ms, seen.left_ms + 2**plan)
            try:
                account = await self._admit_as(seen, asked, now_s, stamp_ms)
            except ConditionFailed as failed:
                if failed.item is None:
                    return self._refuse(unknown(request, now_s), None, request, now_s)
                account = read_account(failed.item)
                asked = fitted(account, request, now_s)
            seen = self._see(account)
            if request.hold_id in account.young:
                return admission(account, asked, now_s, stamp_ms)
            refusal = judge(account, asked, now_s)
            if refusal is not None:
                return self._refuse(refusal, account, request, now_s)
        raise ServiceUnavailable(BUSY)

    async def count(self, call: CountedCall, now_s: float) -> AccountState | Refusal | None:
        is_read = call.reads_limit is not None
        refusals = self._read_refusals if is_read else self._refusals
        standing = refusals.recall(call.account_id, call.key_id, now_s)
        is_over = standing is not None and standing.by is RefusedBy.BALANCE and call.unpaid
        if standing is not None and not is_over and (call.reads_limit or 0) <= standing.window.limit:
            return standing
        seen = self._guess(call.account_id, now_s)
        for _ in range(PLANS):
            try:
                account = await self._count_as(seen, call, now_s)
            except ConditionFailed as failed:
                if failed.item is None:
                    return None
                account = read_account(failed.item)
                seen = self._see(account)
                refusal = judge_call(account, call, now_s)
                if refusal is not None:
                    return self._keep(refusals, refusal, account, call, now_s)
            else:
                self._see(account)
                return state(account, call.key_id, call.key_rpm_limit, now_s)
        raise ServiceUnavailable(BUSY)

    def standing_refusal(self, account_id: str, key_id: str, now_s: float) -> Refusal | None:
        return self._refusals.recall(account_id, key_id, now_s)

    async def _count_as(self, seen: Seen, call: CountedCall, now_s: float) -> Account:
        minute, key = max(minute_of(now_s), seen.minute), short(call.key_id)
        turns = minute > seen.minute
        if call.reads_limit is None:
            dropped = tuple(expressions.DROP.values()) if turns else ()
            rules = (expressions.CALL[call.unpaid], expressions.ADMIT_MINUTE[turns], *dropped)
        else:
            rules = (expressions.KNOWN, expressions.COUNT_READ[seen.limits.variant("kr", turns=turns)])
        may_pass = (call.key_rpm_limit if call.reads_limit is None else call.reads_limit) >= 1
        values = {
            ":one": number(1),
            ":zero": number(0),
            ":minute": number(minute),
            ":key_rpm": number(call.key_rpm_limit),
            ":reads": number(call.reads_limit or 0),
            ":first_request": mapping({key: number(1)}),
            ":nothing": mapping({}),
        }
        rules = rules if may_pass else (*rules, expressions.NEVER)
        return await self._tables.update_account(call.account_id, rules, values, {"#k": key})

    async def _admit_as(self, seen: Seen, request: HoldRequest, now_s: float, stamp_ms: int) -> Account:
        minute, month = max(minute_of(now_s), seen.minute), max(month_of(now_s), seen.month)
        turns = minute > seen.minute
        cap, key = request.spend_cap_nanousd, short(request.key_id)
        turned = month > seen.month
        is_counted = cap is not None or (not turned and request.key_id in seen.key_spent)
        rules = (
            expressions.ADMIT,
            *(() if request.owed else (expressions.ADMIT_MINUTE[turns],)),
            *_month_rules(request, turned=turned, is_counted=is_counted),
            *limit_writes.admission_rules(seen.limits, request, now_s, turns=turns and not request.owed),
            *(() if _can_pass(request) else (expressions.NEVER,)),
        )
        values = {
            ":one": number(1),
            ":zero": number(0),
            ":hold": number(request.amount_nanousd),
            ":needs": number(_needs(request)),
            ":stamp": number(stamp_ms),
            ":young": young(hold_for(request, month if is_counted else None, minute, seat_month=month)),
            ":shard": text(shard_of(request.account_id)),
            ":slot": number(slot_of(now_s)),
            ":minute": number(minute),
            ":key_rpm": number(request.key_rpm_limit),
            ":first_request": mapping({key: number(1)}),
            ":month": number(month),
            ":room": number((cap or 0) - _needs(request)),
            ":first_spend": mapping(_first_spend(request)),
            ":seat_room": number((request.seat_cap_nanousd or 0) - _needs(request)),
        }
        further, names = limit_writes.admission_values(seen.limits, request, now_s)
        names |= {"#h": request.hold_id, "#k": key, **seat_names(request.seat)}
        return await self._tables.update_account(request.account_id, rules, values | further, names)

    def _guess(self, account_id: str, now_s: float) -> Seen:
        """The state that the next write will most likely find. An unknown account is taken for idle: a write begins its
        minute.
        """
        return self._seen.get(account_id, Seen(0, 0, month_of(now_s), 0, {})).guess(now_s)

    def _see(self, account: Account) -> Seen:
        seen = Seen(
            account.minute,
            account.used,
            account.month,
            account.left_ms,
            account.key_spent,
            SeenLimits.of(account),
        )
        self._seen.pop(account.account_id, None)
        if len(self._seen) >= SEEN_MAX:
            del self._seen[next(iter(self._seen))]
        self._seen[account.account_id] = seen
        return seen

    def _refuse(self, refusal: Refusal, account: Account | None, request: HoldRequest, now_s: float) -> Refusal:
        return self._keep(self._refusals, refusal, account, request, now_s)

    def _keep(
        self,
        refusals: Refusals,
        refusal: Refusal,
        account: Account | None,
        request: HoldRequest | CountedCall,
        now_s: float,
    ) -> Refusal:
        """Remembers a refusal for as long as only time or an operator can undo it."""
        until_s = lasts_until_s(refusal, account, now_s)
        if until_s > now_s:
            refusals.remember(concerned(refusal, request), refusal, until_s)
        return refusal


def _can_pass(request: HoldRequest) -> bool:
    """True if the rules can admit the request at all: they admit a first request of a window, or a month, that fits."""
    fits = all(_needs(request) <= most for _, _, most in caps(request))
    return (request.key_rpm_limit >= 1 or request.owed) and fits and limit_writes.can_pass(request)


def _needs(request: HoldRequest) -> NanoUsd:
    """The amount that must be free to spend: the hold itself, or more where the hold is the most of several."""
    return request.amount_nanousd * (1 if request.most_nanousd is None else SHARE)


def _month_rules(request: HoldRequest, *, turned: bool, is_counted: bool) -> tuple[expressions.Rule, ...]:
    """The rules for the month's spend of key and seat; `turned` is true for the write that begins a month."""
    at_seat = request.seat is not None
    if turned and (at_seat or request.spend_cap_nanousd is not None):
        return (expressions.ADMIT_MONTH[True],)
    capped = request.spend_cap_nanousd is not None
    of_key = expressions.ADMIT_MONTH[False] if capped else expressions.ADMIT_UNCAPPED[is_counted]
    return (of_key, expressions.ADMIT_SEAT[request.seat_cap_nanousd is not None]) if at_seat else (of_key,)


def _first_spend(request: HoldRequest) -> dict[str, Item]:
    """The counts with which the request begins a month."""
    names = [] if request.spend_cap_nanousd is None else [request.key_id]
    names += [] if request.seat is None else [seat_name(request.seat)]
    return {short(name): number(request.amount_nanousd) for name in names}
