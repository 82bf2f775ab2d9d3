"""Adds entries of a ledger up to sums of usage. Spend belongs to the UTC day of admission, as it does to the month."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from gateway.canonical.money import Charge, Entry, EntryKind
from gateway.canonical.tallies import Cell, Tallies, Tally
from gateway.ledger.hold_ids import admitted_s, id_floor


def day_of(entry_id: str) -> str:
    """The UTC day on which an id was made."""
    return datetime.fromtimestamp(admitted_s(entry_id), UTC).date().isoformat()


def day_floor(day: str) -> str:
    """The lower bound of all ids that were made on a UTC day or later."""
    return id_floor(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def summed(entries: Collection[Entry]) -> Tallies:
    """Adds entries up to sums of usage; those of one hold are together here, in any order.

    A shortfall only corrects the cost of its charge. An estimate that a late charge has corrected only adds its cost:
    the late charge names the request and all its tokens. Entries without a charge add nothing.
    """
    corrected = {entry.hold_id for entry in entries if entry.late and entry.charge is not None}
    sums: Tallies = {}
    for entry in entries:
        charge = entry.charge
        if charge is None:
            continue
        tally = sums.setdefault(_cell(entry, charge), Tally())
        tally.cost_nanousd -= entry.amount_nanousd
        if entry.kind is EntryKind.CHARGE and not (entry.provisional and entry.hold_id in corrected):
            tally.requests += 1
            tally.tokens.update(charge.usage.tokens)
    return sums


def added(before: Collection[Entry], later: Collection[Entry]) -> Tallies:
    """Computes what the later entries of a hold add to sums that have its entries `before`."""
    return difference(summed((*before, *later)), summed(before))


def difference(sums: Tallies, known: Tallies) -> Tallies:
    """Subtracts sums from others, which are changed."""
    for cell, tally in known.items():
        less = sums.setdefault(cell, Tally())
        less -= tally
    return without_empty(sums)


def without_empty(sums: Mapping[Cell, Tally]) -> Tallies:
    """The sums that change anything."""
    return {cell: tally for cell, tally in sums.items() if not tally.empty}


def _cell(entry: Entry, charge: Charge) -> Cell:
    return Cell(
        day=day_of(entry.entry_id),
        tier=charge.tier,
        model=charge.model_used,
        key_id=entry.key_id or "",
        user_id=charge.user_id or "",
        org_id=charge.org_id or "",
    )
