"""Holds what is kept of outcomes and ratings: fading, changes, the bound of one rater, and ELO."""

from __future__ import annotations

import pytest

from gateway.learning.evidence import HALF_LIFE, IDLE_TICK_S, NOTHING, Outcome, Table, kept_after, learned
from gateway.learning.raters import ELO_STEP, RATER_WEIGHT, RATING_PRIOR, Rater, rated, rated_again, standing


def outcome(arm: str = "a", *, succeeded: bool = True) -> Outcome:
    return Outcome(arm, succeeded, 2.0, 2.0, 5.0, 5.0)


def test_an_observation_counts_half_after_its_half_life() -> None:
    table = learned(Table(), outcome("a"), 1.0)
    for _ in range(int(HALF_LIFE)):
        table = learned(table, outcome("b"), 1.0)
    assert table.arm("a").success.weight == pytest.approx(0.5)


def test_an_idle_class_ages_with_time() -> None:
    table = learned(Table(), outcome("a"), 1.0)
    table = learned(table, outcome("b"), 1.0 + HALF_LIFE * IDLE_TICK_S)
    assert table.arm("a").success.weight == pytest.approx(0.5)


def test_a_change_gives_the_long_memory_up() -> None:
    estimate = NOTHING
    for _ in range(500):
        estimate = estimate.with_one(1.0, 1.0, is_share=True)
    for _ in range(25):
        estimate = estimate.with_one(0.0, 1.0, is_share=True)
    assert estimate.total / estimate.weight < 0.6
    assert estimate.weight < 50


def test_chance_is_no_change() -> None:
    estimate = NOTHING
    for step in range(1_000):
        estimate = estimate.with_one(float(step * 7 % 10 < 6), 1.0, is_share=True)
    assert estimate.weight == 1_000


def test_a_failure_tells_of_no_time_and_no_cost() -> None:
    arm = learned(Table(), outcome(succeeded=False), 1.0).arm("a")
    assert (arm.success.weight, arm.time.weight, arm.cost.weight) == (1.0, 0.0, 0.0)


def shifted(spam: int, raters: int) -> float:
    """Measures how far bad ratings move the mean of an arm that 200 raters like, beside that of one without them."""
    table = Table()
    for number in range(200):
        table, _, _ = rated(learned(table, outcome(), 1.0), Rater(), "a", liked=number % 10 < 8)
    before = table.arm("a").rating.mean(0.5, RATING_PRIOR)
    known = [Rater() for _ in range(raters)]
    for number in range(spam):
        # Outcomes between them give the rater's weight back as fast as they make the arm forget.
        table = learned(table, outcome(), 1.0)
        table, known[number % raters], _ = rated(table, known[number % raters], "a", liked=False)
    return before - table.arm("a").rating.mean(0.5, RATING_PRIOR)


def test_one_rater_moves_a_mean_by_a_bounded_amount_and_many_raters_by_more() -> None:
    bound = RATER_WEIGHT / (RATING_PRIOR + RATER_WEIGHT)
    assert 0 < shifted(300, 1) <= bound
    assert shifted(300, 1) < 0.15
    assert shifted(300, 300) > 0.4


def test_a_raters_weight_in_an_arm_never_exceeds_its_bound() -> None:
    table, rater = Table(), Rater()
    for _ in range(2_000):
        table = learned(table, outcome(), 1.0)
        table, rater, _ = rated(table, rater, "a", liked=False)
        assert table.arm("a").rating.weight <= RATER_WEIGHT + 1e-9


def test_a_rater_who_rates_often_is_heard_anew() -> None:
    table, rater = learned(Table(), outcome(), 1.0), Rater()
    for number in range(40):
        table, rater, _ = rated(table, rater, "a", liked=number < 20)
    rating = table.arm("a").rating
    assert rating.total / rating.weight < 0.1


def test_one_rater_moves_elo_by_a_bounded_amount() -> None:
    table, rater = Table(), Rater()
    for number in range(2_000):
        table = learned(table, outcome(), 1.0)
        table, rater, _ = rated(table, rater, "ab"[number % 2], liked=number % 2 == 0)
        assert abs(standing(table)["a"] if number else 0.0) <= ELO_STEP * RATER_WEIGHT + 1e-9


def test_elo_orders_arms_by_what_raters_prefer_and_sums_to_nothing() -> None:
    table = Table()
    for number in range(120):
        rater = Rater()
        table, rater, _ = rated(table, rater, "a", liked=number % 4 > 0)
        table, rater, _ = rated(table, rater, "b", liked=number % 4 > 2)
        table, rater, _ = rated(table, rater, "c", liked=False)
    points = standing(table)
    assert points["a"] > points["b"] > points["c"]
    assert sum(points.values()) == pytest.approx(0.0)


def test_a_rater_who_likes_everything_prefers_nothing() -> None:
    table, rater = Table(), Rater()
    for number in range(50):
        table, rater, _ = rated(table, rater, "abc"[number % 3], liked=True)
    assert set(standing(table).values()) == {0.0}


def test_a_later_rating_takes_the_place_of_the_first() -> None:
    table, rater, counted = rated(learned(Table(), outcome(), 1.0), Rater(), "a", liked=True)
    other, _, _ = rated(learned(Table(), outcome(), 1.0), Rater(), "a", liked=False)
    changed, rater, again = rated_again(table, rater, counted, liked=False)
    assert changed.arm("a").rating.total == other.arm("a").rating.total
    assert rated_again(changed, rater, again, liked=False)[0] == changed


def test_what_is_kept_never_grows() -> None:
    assert [kept_after(ticks) for ticks in (0.0, HALF_LIFE, 2 * HALF_LIFE)] == pytest.approx([1.0, 0.5, 0.25])
