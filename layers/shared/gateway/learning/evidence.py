"""Keeps what is known of each arm in one class: four estimates, each with a long and a short memory. Pure.

An arm is a target, named as in logs. Success and rating are shares; time and cost are kept as the logarithm of what was
measured over what the catalog let expect, so that one table serves requests of every length and policies of every
weight. Both memories fade with the class's outcomes, which brings an arm's uncertainty back while it is not used; the
short one fades with the arm's own besides. Where they disagree beyond chance, the arm has changed: the long memory is
given up for the short one. Ratings have the long memory alone: each rater's new ones displace its own older ones
(`learning/raters.py`), and a memory that one rater could fill would undo the bound of raters.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log, sqrt

from msgspec import Struct
from msgspec.structs import replace

# Outcomes of the class after which an observation counts half.
HALF_LIFE = 700.0
# An idle class ages as if it had one outcome in so many seconds: by half in five days.
IDLE_TICK_S = 600.0
# What the short memory keeps of itself at each observation: it spans about 25.
SHORT_KEEPS = 0.96
# Fewer observations than these tell of no change, and standard errors between the memories that do.
CHANGE_NEEDS = 12.0
CHANGE_ERRORS = 4.0
# Standard deviation of one logarithm of time or cost over its expectation.
LOG_SPREAD = 0.5
# A logarithm is kept within a factor of 20: one stalled answer is no thousand slow ones.
LOG_BOUND = 3.0


class Estimate(Struct, frozen=True):
    """A mean in two memories: weights and weighted sums."""

    weight: float = 0.0
    total: float = 0.0
    short_weight: float = 0.0
    short_total: float = 0.0

    def aged(self, keeps: float) -> Estimate:
        """The estimate after other outcomes of its class."""
        return Estimate(self.weight * keeps, self.total * keeps, self.short_weight * keeps, self.short_total * keeps)

    def with_one(self, value: float, weight: float, *, is_share: bool) -> Estimate:
        """The estimate with one observation more, which replaces the long memory where the short one refutes it."""
        found = Estimate(
            self.weight + weight,
            self.total + weight * value,
            self.short_weight * SHORT_KEEPS + weight,
            self.short_total * SHORT_KEEPS + weight * value,
        )
        if found.is_refuted(is_share=is_share):
            return replace(found, weight=found.short_weight, total=found.short_total)
        return found

    def is_refuted(self, *, is_share: bool) -> bool:
        """True if the short memory differs from what the long one held before it by more than chance."""
        older = self.weight - self.short_weight
        if min(self.short_weight, older) < CHANGE_NEEDS:
            return False
        new = self.short_total / self.short_weight
        old = (self.total - self.short_total) / older
        middle = min(max(self.total / self.weight, 0.05), 0.95)
        variance = middle * (1 - middle) if is_share else LOG_SPREAD**2
        return abs(new - old) > CHANGE_ERRORS * sqrt(variance * (1 / self.short_weight + 1 / older))

    def mean(self, prior: float, strength: float) -> float:
        """The mean, with a prior of so many observations' strength."""
        return (strength * prior + self.total) / (strength + self.weight)


NOTHING = Estimate()


class Arm(Struct, frozen=True):
    """One arm's estimates, as of the tick `at` of its table."""

    at: float = 0.0
    rating: Estimate = NOTHING
    success: Estimate = NOTHING
    time: Estimate = NOTHING
    cost: Estimate = NOTHING

    def aged_to(self, tick: float) -> Arm:
        """The arm at a later tick."""
        if tick <= self.at:
            return self
        keeps = kept_after(tick - self.at)
        return Arm(
            tick, self.rating.aged(keeps), self.success.aged(keeps), self.time.aged(keeps), self.cost.aged(keeps)
        )


NEW_ARM = Arm()


class Table(Struct, frozen=True):
    """The evidence of one class. `ticks` counts its outcomes, and idle time; `at_s` is when the last one came (epoch).

    `elo` has the arms whose ratings were compared, in points above the common start, as of the tick `elo_at`.
    """

    ticks: float = 0.0
    at_s: float = 0.0
    arms: Mapping[str, Arm] = {}
    elo: Mapping[str, float] = {}
    elo_at: float = 0.0

    def arm(self, name: str) -> Arm:
        """The arm as it stands at the table's tick."""
        return self.arms.get(name, NEW_ARM).aged_to(self.ticks)

    def with_arm(self, name: str, arm: Arm) -> Table:
        """The table with this arm in the place of the one of its name."""
        return replace(self, arms={**self.arms, name: arm})


class Outcome(Struct, frozen=True):
    """The outcome of one request at the arm that was tried first. Seconds and nano-dollars, measured and expected.

    A failure has no time and no cost. One that is the request's own fault is no outcome.
    """

    arm: str
    succeeded: bool
    seconds: float = 0.0
    expected_seconds: float = 0.0
    cost: float = 0.0
    expected_cost: float = 0.0


def kept_after(ticks: float) -> float:
    """The share that an observation still counts after so many ticks; all of it before them."""
    return float(0.5 ** (max(0.0, ticks) / HALF_LIFE))


def over_expected(measured: float, expected: float) -> float | None:
    """The logarithm of measured over expected, within bounds; nothing where either is unknown."""
    if measured <= 0 or expected <= 0:
        return None
    return min(max(log(measured / expected), -LOG_BOUND), LOG_BOUND)


def learned(table: Table, outcome: Outcome, now_s: float) -> Table:
    """The table after one outcome more."""
    idle_s = max(0.0, now_s - table.at_s) if table.at_s else 0.0
    table = replace(table, ticks=table.ticks + max(1.0, idle_s / IDLE_TICK_S), at_s=max(now_s, table.at_s))
    arm = table.arm(outcome.arm)
    arm = replace(arm, success=arm.success.with_one(float(outcome.succeeded), 1.0, is_share=True))
    if outcome.succeeded:
        time = over_expected(outcome.seconds, outcome.expected_seconds)
        cost = over_expected(outcome.cost, outcome.expected_cost)
        arm = replace(
            arm,
            time=arm.time if time is None else arm.time.with_one(time, 1.0, is_share=False),
            cost=arm.cost if cost is None else arm.cost.with_one(cost, 1.0, is_share=False),
        )
    return table.with_arm(outcome.arm, arm)
