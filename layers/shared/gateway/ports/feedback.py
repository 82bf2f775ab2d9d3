"""Feedback on generations, and the sums of it that reports read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

Rating: TypeAlias = Literal[1, -1]
# Feedback counts, and is kept, for so long after it was given.
KEPT_DAYS = 180
DAY_S = 24 * 3600


class Feedback(Struct, frozen=True):
    """One user's feedback on one generation: the last one that was given. The time is epoch seconds.

    `model` served the generation, and `key_id` asked for it.
    """

    account_id: str
    generation_id: str
    user: str
    rating: Rating
    at_s: int
    model: str
    key_id: str
    comment: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def day(self) -> str:
        """The UTC day that it counts on."""
        return day_of(self.at_s)

    def counts_at(self, now_s: float) -> bool:
        """True until it is forgotten."""
        return now_s < self.at_s + KEPT_DAYS * DAY_S


class Cell(Struct, frozen=True):
    """The name of one sum: a day's feedback on what one model has served to one key, or the part with one tag."""

    day: str
    model: str = ""
    key_id: str = ""
    tag: str | None = None


class Votes(Struct, frozen=True):
    """A number of good and of bad ratings."""

    good: int = 0
    bad: int = 0

    @property
    def count(self) -> int:
        """The number of ratings."""
        return self.good + self.bad

    def plus(self, other: Votes, times: int = 1) -> Votes:
        """The sum, or with `times=-1` the difference."""
        return Votes(self.good + times * other.good, self.bad + times * other.bad)


Sums: TypeAlias = Mapping[Cell, Votes]
NONE = Votes()


def day_of(at_s: float) -> str:
    """The UTC day of a time."""
    return datetime.fromtimestamp(at_s, UTC).date().isoformat()


def added(feedback: Feedback, replaced: Feedback | None) -> Sums:
    """The change of the sums by feedback in the place of an earlier one; sums that stay are left out."""
    sums: dict[Cell, Votes] = {}
    for each, times in ((feedback, 1), (replaced, -1)):
        if each is None:
            continue
        vote = Votes(1, 0) if each.rating == 1 else Votes(0, 1)
        cells = [Cell(each.day, each.model, each.key_id), *(Cell(each.day, tag=tag) for tag in each.tags)]
        for cell in cells:
            sums[cell] = sums.get(cell, NONE).plus(vote, times)
    return {cell: votes for cell, votes in sums.items() if votes != NONE}


class FeedbackStore(Protocol):
    """Feedback by account, and its sums. Every read sees every write before it.

    If the store cannot be reached, a method raises `ServiceUnavailable`; a repeat is safe.
    """

    async def put(self, feedback: Feedback) -> Feedback | None:
        """Keeps feedback and counts it, in one step; returns the same user's earlier one, which it replaces."""

    async def sums(self, account_id: str, first_day: str) -> Sums:
        """The sums since the beginning of a UTC day."""
