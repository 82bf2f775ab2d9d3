"""Counts ratings, so that no rater moves an arm by more than a bound, and compares arms in an ELO table. Pure.

Of each rater an arm has about the last `RATER_WEIGHT` ratings: a new one displaces the older ones in part, so that one
who rates often is heard anew, and weighs no more. What they weigh fades with the arm's memory, and never sums to more
than `RATER_WEIGHT`. So the mean rating moves by at most `RATER_WEIGHT / (RATING_PRIOR + RATER_WEIGHT)`, however often a
rater rates, and ELO by `ELO_STEP * RATER_WEIGHT` points.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from gateway.learning.evidence import Table, kept_after

RATER_WEIGHT = 6.0
# Observations that the catalog's quality counts as: it does not fade.
RATING_PRIOR = 12.0
# Points that a comparison of two arms of equal standing moves each by half of.
ELO_STEP = 16.0
# Difference of points at which one arm is ten times as likely to be preferred.
ELO_SCALE = 400.0


class Held(Struct, frozen=True):
    """The part of a rater in one arm: the weight of its ratings, and of the good ones among them."""

    weight: float = 0.0
    good: float = 0.0

    def times(self, keeps: float) -> Held:
        """The part of it that is kept."""
        return Held(self.weight * keeps, self.good * keeps)


class Rater(Struct, frozen=True):
    """One rater's part in one class, as of the tick `at`: by arm, and the weight of its comparisons.

    `last_arm` and `last_liked` are the rater's last rating, which the next one of another arm is compared with.
    """

    at: float = 0.0
    held: Mapping[str, Held] = {}
    compared: float = 0.0
    last_arm: str = ""
    last_liked: bool = False

    def aged_to(self, tick: float) -> Rater:
        """The rater's part at a later tick."""
        keeps = kept_after(tick - self.at)
        held = {arm: each.times(keeps) for arm, each in self.held.items()}
        return replace(self, at=max(self.at, tick), held=held, compared=self.compared * keeps)


class Counted(Struct, frozen=True):
    """The way in which a rating was counted: kept with it, so that a later one can take its place."""

    arm: str
    liked: bool
    at: float


def rated(table: Table, rater: Rater, arm: str, *, liked: bool) -> tuple[Table, Rater, Counted]:
    """The table and the rater after a rating, and how it was counted."""
    rater = rater.aged_to(table.ticks)
    table, spent = _compared(table, rater, arm, liked=liked)
    held = rater.held.get(arm, Held())
    kept = held.times(min(1.0, (RATER_WEIGHT - 1) / held.weight)) if held.weight else held
    table, rater = _held_anew(table, rater, arm, Held(kept.weight + 1, kept.good + liked))
    rater = replace(rater, compared=rater.compared + spent, last_arm=arm, last_liked=liked)
    return table, rater, Counted(arm, liked, table.ticks)


def rated_again(table: Table, rater: Rater, counted: Counted, *, liked: bool) -> tuple[Table, Rater, Counted]:
    """The table and the rater after a rating has changed its mind; comparisons stay as they were made."""
    rater = rater.aged_to(table.ticks)
    held = rater.held.get(counted.arm, Held())
    shift = (float(liked) - float(counted.liked)) * kept_after(table.ticks - counted.at)
    good = min(max(held.good + shift, 0.0), held.weight)
    table, rater = _held_anew(table, rater, counted.arm, Held(held.weight, good))
    return table, rater, replace(counted, liked=liked)


def _held_anew(table: Table, rater: Rater, arm: str, new: Held) -> tuple[Table, Rater]:
    """The table and the rater with this part of the rater in an arm, in the place of the one before."""
    old, known = rater.held.get(arm, Held()), table.arm(arm)
    weight = max(0.0, known.rating.weight + new.weight - old.weight)
    total = min(max(0.0, known.rating.total + new.good - old.good), weight)
    rating = replace(known.rating, weight=weight, total=total)
    return table.with_arm(arm, replace(known, rating=rating)), replace(rater, held={**rater.held, arm: new})


def expected_win(points: float, other: float) -> float:
    """The probability that an arm of so many points is preferred to another."""
    return float(1 / (1 + 10 ** ((other - points) / ELO_SCALE)))


def standing(table: Table) -> dict[str, float]:
    """The ELO table, in points above the common start: what was compared long ago fades."""
    keeps = kept_after(table.ticks - table.elo_at)
    return {arm: points * keeps for arm, points in table.elo.items()}


def _compared(table: Table, rater: Rater, arm: str, *, liked: bool) -> tuple[Table, float]:
    """The table after the rating is compared with the rater's last one of another arm, and the weight of that.

    Only a rater's own ratings are compared, so that one who likes everything says nothing.
    """
    weight = min(1.0, max(0.0, RATER_WEIGHT - rater.compared))
    if rater.last_arm in {"", arm} or weight <= 0:
        return table, 0.0
    points = standing(table)
    own, other = points.get(arm, 0.0), points.get(rater.last_arm, 0.0)
    score = 0.5 + (float(liked) - float(rater.last_liked)) / 2
    step = ELO_STEP * weight * (score - expected_win(own, other))
    moved = {**points, arm: own + step, rater.last_arm: other - step}
    return replace(table, elo=moved, elo_at=table.ticks), weight
