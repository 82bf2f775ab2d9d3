"""Feedback of an account's users on its generations, and the report of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.accounts.pages import iso_utc
from gateway.canonical.money import Charge, Entry
from gateway.errors import NotFound
from gateway.ledger.hold_ids import ID_PLACES, TIME_PLACES, number_of
from gateway.ports.feedback import DAY_S, NONE, Cell, Feedback, FeedbackStore, Sums, Votes, day_of
from gateway.ports.money import Money

# The rows of a report for tags, the most used first: how many there are is the callers' to say.
TAGS_SHOWN = 100
# Entries of one millisecond, of which one is looked for.
AT_ONCE = 100
UNKNOWN = "There is no generation '{}' that was charged for."


async def charged_generation(money: Money, account_id: str, generation_id: str) -> tuple[Entry, Charge]:
    """The entry of a generation and its charge; raises `NotFound`.

    A generation of another account is looked for as one that never was: in the entries of the account that asks.
    """
    hold_id = generation_id[-ID_PLACES:]
    try:
        admitted_ms = number_of(hold_id[:TIME_PLACES])
    except ValueError:
        raise unknown(generation_id) from None
    # In the middle of a millisecond, so that no rounding finds the one before.
    since_s = (admitted_ms + 0.5) / 1000
    found = await money.entries(account_id, since_s=since_s, until_s=since_s + 0.001, limit=AT_ONCE)
    # Newest first: what was charged late tells better than the estimate that it corrects.
    for entry in found:
        if entry.charge is not None and entry.charge.generation_id == generation_id:
            return entry, entry.charge
    raise unknown(generation_id)


def unknown(generation_id: str) -> NotFound:
    """The refusal of a generation that the account does not have."""
    return NotFound(UNKNOWN.format(generation_id[:80]), param="generation_id", code="generation_not_found")


async def summary(store: FeedbackStore, account_id: str, now_s: float, days: int) -> dict[str, Any]:
    """Reports the feedback that was given in the last `days` days, today included, from its sums."""
    sums = await store.sums(account_id, day_of(now_s - (days - 1) * DAY_S))
    voted = {cell: votes for cell, votes in sums.items() if cell.tag is None}
    tags = _rows(sums, "tag", lambda cell: cell.tag)
    return {
        "object": "feedback.summary",
        "days": days,
        "total": _shown(_total(voted)),
        "by_model": _rows(voted, "model", lambda cell: cell.model),
        "by_key": _rows(voted, "key_id", lambda cell: cell.key_id),
        "by_tag": tags[:TAGS_SHOWN],
        "more_tags": len(tags) > TAGS_SHOWN,
    }


def view(feedback: Feedback, replaced: Feedback | None) -> dict[str, Any]:
    """Shows feedback that was given, and whether it takes the place of an earlier one."""
    return {
        "object": "feedback",
        "generation_id": feedback.generation_id,
        "rating": feedback.rating,
        "comment": feedback.comment,
        "tags": list(feedback.tags),
        "model": feedback.model,
        "created_at": iso_utc(feedback.at_s),
        "replaced": replaced is not None,
    }


def _total(sums: Sums) -> Votes:
    total = NONE
    for votes in sums.values():
        total = total.plus(votes)
    return total


def _rows(sums: Sums, name: str, named: Callable[[Cell], str | None]) -> list[dict[str, Any]]:
    """One row for each name, the most rated first."""
    rows: dict[str, Votes] = {}
    for cell, votes in sums.items():
        if (key := named(cell)) is not None:
            rows[key] = rows.get(key, NONE).plus(votes)
    ordered = sorted(rows.items(), key=lambda row: (-row[1].count, row[0]))
    return [{name: key, **_shown(votes)} for key, votes in ordered if votes.count]


def _shown(votes: Votes) -> dict[str, Any]:
    share = round(votes.good / votes.count, 4) if votes.count else None
    return {"count": votes.count, "positive": votes.good, "negative": votes.bad, "positive_share": share}
