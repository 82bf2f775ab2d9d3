"""The ends of a hold as values: what returns to the balance, and the entries that say so.

A hold ends once for good: by its charge, or by its release. The sweeper ends a hold too, but only *provisionally*: it
does not know what the request came to. A real end that arrives later is booked beside the provisional one, as the
hold's *late* entry, and corrects it. The late entry is a fence as well: there is one of them.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.money import LATE, Charge, Entry, EntryKind, Failure, Hold, NanoUsd

SHORTFALL = "-shortfall"


class Ending(Struct, frozen=True):
    """The end of a hold: the amount returned to free, the correction of the key's month, and the entries."""

    freed_nanousd: NanoUsd
    entries: tuple[Entry, ...]

    @property
    def spent_nanousd(self) -> NanoUsd:
        """The amount that the account pays, after write-offs."""
        return -sum(entry.amount_nanousd for entry in self.entries)

    @property
    def used_tokens(self) -> int:
        """The tokens that the charge is for."""
        charge = self.entries[0].charge
        return 0 if charge is None else charge.usage.total


def ending(
    hold: Hold,
    charge: Charge | None,
    free_nanousd: NanoUsd,
    now_s: float,
    *,
    provisional: bool = False,
    failure: Failure | None = None,
) -> Ending:
    """The end of `hold`: a release without a charge; a shortfall for cost beyond hold and `free_nanousd`.

    The charge is always the actual cost. The unpaid part is written off beside it, so that both sum to the amount paid
    and the balance stays at zero.
    """
    first = Entry(
        entry_id=hold.hold_id,
        account_id=hold.account_id,
        kind=EntryKind.RELEASE if charge is None else EntryKind.CHARGE,
        amount_nanousd=-charge.cost_nanousd if charge else 0,
        created_at_s=int(now_s),
        hold_id=hold.hold_id,
        key_id=hold.key_id or None,
        charge=charge,
        provisional=provisional,
        month=hold.month,
        seat=hold.seat,
        seat_month=hold.seat_month,
        failure=failure,
    )
    return _ending(first, hold.amount_nanousd, free_nanousd)


def late_ending(
    before: tuple[Entry, ...], charge: Charge | None, free_nanousd: NanoUsd, now_s: float, month: int | None
) -> Ending:
    """The end that a settlement or a release brings after the provisional end `before`, counted in its key's `month`.

    A charge moves the difference to the estimate that the sweeper has charged, in either direction; what was written
    off then stays written off. A release moves nothing, and no charge comes after it.
    """
    first = before[0]
    late = replace(
        first,
        entry_id=late_id(str(first.hold_id)),
        kind=EntryKind.RELEASE if charge is None else EntryKind.CHARGE,
        amount_nanousd=0 if charge is None else -_owed(before, charge),
        created_at_s=int(now_s),
        charge=charge,
        provisional=False,
        month=month,
        summed=False,
    )
    return _ending(late, 0, free_nanousd)


def correctable(entries: tuple[Entry, ...]) -> bool:
    """True for a hold's entries that a real end may still correct."""
    return len(entries) > 0 and entries[0].provisional and final(entries) is entries[0]


def same_end(existing: tuple[Entry, ...], expected: Ending) -> bool:
    """Tells whether a hold was ended before in the same way; then a repeat has changed nothing."""
    if not existing:
        return False
    first = expected.entries[0]
    end = existing[0] if first.provisional else final(existing)
    return (end.kind, end.charge) == (first.kind, first.charge)


def final(entries: tuple[Entry, ...]) -> Entry:
    """The entry of a hold's last end: the late one, or else the only one."""
    return next((entry for entry in entries if entry.late), entries[0])


def in_order(before: tuple[Entry, ...], end: Ending) -> tuple[Entry, ...]:
    """All entries of a hold after this end, as the ledger lists them."""
    return tuple(sorted((*before, *end.entries), key=lambda entry: entry.entry_id))


def late_id(hold_id: str) -> str:
    """The id of a late end's entry, which sorts after the hold's own."""
    return f"{hold_id}{LATE}"


def entry_ids(hold_id: str) -> tuple[str, ...]:
    """The ids of all entries that a hold may have, in their order."""
    late = late_id(hold_id)
    return (hold_id, late, f"{late}{SHORTFALL}", f"{hold_id}{SHORTFALL}")


def _owed(before: tuple[Entry, ...], charge: Charge) -> NanoUsd:
    estimate = before[0].charge
    beyond = charge.cost_nanousd - (estimate.cost_nanousd if estimate else 0)
    if beyond >= 0:
        return beyond
    paid = -sum(entry.amount_nanousd for entry in before)
    return -max(0, paid - charge.cost_nanousd)


def _ending(first: Entry, held_nanousd: NanoUsd, free_nanousd: NanoUsd) -> Ending:
    """The end with this entry; what neither the hold nor the free balance pays is written off beside it."""
    beyond = -first.amount_nanousd - held_nanousd
    # A balance that a refund has brought below zero pays nothing.
    unpaid = max(0, beyond - max(0, free_nanousd))
    if not unpaid:
        return Ending(-beyond, (first,))
    write_off = replace(first, entry_id=f"{first.entry_id}{SHORTFALL}", kind=EntryKind.SHORTFALL, amount_nanousd=unpaid)
    return Ending(unpaid - beyond, (first, write_off))
