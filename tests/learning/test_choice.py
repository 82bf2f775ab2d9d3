"""Holds the choice to its bounds, and its logged probabilities to what Thompson sampling would draw."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace

from gateway.learning.choice import Option, best_shares, bounded, decided, drawn, expected, propensities
from gateway.learning.evidence import Outcome, Table, learned
from gateway.learning.policy import Exploration, Policy
from tests.learning.world import LEARNED

OPTIONS = (
    Option("one/cheap", 2.0, 100_000.0, 45),
    Option("two/middle", 3.0, 1_000_000.0, 60),
    Option("three/dear", 6.0, 9_000_000.0, 85),
)


def decided_by(policy: Policy, draw: float, table: Table | None = None, left: float | None = None) -> tuple[str, ...]:
    made = decided(OPTIONS, table or Table(), policy, draw, version="7", request_class="talk.easy", left=left)
    return made.order


def test_the_shares_are_what_thompson_sampling_draws() -> None:
    beliefs = [(0.60, 0.05), (0.63, 0.02), (0.50, 0.10), (0.2, 0.01)]
    draw = Random(1)
    counts = [0] * len(beliefs)
    for _ in range(20_000):
        sampled = [draw.gauss(mean, deviation) for mean, deviation in beliefs]
        counts[sampled.index(max(sampled))] += 1
    assert best_shares(beliefs) == pytest.approx([count / 20_000 for count in counts], abs=0.012)


@pytest.mark.parametrize(
    "beliefs", [[(0.5, 0.0)], [(0.5, 0.1), (0.5, 0.1)], [(0.9, 0.0), (0.1, 0.0)], [(0.5, 0.0)] * 3]
)
def test_shares_sum_to_one(beliefs: list[tuple[float, float]]) -> None:
    assert sum(best_shares(beliefs)) == pytest.approx(1.0)


def test_exploration_is_bounded_in_share_and_in_money() -> None:
    draw = Random(2)
    for _ in range(300):
        count = draw.randint(1, 8)
        raw = [draw.random() for _ in range(count)]
        shares = [each / sum(raw) for each in raw]
        costs = [draw.uniform(0, 9) for _ in range(count)]
        bounds = Exploration(draw.random(), draw.uniform(0, 0.05), draw.uniform(0, 2))
        best = draw.randrange(count)
        left = draw.choice((None, 0.0, draw.uniform(0, 9)))
        found = bounded(shares, best, costs, bounds, left)
        assert sum(found) == pytest.approx(1.0)
        assert min(found) >= 0
        assert 1 - found[best] <= bounds.share + 1e-9
        more = [max(0.0, cost - costs[best]) for cost in costs]
        assert sum(a * b for a, b in zip(found, more, strict=True)) <= bounds.extra_cost * costs[best] + 1e-9
        assert [i for i in range(count) if left is not None and more[i] > left and found[i] > 0] == []


def test_a_decision_logs_the_probability_that_it_was_made_with() -> None:
    wide = replace(LEARNED, exploration=Exploration(share=0.5, least=0.05, extra_cost=10))
    shown = propensities(OPTIONS, Table(), wide)
    draw, counts = Random(3), dict.fromkeys((option.arm for option in OPTIONS), 0)
    for _ in range(4_000):
        counts[decided_by(wide, draw.random())[0]] += 1
    assert [counts[each.option.arm] / 4_000 for each in shown] == pytest.approx(
        [each.propensity for each in shown], abs=0.03
    )


def test_a_decision_has_all_candidates_given_and_no_other() -> None:
    table = learned(Table(), Outcome("four/absent", succeeded=True), 1.0)
    made = decided(OPTIONS, table, LEARNED, 0.3, version="7", request_class="talk.easy")
    assert sorted(made.order) == sorted(option.arm for option in OPTIONS)
    assert (made.version, made.policy, made.request_class, made.chosen) == ("7", "learned", "talk.easy", made.order[0])
    assert [each.option for each in made.shown] == list(OPTIONS)


def test_static_keeps_the_order_and_cheapest_begins_with_the_least_cost() -> None:
    dear_first = tuple(reversed(OPTIONS))
    shown = {
        kind: [each.propensity for each in propensities(dear_first, Table(), replace(LEARNED, kind=kind))]
        for kind in ("static", "cheapest")
    }
    assert shown == {"static": [1.0, 0.0, 0.0], "cheapest": [0.0, 0.0, 1.0]}


def test_without_money_nothing_dearer_than_the_best_is_tried() -> None:
    best = max(propensities(OPTIONS, Table(), LEARNED), key=lambda each: each.mean).option
    tried = {decided_by(LEARNED, step / 500, left=0.0)[0] for step in range(500)}
    assert {option.arm for option in OPTIONS if option.cost > best.cost} & tried == set()


def test_an_outcome_moves_what_is_expected_towards_itself() -> None:
    option = OPTIONS[1]
    good = bad = Table()
    for step in range(40):
        good = learned(good, Outcome(option.arm, True, 1.0, 3.0, 5e5, 1e6), float(step))
        bad = learned(bad, Outcome(option.arm, False), float(step))
    worse, fresh, better = (expected(option, each.arm(option.arm), 0.0, LEARNED) for each in (bad, Table(), good))
    assert worse[0] < fresh[0] < better[0]
    assert better[1] < fresh[1]


def test_a_draw_falls_by_the_shares() -> None:
    assert [drawn([0.25, 0.0, 0.75], draw) for draw in (0.0, 0.24, 0.25, 0.999)] == [0, 0, 2, 2]
