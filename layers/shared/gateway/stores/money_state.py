"""An account's money as a value, and the rules every store keeps: what admits, what refuses, what is left.

The memory store applies these functions; the DynamoDB store says the same in condition expressions and uses
them to read the item that a refused write returns. The contract suite holds the two together.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gateway.canonical.money import (
    AccountState,
    Admission,
    Charge,
    Entry,
    EntryKind,
    Hold,
    NanoUsd,
    Refusal,
    RefusedBy,
    Wanted,
    Window,
)
from gateway.ledger.hold_ids import admitted_s, hold_id_at
from gateway.ledger.money import AMOUNT_NANOUSD_MAX
from gateway.limits.windows import ACCOUNT_RPM_LIMIT, WINDOW_S, minute_of, month_of, reset_s, tighter

# A write costs a unit for each started kilobyte of the account's item. What its parts come to, in bytes, with the names
# and numbers that they usually have; a test holds these to the real item.
BASE_BYTES, HOLD_BYTES, KEY_BYTES, CAP_BYTES = 136, 48, 14, 20
# Where this is passed new holds are parked; the rest of the kilobyte is for those that are on their way out.
ROOM_BYTES = 768
# Refusals that only a credit or a setting can undo are remembered as long as a key may be cached.
STALE_S_MAX = 5.0


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it stands. `used` and `key_used` count requests in `minute`, `key_spent` nano-USD in
    `month`.

    `key_spent` has capped keys only, open holds included; `young` are the holds inside the account's own
    item.
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
    version: int = 0

    def at(self, now_s: float) -> Account:
        """The same account with its window and month turned where they are over.

        Windows never turn back: a writer whose clock is behind counts in the minute that others have reached.
        """
        minute, month = minute_of(now_s), month_of(now_s)
        turned = self if minute <= self.minute else replace(self, minute=minute, used=0, key_used={})
        return turned if month <= self.month else replace(turned, month=month, key_spent={})


def bytes_of(account: Account) -> int:
    """How large the account's item is, within a few bytes for each part."""
    return (
        BASE_BYTES
        + HOLD_BYTES * len(account.young)
        + KEY_BYTES * len(account.key_used)
        + CAP_BYTES * len(account.key_spent)
    )


def window(account: Account, wanted: Wanted, now_s: float) -> Window:
    """What is left of the account's and the key's minute; `account` is as of now."""
    return tighter(
        account=(account.rpm_limit, account.used),
        key=(wanted.key_rpm_limit, account.key_used.get(wanted.key_id, 0)),
        now_s=now_s,
    )


def state(account: Account, key_id: str, key_rpm_limit: int, now_s: float) -> AccountState:
    """What the account's owner is shown of it through one of its keys."""
    turned = account.at(now_s)
    left = tighter(
        account=(turned.rpm_limit, turned.used),
        key=(key_rpm_limit, turned.key_used.get(key_id, 0)),
        now_s=now_s,
    )
    return AccountState(turned.free_nanousd, turned.held_nanousd, turned.disabled, left)


def unknown(wanted: Wanted, now_s: float) -> Refusal:
    """The refusal of an account that does not exist."""
    return Refusal(RefusedBy.SUSPENDED, Window(wanted.key_rpm_limit, 0, reset_s(now_s)), 0)


def judge(account: Account, wanted: Wanted, now_s: float) -> Refusal | None:
    """The first rule that `wanted` does not pass, or nothing."""
    account = account.at(now_s)
    spent = account.key_spent.get(wanted.key_id, 0) + wanted.amount_nanousd
    cap = wanted.spend_cap_nanousd
    rules = (
        (RefusedBy.SUSPENDED, account.disabled),
        (RefusedBy.KEY_WINDOW, account.key_used.get(wanted.key_id, 0) >= wanted.key_rpm_limit),
        (RefusedBy.ACCOUNT_WINDOW, account.used >= account.rpm_limit),
        (RefusedBy.SPEND_CAP, cap is not None and spent > cap),
        (RefusedBy.BALANCE, account.free_nanousd < wanted.amount_nanousd),
    )
    broken = next((rule for rule, is_broken in rules if is_broken), None)
    if broken is None:
        return None
    return Refusal(broken, window(account, wanted, now_s), account.free_nanousd)


def lasts_until_s(refusal: Refusal, account: Account | None, now_s: float) -> float:
    """Until when nothing but an operator can undo the refusal; now, where a release could."""
    if refusal.by in {RefusedBy.KEY_WINDOW, RefusedBy.ACCOUNT_WINDOW}:
        return (minute_of(now_s) + 1) * WINDOW_S
    nothing_comes_back = account is None or account.disabled or account.held_nanousd == 0
    exhausted = refusal.by is RefusedBy.SUSPENDED or (refusal.by is RefusedBy.BALANCE and refusal.free_nanousd <= 0)
    return now_s + STALE_S_MAX if exhausted and nothing_comes_back else now_s


def concerned(refusal: Refusal, wanted: Wanted) -> tuple[str, ...]:
    """Whom the refusal is about: the key alone, or its whole account."""
    if refusal.by in {RefusedBy.KEY_WINDOW, RefusedBy.SPEND_CAP}:
        return (wanted.account_id, wanted.key_id)
    return (wanted.account_id,)


def hold_for(wanted: Wanted, month: int) -> Hold:
    """The hold that admits `wanted`."""
    return Hold(
        account_id=wanted.account_id,
        hold_id=wanted.hold_id,
        key_id=wanted.key_id,
        amount_nanousd=wanted.amount_nanousd,
        deadline_s=wanted.deadline_s,
        month=None if wanted.spend_cap_nanousd is None else month,
    )


def admission(account: Account, wanted: Wanted, now_s: float) -> Admission:
    """What admission answers, from the account just after it."""
    hold = replace(account.young[wanted.hold_id], crowded=bytes_of(account) > ROOM_BYTES)
    return Admission(hold, window(account, wanted, now_s), account.free_nanousd)


def admitted(account: Account, wanted: Wanted, now_s: float) -> Account:
    """The account just after `wanted` was admitted."""
    account = account.at(now_s)
    hold = hold_for(wanted, account.month)
    return replace(
        account,
        free_nanousd=account.free_nanousd - hold.amount_nanousd,
        held_nanousd=account.held_nanousd + hold.amount_nanousd,
        used=account.used + 1,
        key_used={**account.key_used, hold.key_id: account.key_used.get(hold.key_id, 0) + 1},
        key_spent=_spend(account, hold, hold.amount_nanousd),
        young={**account.young, hold.hold_id: hold},
    )


def resized(account: Account, hold: Hold, amount_nanousd: NanoUsd) -> Account:
    """The account after `hold` was raised to another amount, wherever the hold lives."""
    more = amount_nanousd - hold.amount_nanousd
    return replace(
        account,
        free_nanousd=account.free_nanousd - more,
        held_nanousd=account.held_nanousd + more,
        key_spent=_spend(account, hold, more),
    )


def ended(account: Account, hold: Hold, end: Ending) -> Account:
    """The account after `hold` ended so."""
    return replace(
        account,
        free_nanousd=account.free_nanousd + end.freed_nanousd,
        held_nanousd=account.held_nanousd - hold.amount_nanousd,
        key_spent=_spend(account, hold, end.spent_nanousd - hold.amount_nanousd),
        young={hold_id: young for hold_id, young in account.young.items() if hold_id != hold.hold_id},
    )


def _spend(account: Account, hold: Hold, nanousd: NanoUsd) -> Mapping[str, NanoUsd]:
    """Spend belongs to the month of admission; a month that is over is not kept."""
    if hold.month != account.month:
        return account.key_spent
    return {**account.key_spent, hold.key_id: account.key_spent.get(hold.key_id, 0) + nanousd}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a hold ends: what goes back to free, what the key's month is corrected by, what is written down."""

    freed_nanousd: NanoUsd
    entries: tuple[Entry, ...]

    @property
    def spent_nanousd(self) -> NanoUsd:
        """What the account pays, after what is written off."""
        return -sum(entry.amount_nanousd for entry in self.entries)


def ending(hold: Hold, charge: Charge | None, free_nanousd: NanoUsd, now_s: float) -> Ending:
    """The end of `hold`: a release without a charge; a shortfall where hold and `free_nanousd` do not cover
    it.

    The charge is always the actual cost; what nobody can pay is written off beside it, so that the two sum to
    what was paid and the balance stays at zero.
    """
    if charge is None:
        return Ending(hold.amount_nanousd, (_entry(hold, EntryKind.RELEASE, 0, None, now_s),))
    beyond = charge.cost_nanousd - hold.amount_nanousd
    entries = [_entry(hold, EntryKind.CHARGE, -charge.cost_nanousd, charge, now_s)]
    unpaid = max(0, beyond - free_nanousd)
    if unpaid:
        entries.append(_entry(hold, EntryKind.SHORTFALL, unpaid, charge, now_s))
    return Ending(unpaid - beyond, tuple(entries))


def same_end(stands: tuple[Entry, ...], wanted: tuple[Entry, ...]) -> bool:
    """Whether a hold was ended before just as it is to be ended now: then a repeat has changed nothing."""
    if not stands:
        return False
    first, second = stands[0], wanted[0]
    return (first.kind, first.charge) == (second.kind, second.charge)


def shortfall_id(hold_id: str) -> str:
    """The entry of what is written off, which sorts behind the hold's own."""
    return f"{hold_id}-shortfall"


def credit_entry(account_id: str, amount_nanousd: NanoUsd, now_s: float, note: str | None) -> Entry:
    """The entry of money that comes in; raises `ValueError` for an amount that is not money coming in."""
    if not 0 < amount_nanousd <= AMOUNT_NANOUSD_MAX:
        raise ValueError("a credit is more than nothing and less than a billion dollars")
    return Entry(
        entry_id=hold_id_at(now_s, secrets.randbits(40)),
        account_id=account_id,
        kind=EntryKind.CREDIT,
        amount_nanousd=amount_nanousd,
        created_at_s=int(now_s),
        note=note,
    )


def spent_in_month(entries: Iterable[Entry], key_id: str, now_s: float) -> NanoUsd:
    """What a key has spent on requests admitted in this month."""
    month = month_of(now_s)
    return -sum(
        entry.amount_nanousd
        for entry in entries
        if entry.key_id == key_id and month_of(admitted_s(entry.entry_id)) == month
    )


def _entry(hold: Hold, kind: EntryKind, amount: NanoUsd, charge: Charge | None, now_s: float) -> Entry:
    return Entry(
        entry_id=shortfall_id(hold.hold_id) if kind is EntryKind.SHORTFALL else hold.hold_id,
        account_id=hold.account_id,
        kind=kind,
        amount_nanousd=amount,
        created_at_s=int(now_s),
        hold_id=hold.hold_id,
        key_id=hold.key_id,
        charge=charge,
    )
