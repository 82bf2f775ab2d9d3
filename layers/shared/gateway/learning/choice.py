"""Chooses the candidate that is tried first, and says with what probability it was to be. Pure.

Thompson sampling, whose probabilities are computed instead of drawn: each candidate's expected reward is a normal
distribution, and the probability that it is the largest is an integral of one dimension. The bounds of exploration are
put on these probabilities, and one number from outside draws of them. So what a decision logs is exact, which is what
an evaluation from logs (`learning/evaluation.py`) rests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erf, exp, prod, sqrt

from msgspec import Struct

from gateway.learning.evidence import LOG_SPREAD, Arm, Estimate, Table
from gateway.learning.policy import Exploration, Policy, Scales
from gateway.learning.raters import ELO_SCALE, RATING_PRIOR, standing

# A model of unknown quality is taken for one of this.
UNKNOWN_QUALITY = 50
# The mean that is expected before an outcome, and the observations that this counts as. They do not fade.
SUCCESS_MEAN, SUCCESS_PRIOR = 0.98, 30.0
LOG_PRIOR = 8.0
# Standard deviations around the best candidate's mean within which the integral is taken, and its steps.
_REACH, _STEPS = 4.0, 40
_LEAST_DEVIATION = 1e-6


class Option(Struct, frozen=True):
    """One candidate of a request, with what the catalog lets expect of it there: quality, seconds and nano-dollars."""

    arm: str
    seconds: float
    cost: float
    quality: int | None = None


class Shown(Struct, frozen=True):
    """One candidate in a decision: what was expected of it, and the probability with which it was to be first."""

    option: Option
    mean: float
    deviation: float
    propensity: float


class Decision(Struct, frozen=True):
    """The record of one choice. `order` has all candidates, the chosen one first, then the best expected ones."""

    version: str
    policy: str
    request_class: str
    ticks: float
    shown: tuple[Shown, ...]
    chosen: str
    order: tuple[str, ...]
    explored_cost: float


def speed(seconds: float, scales: Scales) -> float:
    """The worth of a time, from 1 for none to 0."""
    return scales.seconds / (scales.seconds + seconds)


def thrift(cost: float, scales: Scales) -> float:
    """The worth of a cost, from 1 for none to 0."""
    return scales.nano_usd / (scales.nano_usd + cost)


def expected(option: Option, arm: Arm, points: float, policy: Policy) -> tuple[float, float]:
    """The mean of a candidate's expected reward, and its standard deviation; `points` are those of comparisons."""
    weights, scales = policy.weights, policy.scales
    liking, liking_variance = _share(arm.rating, rating_prior(option.quality, points), RATING_PRIOR)
    success, success_variance = _share(arm.success, SUCCESS_MEAN, SUCCESS_PRIOR)
    quick = speed(option.seconds * exp(arm.time.mean(0.0, LOG_PRIOR)), scales)
    cheap = thrift(option.cost * exp(arm.cost.mean(0.0, LOG_PRIOR)), scales)
    # All but the success itself is worth something only where the request succeeds.
    whole = weights.rating * liking + weights.latency * quick + weights.cost * cheap
    # The derivative of `scale / (scale + x * exp(y))` by y is the negative of it times its rest.
    variance = (weights.success + whole) ** 2 * success_variance + success**2 * (
        weights.rating**2 * liking_variance
        + (weights.latency * quick * (1 - quick)) ** 2 * _log_variance(arm.time)
        + (weights.cost * cheap * (1 - cheap)) ** 2 * _log_variance(arm.cost)
    )
    mean = success * (weights.success + whole)
    return mean / weights.total, sqrt(variance) / weights.total


def rating_prior(quality: int | None, points: float) -> float:
    """The share of good ratings that the catalog's quality and comparisons let expect: ELO shifts the odds."""
    share = min(max((UNKNOWN_QUALITY if quality is None else quality) / 100, 0.05), 0.95)
    odds = share / (1 - share) * 10 ** (points / ELO_SCALE)
    return float(odds / (1 + odds))


def _share(estimate: Estimate, prior: float, strength: float) -> tuple[float, float]:
    mean = min(max(estimate.mean(prior, strength), 0.001), 0.999)
    return mean, mean * (1 - mean) / (strength + estimate.weight + 1)


def _log_variance(estimate: Estimate) -> float:
    return LOG_SPREAD**2 / (LOG_PRIOR + estimate.weight)


def best_shares(beliefs: Sequence[tuple[float, float]]) -> list[float]:
    """The probability that each of several independent normal variables (mean, deviation) is the largest.

    Between the steps of a grid each one's probability is exact, and the others are taken at their middle.
    """
    known = [(mean, max(deviation, _LEAST_DEVIATION)) for mean, deviation in beliefs]
    # What is surely below another one is never the largest.
    floor = max(mean - _REACH * deviation for mean, deviation in known)
    top = max(mean + _REACH * deviation for mean, deviation in known)
    contending = [i for i, (mean, deviation) in enumerate(known) if mean + _REACH * deviation >= floor]
    shares = [0.0] * len(known)
    edges = [floor + (top - floor) * step / _STEPS for step in range(_STEPS + 1)]
    under = [_under(edges, *known[i]) for i in contending]
    for step in range(_STEPS):
        middles = [(row[step] + row[step + 1]) / 2 for row in under]
        all_under = prod(middles)
        if all_under > 0:
            for place, i in enumerate(contending):
                shares[i] += (under[place][step + 1] - under[place][step]) * all_under / middles[place]
    whole = sum(shares)
    return [share / whole for share in shares]


def _under(edges: Sequence[float], mean: float, deviation: float) -> list[float]:
    scale = deviation * sqrt(2)
    return [0.5 + 0.5 * erf((edge - mean) / scale) for edge in edges]


def bounded(
    shares: Sequence[float], best: int, costs: Sequence[float], bounds: Exploration, left: float | None
) -> list[float]:
    """The shares within the bounds of exploration; what they take from the others, the best candidate gets.

    `left` is the money that exploration may still cost, in nano-dollars: a candidate that may cost more than that is
    not tried at all, so that what is spent never exceeds it.
    """
    others = [i for i in range(len(shares)) if i != best]
    extra = [max(0.0, cost - costs[best]) for cost in costs]
    open_to = [i for i in others if left is None or extra[i] == 0 or extra[i] <= left]
    found = [0.0] * len(shares)
    for i in open_to:
        found[i] = max(shares[i], bounds.least)
    tried = sum(found)
    if tried > bounds.share:
        found = [share * bounds.share / tried for share in found]
    spent = sum(share * more for share, more in zip(found, extra, strict=True))
    allowed = bounds.extra_cost * costs[best]
    if spent > allowed:
        found = [share * allowed / spent if extra[i] > 0 else share for i, share in enumerate(found)]
    found[best] = 1.0 - sum(found)
    return found


def propensities(options: Sequence[Option], table: Table, policy: Policy, left: float | None = None) -> list[Shown]:
    """The candidates with the probability of each to be tried first under a policy, in their order.

    `static` takes the first one given, `cheapest` the one of the least expected cost, the first of several.
    """
    if not options:
        raise ValueError("no candidate is given: a plan is never empty")
    points = standing(table)
    beliefs = [expected(each, table.arm(each.arm), points.get(each.arm, 0.0), policy) for each in options]
    costs = [each.cost for each in options]
    if policy.kind == "learned":
        best = max(range(len(options)), key=lambda i: beliefs[i][0])
        shares = bounded(best_shares(beliefs), best, costs, policy.exploration, left)
    else:
        first = 0 if policy.kind == "static" else costs.index(min(costs))
        shares = [float(i == first) for i in range(len(options))]
    return [
        Shown(option, mean, deviation, share)
        for option, (mean, deviation), share in zip(options, beliefs, shares, strict=True)
    ]


def drawn(shares: Sequence[float], draw: float) -> int:
    """The place that a number from 0 to below 1 falls to."""
    for place, share in enumerate(shares):
        draw -= share
        if draw < 0:
            return place
    return max(range(len(shares)), key=lambda place: shares[place])


def decided(
    options: Sequence[Option],
    table: Table,
    policy: Policy,
    draw: float,
    *,
    version: str,
    request_class: str,
    left: float | None = None,
) -> Decision:
    """The decision for one request. `draw` is a random number from 0 to below 1, `left` exploration's money."""
    shown = propensities(options, table, policy, left)
    place = drawn([each.propensity for each in shown], draw)
    rest = [i for i in range(len(shown)) if i != place]
    if policy.kind == "learned":
        rest.sort(key=lambda i: -shown[i].mean)
    elif policy.kind == "cheapest":
        rest.sort(key=lambda i: shown[i].option.cost)
    best = max(shown, key=lambda each: each.mean) if policy.kind == "learned" else shown[place]
    return Decision(
        version,
        policy.name,
        request_class,
        table.ticks,
        tuple(shown),
        shown[place].option.arm,
        tuple(shown[i].option.arm for i in (place, *rest)),
        max(0.0, shown[place].option.cost - best.option.cost),
    )
