"""Estimates what another policy would have been worth, from the log of decisions and their outcomes. Pure.

Two estimators, each with a confidence interval: inverse propensity scoring (IPS), and the doubly robust one, which is
right where the propensities or its model of rewards are. Both judge the choice of the first target, given the evidence
that the evaluated policy is shown. The reward is the one of the evaluated policy's weights, so that changed weights
are scored anew.

Most requests are not rated. A missing rating is replaced by the mean of its class and arm; where there is one, its
difference from this mean counts by the inverse of the class's rated share. That keeps the estimate and its interval
right as long as what decides on rating a request that succeeded is no more than its class.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import sqrt
from statistics import NormalDist

from msgspec import Struct

from gateway.learning.choice import Option, speed, thrift
from gateway.learning.policy import Policy

CONFIDENCE = 0.95
# Logged requests below which a variance says nothing.
LEAST_LOGGED = 30


class Logged(Struct, frozen=True):
    """One decision with what came of it. `propensity` is the chosen arm's, as it was logged.

    `liked` is the rating, if there was one. A failure has none, and is worth nothing.
    """

    request_class: str
    options: tuple[Option, ...]
    chosen: str
    propensity: float
    succeeded: bool
    seconds: float
    cost: float
    liked: bool | None = None


class Value(Struct, frozen=True):
    """An estimated mean reward with its interval."""

    mean: float
    low: float
    high: float


class Evaluation(Struct, frozen=True):
    """A policy's estimated worth. `effective` says how many requests of its own the log is worth for it, of `logged`.

    `unsupported` is the share of its choices that the log holds no request of the same class and arm for: there the
    doubly robust estimate guesses by the class's mean, and IPS counts them as worth nothing.
    """

    ips: Value
    doubly_robust: Value
    logged: int
    effective: float
    unsupported: float


# The probability of each option to be first, in their order: what `propensities` says of a policy and its evidence.
Target = Callable[[Logged], Sequence[float]]


def evaluated(log: Sequence[Logged], target: Target, policy: Policy, confidence: float = CONFIDENCE) -> Evaluation:
    """The worth of a policy whose probabilities `target` gives."""
    if len(log) < LEAST_LOGGED:
        raise ValueError(f"{len(log)} logged requests tell of no policy: {LEAST_LOGGED} at least are needed")
    rewards = _rewards(log, policy)
    model = _Means((each.request_class, each.chosen, reward) for each, reward in zip(log, rewards, strict=True))
    weighted: list[float] = []
    corrected: list[float] = []
    weights: list[float] = []
    unsupported = 0.0
    for each, reward in zip(log, rewards, strict=True):
        shares = target(each)
        place = next(i for i, option in enumerate(each.options) if option.arm == each.chosen)
        weight = shares[place] / each.propensity
        modelled = [
            model.of(each.request_class, option.arm, reward if option.arm == each.chosen else None)
            for option in each.options
        ]
        weights.append(weight)
        weighted.append(weight * reward)
        corrected.append(
            sum(share * value for share, value in zip(shares, modelled, strict=True))
            + weight * (reward - modelled[place])
        )
        unsupported += sum(
            share
            for share, option in zip(shares, each.options, strict=True)
            if not model.knows(each.request_class, option.arm)
        )
    squares = sum(weight * weight for weight in weights)
    effective = sum(weights) ** 2 / squares if squares else 0.0
    return Evaluation(
        _value(weighted, confidence), _value(corrected, confidence), len(log), effective, unsupported / len(log)
    )


class _Means:
    """The means of values by class and arm, of whole classes where an arm is not known in one, and of all.

    A request is judged by the others' mean: one that was in it would agree with itself, most where there are few.
    """

    def __init__(self, values: Iterable[tuple[str, str, float]]) -> None:
        self._sums: dict[tuple[str, ...], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for request_class, arm, value in values:
            for key in ((request_class, arm), (request_class,), ()):
                self._sums[key][0] += 1
                self._sums[key][1] += value

    def knows(self, request_class: str, arm: str) -> bool:
        return (request_class, arm) in self._sums

    def of(self, request_class: str, arm: str, without: float | None = None) -> float:
        for key in ((request_class, arm), (request_class,), ()):
            if key in self._sums:
                n, total = self._sums[key]
                if without is not None:
                    n, total = n - 1, total - without
                if n > 0:
                    return total / n
        return 0.5


def reward(policy: Policy, *, liking: float, succeeded: bool, seconds: float, cost: float) -> float:
    """The worth of one request, from 0 to 1: the sum of its parts by the policy's weights. A failure is worth 0."""
    if not succeeded:
        return 0.0
    weights, scales = policy.weights, policy.scales
    parts = weights.rating * liking + weights.success
    parts += weights.latency * speed(seconds, scales) + weights.cost * thrift(cost, scales)
    return parts / weights.total


def _rewards(log: Sequence[Logged], policy: Policy) -> list[float]:
    served = [each for each in log if each.succeeded]
    likings = _Means((each.request_class, each.chosen, float(each.liked)) for each in served if each.liked is not None)
    rated: dict[str, list[int]] = defaultdict(list)
    for each in served:
        rated[each.request_class].append(each.liked is not None)
    found = []
    for each in log:
        value = None if each.liked is None else float(each.liked)
        liking = likings.of(each.request_class, each.chosen, value)
        if value is not None:
            told = rated[each.request_class]
            liking += (value - liking) * len(told) / sum(told)
        found.append(reward(policy, liking=liking, succeeded=each.succeeded, seconds=each.seconds, cost=each.cost))
    return found


def _value(values: Sequence[float], confidence: float) -> Value:
    n = len(values)
    mean = sum(values) / n
    variance = sum((value - mean) ** 2 for value in values) / (n - 1)
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) * sqrt(variance / n)
    # Few large weights hide their own variance: one request more like the most extreme one is allowed for.
    reach += max(abs(value - mean) for value in values) / n
    return Value(mean, mean - reach, mean + reach)
