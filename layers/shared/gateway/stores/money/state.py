"""An account's money as a value, and the rules of every store: admission, refusal, remaining amounts.

The memory store applies these functions; the DynamoDB store states the same rules in condition expressions, and uses
the functions on the item that a refused write returns. The contract suite compares the two.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.canonical.limits import SHARE
from gateway.canonical.money import (
    SEAT_PREFIX,
    AccountState,
    Act,
    Admission,
    CountedCall,
    Entry,
    EntryKind,
    Hold,
    HoldRequest,
    NanoUsd,
    Refusal,
    RefusedBy,
    Window,
    seat_name,
)
from gateway.ledger.hold_ids import admitted_s, hold_id_at
from gateway.ledger.money import AMOUNT_NANOUSD_MAX
from gateway.limits.windows import ACCOUNT_RPM_LIMIT, WINDOW_S, minute_of, month_of, month_reset_s, reset_s, tighter
from gateway.stores.money.endings import Ending
from gateway.stores.money.key_limits import Counts, broken_limit, fitted_tokens, live, too_large

# A write costs a unit for each started kilobyte of the account's item. Sizes of its parts in bytes, with usual names
# and numbers; a test compares them to the real item.
BASE_BYTES, HOLD_BYTES, KEY_BYTES, CAP_BYTES = 148, 48, 14, 18
TOKENS_BYTES, LEASE_BYTES, USER_BYTES = 16, 25, 14
# What a hold's own part grows by with each of its further limits.
LIMIT_BYTES = 10
# Above this size new holds are parked; the rest of the kilobyte is for holds that are leaving.
ROOM_BYTES = 768
# Refusals that only a credit or a setting can undo are remembered for as long as a key may be cached.
STALE_S_MAX = 5.0


class Account(Struct, frozen=True):
    """An account at one moment. `used` and `key_used` count requests in `minute`, `key_spent` nano-USD in `month`.

    `key_spent` has the keys whose spend is counted, open holds included; `young` are the holds inside the account's own
    item. `left_ms` is the latest `admitted_ms` of a parked hold: no admission of that time or before has an effect.
    A hold whose id is below `closed_id` adds its end to the sums of usage itself: those before it are being summed up.
    `key_tokens`, `key_reads` and `user_used` count in `minute` too, each `None` until it has begun; `leases` has the
    holds of keys that bound how many of their requests run at once. Below `low_nanousd`, if that is set, its owner is
    to be told, or its balance filled up.
    """

    account_id: str
    free_nanousd: NanoUsd = 0
    held_nanousd: NanoUsd = 0
    rpm_limit: int = ACCOUNT_RPM_LIMIT
    disabled: bool = False
    minute: int = 0
    used: int = 0
    key_used: Mapping[str, int] = field(default_factory=dict)
    month: int = 0
    key_spent: Mapping[str, NanoUsd] = field(default_factory=dict)
    young: Mapping[str, Hold] = field(default_factory=dict)
    left_ms: int = 0
    closed_id: str = ""
    version: int = 0
    key_tokens: Counts = None
    key_reads: Counts = None
    user_used: Counts = None
    leases: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    low_nanousd: NanoUsd | None = None

    @property
    def suspended(self) -> bool:
        """True if the operator has suspended the account, or refunds and disputes have taken more than it had left."""
        return self.disabled or self.free_nanousd < 0

    def at(self, now_s: float) -> Account:
        """The account with its window and month restarted if they are over.

        Windows never turn back: a writer whose clock is slow counts in the minute that others have reached.
        """
        minute, month = minute_of(now_s), month_of(now_s)
        turned = self
        if minute > self.minute:
            fresh = replace(self, key_tokens=None, key_reads=None, user_used=None)
            turned = replace(fresh, minute=minute, used=0, key_used={})
        return turned if month <= self.month else replace(turned, month=month, key_spent={})


def bytes_of(account: Account) -> int:
    """The size of the account's item, within a few bytes for each part."""
    return (
        BASE_BYTES
        + sum(map(_hold_bytes, account.young.values()))
        + KEY_BYTES * len(account.key_used)
        + CAP_BYTES * len(account.key_spent)
        + TOKENS_BYTES * (len(account.key_tokens or ()) + len(account.key_reads or ()))
        + USER_BYTES * len(account.user_used or ())
        + LEASE_BYTES * sum(map(len, account.leases.values()))
    )


def _hold_bytes(hold: Hold) -> int:
    limits = (hold.minute, hold.lease_until_s, hold.alert_at_nanousd, hold.seat)
    return HOLD_BYTES + LIMIT_BYTES * sum(limit is not None for limit in limits)


def window(account: Account, request: HoldRequest, now_s: float) -> Window:
    """The rest of the account's and the key's minute; `account` is as of now."""
    return tighter(
        account=(account.rpm_limit, account.used),
        key=(request.key_rpm_limit, account.key_used.get(request.key_id, 0)),
        now_s=now_s,
    )


def state(account: Account, key_id: str, key_rpm_limit: int, now_s: float) -> AccountState:
    """The account as its owner sees it through one of its keys."""
    turned = account.at(now_s)
    left = tighter(
        account=(turned.rpm_limit, turned.used),
        key=(key_rpm_limit, turned.key_used.get(key_id, 0)),
        now_s=now_s,
    )
    spent = turned.key_spent.get(key_id, 0)
    return AccountState(turned.free_nanousd, turned.held_nanousd, turned.suspended, left, spent)


def unknown(request: HoldRequest, now_s: float) -> Refusal:
    """The refusal of an account that does not exist."""
    return Refusal(RefusedBy.SUSPENDED, Window(request.key_rpm_limit, 0, reset_s(now_s)), 0)


def judge(account: Account, request: HoldRequest, now_s: float) -> Refusal | None:
    """The first rule that the request does not pass, or `None`."""
    account = account.at(now_s)
    capped = {cap: account.key_spent.get(name, 0) + request.amount_nanousd > most for cap, name, most in caps(request)}
    leases = account.leases.get(request.key_id, {})
    further = broken_limit(request, now_s, account.key_tokens, account.user_used, leases)
    by, limit = (None, 0) if further is None else further
    rules = (
        (RefusedBy.SUSPENDED, account.suspended),
        (RefusedBy.KEY_WINDOW, account.key_used.get(request.key_id, 0) >= request.key_rpm_limit and not request.owed),
        (RefusedBy.ACCOUNT_WINDOW, account.used >= account.rpm_limit and not request.owed),
        (by, by is not None),
        (RefusedBy.SPEND_CAP, capped.get(RefusedBy.SPEND_CAP, False)),
        (RefusedBy.SEAT_CAP, capped.get(RefusedBy.SEAT_CAP, False)),
        (RefusedBy.BALANCE, account.free_nanousd < request.amount_nanousd),
    )
    broken = next((rule for rule, is_broken in rules if is_broken), None)
    if broken is None:
        return None
    left = window(account, request, now_s)
    if broken in capped:
        return Refusal(broken, left, account.free_nanousd, month_reset_s=month_reset_s(now_s))
    if broken is not by:
        return Refusal(broken, left, account.free_nanousd)
    return Refusal(broken, left, account.free_nanousd, limit, broken is RefusedBy.TPM and too_large(request))


def judge_call(account: Account, call: CountedCall, now_s: float) -> Refusal | None:
    """The first rule that a call which holds no money does not pass, or `None`."""
    account = account.at(now_s)
    if call.reads_limit is not None:
        if (account.key_reads or {}).get(call.key_id, 0) < call.reads_limit:
            return None
        return Refusal(RefusedBy.READ_WINDOW, Window(call.reads_limit, 0, reset_s(now_s)), account.free_nanousd)
    rules = (
        (RefusedBy.SUSPENDED, account.suspended),
        (RefusedBy.KEY_WINDOW, account.key_used.get(call.key_id, 0) >= call.key_rpm_limit),
        (RefusedBy.ACCOUNT_WINDOW, account.used >= account.rpm_limit),
        (RefusedBy.BALANCE, account.free_nanousd <= 0 and not call.unpaid),
    )
    broken = next((rule for rule, is_broken in rules if is_broken), None)
    left = state(account, call.key_id, call.key_rpm_limit, now_s).window
    return None if broken is None else Refusal(broken, left, account.free_nanousd)


def fitted(account: Account, request: HoldRequest, now_s: float) -> HoldRequest:
    """The request with the one amount that it is to hold: between its least and its most, a share of what is left.

    Likewise the tokens that it is to reserve.
    """
    used = (account.at(now_s).key_tokens or {}).get(request.key_id, 0)
    request = replace(request, tokens=fitted_tokens(request.tokens, request.limits, used))
    if request.most_nanousd is None:
        return request
    spent = account.at(now_s).key_spent
    room = min([account.free_nanousd, *(most - spent.get(name, 0) for _, name, most in caps(request))])
    amount = max(request.amount_nanousd, min(request.most_nanousd, room // SHARE))
    return replace(request, amount_nanousd=amount, most_nanousd=None)


def lasts_until_s(refusal: Refusal, account: Account | None, now_s: float) -> float:
    """The time until which only an operator can undo the refusal; now, if a release could."""
    if refusal.by in {RefusedBy.KEY_WINDOW, RefusedBy.ACCOUNT_WINDOW, RefusedBy.READ_WINDOW}:
        return (minute_of(now_s) + 1) * WINDOW_S
    nothing_comes_back = account is None or account.disabled or account.held_nanousd == 0
    exhausted = refusal.by is RefusedBy.SUSPENDED or (refusal.by is RefusedBy.BALANCE and refusal.free_nanousd <= 0)
    return now_s + STALE_S_MAX if exhausted and nothing_comes_back else now_s


def concerned(refusal: Refusal, request: HoldRequest | CountedCall) -> tuple[str, ...]:
    """The subject of the refusal: the key alone, or its whole account."""
    if refusal.by in {RefusedBy.KEY_WINDOW, RefusedBy.READ_WINDOW, RefusedBy.SPEND_CAP, RefusedBy.SEAT_CAP}:
        return (request.account_id, request.key_id)
    return (request.account_id,)


def counted(account: Account, request: HoldRequest) -> bool:
    """True if the request counts in its key's spend: the key has a cap, or had one when this month's count began."""
    return request.spend_cap_nanousd is not None or request.key_id in account.key_spent


def caps(request: HoldRequest) -> Iterator[tuple[RefusedBy, str, NanoUsd]]:
    """The request's bounds on a month's spend: the rule, the name under which it is counted, the most."""
    if request.spend_cap_nanousd is not None:
        yield RefusedBy.SPEND_CAP, request.key_id, request.spend_cap_nanousd
    if request.seat is not None and request.seat_cap_nanousd is not None:
        yield RefusedBy.SEAT_CAP, seat_name(request.seat), request.seat_cap_nanousd


def seat_spend(account: Account, now_s: float) -> dict[int, NanoUsd]:
    """The spend of the month at each seat that has spent, open holds included."""
    spent = account.at(now_s).key_spent.items()
    return {int(name[len(SEAT_PREFIX) :]): nanousd for name, nanousd in spent if name.startswith(SEAT_PREFIX)}


def hold_for(request: HoldRequest, month: int | None, minute: int = 0, *, seat_month: int | None = None) -> Hold:
    """The hold that admits the request in a minute, counted in its key's spend of `month` if that is given.

    At a seat, it counts in `seat_month` in any case.
    """
    limits = request.limits
    return Hold(
        account_id=request.account_id,
        hold_id=request.hold_id,
        key_id=request.key_id,
        amount_nanousd=request.amount_nanousd,
        deadline_s=request.deadline_s,
        month=month,
        tokens=0 if limits.tpm_limit is None else request.tokens.worst,
        minute=None if limits.tpm_limit is None else minute,
        lease_until_s=None if limits.max_parallel is None else request.lease_until_s or request.deadline_s,
        alert_at_nanousd=None if month is None else request.alert_at_nanousd,
        seat=request.seat,
        seat_month=None if request.seat is None else seat_month,
    )


def admission(account: Account, request: HoldRequest, now_s: float, admitted_ms: int = 0) -> Admission:
    """The answer of an admission, from the account just after it."""
    crowded = bytes_of(account) > ROOM_BYTES
    hold = replace(account.young[request.hold_id], crowded=crowded, admitted_ms=admitted_ms)
    return Admission(hold, window(account, request, now_s), account.free_nanousd)


def admitted(account: Account, request: HoldRequest, now_s: float) -> Account:
    """The account just after the admission."""
    account = account.at(now_s)
    month = account.month if counted(account, request) else None
    hold = hold_for(request, month, account.minute, seat_month=account.month)
    key_id, limits = hold.key_id, request.limits
    tokens, leases = account.key_tokens, account.leases
    if hold.minute is not None:
        tokens = {**(tokens or {}), key_id: (tokens or {}).get(key_id, 0) + hold.tokens}
    if hold.lease_until_s is not None:
        leases = {**leases, key_id: {**live(leases.get(key_id, {}), now_s), hold.hold_id: hold.lease_until_s}}
    return replace(
        account,
        key_tokens=tokens,
        user_used=account.user_used if limits.user_rpm_limit is None else _one_more(account.user_used, request.user),
        leases=leases,
        free_nanousd=account.free_nanousd - hold.amount_nanousd,
        held_nanousd=account.held_nanousd + hold.amount_nanousd,
        used=account.used if request.owed else account.used + 1,
        key_used=account.key_used if request.owed else _one_more(account.key_used, key_id),
        key_spent=spend(account, hold, hold.amount_nanousd),
        young={**account.young, hold.hold_id: hold},
    )


def ended(account: Account, hold: Hold, end: Ending) -> Account:
    """The account after `hold` ended that way."""
    return replace(
        account,
        free_nanousd=account.free_nanousd + end.freed_nanousd,
        held_nanousd=account.held_nanousd - hold.amount_nanousd,
        key_spent=spend(account, hold, end.spent_nanousd - hold.amount_nanousd),
        young={hold_id: young for hold_id, young in account.young.items() if hold_id != hold.hold_id},
        key_tokens=_given_back(account, hold, end),
        leases={key_id: _without(held, hold.hold_id) for key_id, held in account.leases.items()},
    )


def corrected(account: Account, before: Entry, end: Ending) -> Account:
    """The account after a late end that corrected the provisional one of the entry `before`."""
    spent = account.key_spent
    if end.entries[0].month is not None:
        key_id = str(before.key_id)
        spent = {**spent, key_id: spent[key_id] + end.spent_nanousd}
    if before.seat is not None and before.seat_month == account.month:
        spent = {**spent, seat_name(before.seat): spent[seat_name(before.seat)] + end.spent_nanousd}
    return replace(account, free_nanousd=account.free_nanousd + end.freed_nanousd, key_spent=spent)


def late_month(account: Account, before: Entry) -> int | None:
    """The month in which the late end of a provisional entry's hold counts, if its key's spend is counted in it."""
    if before.key_id not in account.key_spent or month_of(admitted_s(before.entry_id)) != account.month:
        return None
    return account.month


def _one_more(counts: Counts, name: str) -> Mapping[str, int]:
    return {**(counts or {}), name: (counts or {}).get(name, 0) + 1}


def _without(leases: Mapping[str, int], hold_id: str) -> Mapping[str, int]:
    return {other: until_s for other, until_s in leases.items() if other != hold_id}


def _given_back(account: Account, hold: Hold, end: Ending) -> Counts:
    """The tokens of keys without those that the hold reserved and did not use; a minute that is over is not kept."""
    if hold.minute != account.minute or account.key_tokens is None:
        return account.key_tokens
    tokens = account.key_tokens
    return {**tokens, hold.key_id: tokens[hold.key_id] - hold.tokens + end.used_tokens}


def spend(account: Account, hold: Hold, nanousd: NanoUsd) -> Mapping[str, NanoUsd]:
    """The spend by key and seat after a hold spent more in the month of admission; a month that is over is not kept."""
    spent = dict(account.key_spent)
    for name in counted_names(hold, account.month):
        spent[name] = spent.get(name, 0) + nanousd
    return spent


def counted_names(hold: Hold, month: int) -> list[str]:
    """The names under which a hold is counted in a month."""
    key = [hold.key_id] if hold.month == month else []
    return key if hold.seat is None or hold.seat_month != month else [*key, seat_name(hold.seat)]


def credit_entry(
    account_id: str, amount_nanousd: NanoUsd, now_s: float, note: str | None, act: Act | None = None
) -> Entry:
    """The entry of a credit; raises `ValueError` for an amount that is not positive or too large."""
    if not 0 < amount_nanousd <= AMOUNT_NANOUSD_MAX:
        raise ValueError("a credit is more than nothing and less than a billion dollars")
    return Entry(
        entry_id=hold_id_at(now_s, secrets.randbits(40)),
        account_id=account_id,
        kind=EntryKind.CREDIT,
        amount_nanousd=amount_nanousd,
        created_at_s=int(now_s),
        note=note,
        act=act,
    )


def uncounted(of: Hold | Entry, key_id: str, month: int) -> bool:
    """True for a hold or an entry of the key's month that is not counted in the key's spend."""
    if of.key_id != key_id or of.month is not None or of.hold_id is None:
        return False
    return month_of(admitted_s(of.hold_id)) == month
