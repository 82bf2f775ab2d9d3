"""Counts ratings, so that no rater moves an arm by more than a bound, and compares arms in an ELO table. Pure.

The weights that one rater has in one arm fade with the arm's memory and never sum to more than `RATER_WEIGHT`. So the
mean rating moves by at most `RATER_WEIGHT / (RATING_PRIOR + RATER_WEIGHT)`, however often a rater rates, and ELO by
`ELO_STEP * RATER_WEIGHT` points.
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


class Rater(Struct, frozen=True):
    """One rater's part in one class, as of the tick `at`: weights by arm, and of comparisons.

    `last_arm` and `last_liked` are the rater's last rating, which the next one of another arm is compared with.
    """

    at: float = 0.0
    weights: Mapping[str, float] = {}
    compared: float = 0.0
    last_arm: str = ""
    last_liked: bool = False

    def aged_to(self, tick: float) -> Rater:
        """The rater's part at a later tick."""
        keeps = kept_after(max(0.0, tick - self.at))
        weights = {arm: weight * keeps for arm, weight in self.weights.items()}
        return replace(self, at=max(self.at, tick), weights=weights, compared=self.compared * keeps)


class Counted(Struct, frozen=True):
    """The way in which a rating was counted: kept with it, so that a later one can take its place."""

    arm: str
    liked: bool
    weight: float
    at: float


def rated(table: Table, rater: Rater, arm: str, *, liked: bool) -> tuple[Table, Rater, Counted]:
    """The table and the rater after a rating, and how it was counted."""
    rater = rater.aged_to(table.ticks)
    used = rater.weights.get(arm, 0.0)
    weight = min(1.0, max(0.0, RATER_WEIGHT - used))
    counted = Counted(arm, liked, weight, table.ticks)
    table, spent = _compared(table, rater, arm, liked=liked)
    if weight > 0:
        known = table.arm(arm)
        table = table.with_arm(arm, replace(known, rating=known.rating.with_one(float(liked), weight, is_share=True)))
    rater = replace(
        rater,
        weights={**rater.weights, arm: used + weight},
        compared=rater.compared + spent,
        last_arm=arm,
        last_liked=liked,
    )
    return table, rater, counted


def rated_again(table: Table, counted: Counted, *, liked: bool) -> tuple[Table, Counted]:
    """The table after a rating has changed its mind: what is left of its weight goes to the other side.

    Comparisons stay as they were made. What a change of the arm has made forget stays forgotten.
    """
    known = table.arm(counted.arm)
    shift = (float(liked) - float(counted.liked)) * counted.weight * kept_after(max(0.0, table.ticks - counted.at))
    total = min(max(known.rating.total + shift, 0.0), known.rating.weight)
    return table.with_arm(counted.arm, replace(known, rating=replace(known.rating, total=total))), replace(
        counted, liked=liked
    )


def expected_win(points: float, other: float) -> float:
    """The probability that an arm of so many points is preferred to another."""
    return float(1 / (1 + 10 ** ((other - points) / ELO_SCALE)))


def standing(table: Table) -> dict[str, float]:
    """The ELO table, in points above the common start: what was compared long ago fades."""
    keeps = kept_after(max(0.0, table.ticks - table.elo_at))
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
