"""Tests of what a learner makes of outcomes and ratings: once each, in order, and no rater beyond its bound."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from gateway.learning.choice import Option, propensities
from gateway.learning.evidence import Table
from gateway.learning.policy import Policy
from gateway.learning.raters import RATER_WEIGHT, RATING_PRIOR
from gateway.pipeline import learner as learner_module
from gateway.pipeline.learner import Learner
from gateway.pipeline.rating import leave_rating
from gateway.ports.feedback import Feedback
from gateway.ports.routes import Offered, Place, RoutedOutcome, RoutedRating, StoredPolicy, first_slot
from tests.control_plane.harness import StoppedClock
from tests.fakes.routes import MemoryRoutes

pytestmark = pytest.mark.anyio
NOW_S = 1_795_243_200.0
CLASS, GOOD, BAD = "code.easy", "a/x", "b/y"
OFFERED = (Offered(GOOD, 1.0, 1_000.0, 60, 0.5), Offered(BAD, 1.0, 1_000.0, 60, 0.5))


def outcome(number: int, arm: str = GOOD, at_s: float = NOW_S, **more: object) -> RoutedOutcome:
    made = RoutedOutcome(
        generation_id=f"gen-nxn-{number:04}",
        request_class=CLASS,
        version="1",
        policy="learned",
        offered=OFFERED,
        chosen=arm,
        tried=arm,
        succeeded=True,
        seconds=1.0,
        cost=1_000.0,
        explored=5.0,
        at_s=at_s,
    )
    return replace(made, **more)


def feedback(number: int, rating: int, user: str = "user_1", account_id: str = "acct_1") -> Feedback:
    generation_id = f"gen-nxn-{number:04}"
    return Feedback(account_id, generation_id, user, 1 if rating == 1 else -1, int(NOW_S), "x", "key_1")


class School:
    """A learner over a store with a policy, at three minutes after the records."""

    def __init__(self) -> None:
        self.store = MemoryRoutes()
        self.store.versions.append(StoredPolicy(1, "1", "{}", "ops", 0))
        self.clock = StoppedClock(NOW_S + 180)
        self.learner = Learner(self.store, self.clock)

    async def table(self) -> Table:
        while not (await self.learner.run(self.clock.at_s + 40)).done:
            pass
        text = self.store.tables.get(CLASS)
        return Table() if text is None else msgspec.json.decode(text, type=Table)


async def test_each_outcome_is_learned_once_however_often_it_is_left_and_run() -> None:
    school = School()
    for number in range(30):
        for _ in range(2):
            await school.store.leave(outcome(number))
    first = await school.table()
    assert first.arms[GOOD].success.weight == pytest.approx(30, rel=0.05)
    assert (first.ticks, await school.table()) == (30.0, first)
    assert school.store.explored == ("2026-11-21", 150.0)


async def test_two_learners_at_once_learn_each_record_once() -> None:
    school, other = School(), School()
    other.store = school.store
    other.learner = Learner(school.store, other.clock)
    for number in range(30):
        await school.store.leave(outcome(number))
    asked = school.store.records

    async def records(slot: int, after: str, most: int) -> Any:
        # Another run comes between a read and its write.
        vars(school.store).pop("records", None)
        await other.learner.run(other.clock.at_s + 40)
        return await asked(slot, after, most)

    vars(school.store)["records"] = records
    assert not (await school.learner.run(school.clock.at_s + 40)).done
    assert (await school.table()).ticks == 30.0


async def test_what_is_left_in_the_last_minute_waits() -> None:
    school = School()
    await school.store.leave(outcome(1, at_s=NOW_S + 179))
    assert (await school.table()).ticks == 0
    school.clock.at_s += 180
    assert (await school.table()).ticks == 1


async def test_many_ratings_are_learned_in_several_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner_module, "RATINGS", 3)
    school = School()
    for number in range(20):
        await school.store.leave(outcome(number))
        assert await leave_rating(school.store, feedback(number, 1), NOW_S)
    table = await school.table()
    assert len(school.store.counted) == 20
    assert 0 < table.arms[GOOD].rating.weight <= RATER_WEIGHT


async def test_a_run_that_has_no_time_left_is_gone_on_from_though_it_found_nothing() -> None:
    school, runs = School(), 0
    await school.store.leave(outcome(1))
    asked = school.store.records

    async def records(slot: int, after: str, most: int) -> Any:
        school.clock.at_s += 0.1
        return await asked(slot, after, most)

    vars(school.store)["records"] = records
    # A day of empty slots stands before the first outcome.
    while not (await school.learner.run(school.clock.at_s + 40)).done:
        runs += 1
        assert runs < 100
    assert runs > 5
    assert (await school.table()).ticks == 1


async def test_without_a_policy_nothing_is_read() -> None:
    school = School()
    school.store.versions.clear()
    await school.store.leave(outcome(1))
    assert (await school.table(), school.store.at) == (Table(), None)


async def test_a_learner_that_was_off_goes_on_a_day_back() -> None:
    school = School()
    school.store.at = Place(first_slot(NOW_S - 30 * 24 * 3600))
    await school.store.leave(outcome(1, at_s=NOW_S - 25 * 3600))
    await school.store.leave(outcome(2, at_s=NOW_S - 23 * 3600))
    assert (await school.table()).ticks == 1


async def test_ratings_spammed_by_one_key_move_a_route_by_a_bounded_amount() -> None:
    school, draw = School(), random.Random(3)
    policy = Policy(name="p", percent=100, kind="learned")
    options = [Option(each.arm, each.seconds, each.cost, each.quality) for each in OFFERED]
    for number in range(400):
        await school.store.leave(outcome(number, draw.choice((GOOD, BAD))))
    before = {each.option.arm: each.mean for each in propensities(options, await school.table(), policy)}
    for number in range(400):
        liked = school.store.slots and number % 2
        arm = next(each.arm for each in OFFERED if each.arm == (BAD if liked else GOOD))
        rating = feedback(number, 1 if arm == BAD else -1)
        await school.store.leave(
            RoutedRating(
                generation_id=rating.generation_id,
                account_id=rating.account_id,
                user=f"user_{number}",
                request_class=CLASS,
                arm=arm,
                liked=arm == BAD,
                at_s=NOW_S + 200,
            )
        )
    school.clock.at_s += 400
    table = await school.table()
    bound = RATER_WEIGHT / (RATING_PRIOR + RATER_WEIGHT)
    after = {each.option.arm: each.mean for each in propensities(options, table, policy)}
    for arm in (GOOD, BAD):
        assert 0 < table.arms[arm].rating.weight <= RATER_WEIGHT + 1e-9
        # The weight of ratings in the reward, by the bound of the mean and what ELO shifts the odds of its prior by.
        assert 0 < abs(after[arm] - before[arm]) < policy.weights.rating * (bound + 0.15)


async def test_a_changed_mind_counts_once_and_a_failed_request_not_at_all() -> None:
    school = School()
    await school.store.leave(outcome(1))
    await school.store.leave(outcome(2, succeeded=False))
    assert [await leave_rating(school.store, feedback(n, 1), NOW_S) for n in (1, 2, 3)] == [True, False, False]
    liked = (await school.table()).arms[GOOD].rating
    await school.store.leave(replace(outcome(1), at_s=NOW_S))
    again = replace(feedback(1, -1), at_s=int(NOW_S) + 240)
    assert await leave_rating(school.store, again, NOW_S)
    school.clock.at_s += 300
    disliked = (await school.table()).arms[GOOD].rating
    assert (liked.weight, liked.total) == (1.0, 1.0)
    assert disliked.weight <= 1.0
    assert disliked.total == pytest.approx(0, abs=0.01)
