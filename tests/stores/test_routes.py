"""Tests of what requests leave to be learned from, and what is learned: in memory, on DynamoDB Local and on moto."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.ports.routes import (
    SHARDS,
    Kept,
    Learned,
    Offered,
    Place,
    RatingName,
    RoutedOutcome,
    RoutedRating,
    RouteStore,
    StoredPolicy,
    first_slot,
    slot_of,
)
from gateway.stores.routes import DynamoRoutes
from gateway.transport import Client
from tests.fakes.routes import MemoryRoutes
from tests.stores.conftest import StoppedClock, api, deaf_once, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio
NOW_S = 1_795_243_200.0
OUTCOME = RoutedOutcome(
    generation_id="gen-nxn-1",
    request_class="code.easy",
    version="1",
    policy="learned",
    offered=(Offered("a/x", 1.5, 300_000, None, 0.25), Offered("b/y", 2.0, 10, 80, 0.75)),
    chosen="b/y",
    tried="b/y",
    succeeded=True,
    seconds=1.25,
    cost=12.0,
    explored=0.0,
    at_s=NOW_S,
)
RATING = RoutedRating(
    generation_id="gen-nxn-1",
    account_id="acct_1",
    user="user_1",
    request_class="code.easy",
    arm="b/y",
    liked=True,
    at_s=NOW_S,
)
POLICY = StoredPolicy(1, "first", '{"version": "first"}', "ops", int(NOW_S))


@pytest.fixture(params=["memory", "dynamodb_local", "moto"])
def store(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> RouteStore:
    if request.param == "memory":
        return MemoryRoutes()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    endpoint = endpoints.of(request.param)
    tables = new_table(endpoint, "shard", "target"), new_table(endpoint, "account_id", "sk")
    return DynamoRoutes(api(client, clock, "dynamodb", endpoint), *tables)


async def test_what_is_left_is_read_slot_by_slot_in_the_order_of_names(store: RouteStore) -> None:
    slot = slot_of(NOW_S, "gen-nxn-1")
    assert first_slot(NOW_S) <= slot < first_slot(NOW_S) + SHARDS
    await store.leave(RATING)
    await store.leave(OUTCOME)
    await store.leave(OUTCOME)
    found = await store.records(slot, "", 10)
    assert [record for _, record in found] == [OUTCOME, RATING]
    assert [record for _, record in await store.records(slot, "", 1)] == [OUTCOME]
    assert [record for _, record in await store.records(slot, found[0][0], 10)] == [RATING]
    assert await store.records(slot + SHARDS, "", 10) == []


async def test_an_outcome_is_found_by_its_generation_and_about_when_it_ended(store: RouteStore) -> None:
    await store.leave(OUTCOME)
    found = [await store.outcome("gen-nxn-1", NOW_S + late_s) for late_s in (0, 59, -60, 60, 600)]
    assert found == [OUTCOME, OUTCOME, OUTCOME, OUTCOME, None]
    assert await store.outcome("gen-nxn-2", NOW_S) is None


async def test_a_version_of_the_policies_is_written_once_and_in_use_at_once(store: RouteStore) -> None:
    assert (await store.learned(), await store.policies(5)) == (Learned(), [])
    second = replace(POLICY, number=2, version="second", text="{}")
    assert [await store.set_policy(each) for each in (POLICY, second, replace(second, text="[]"))] == [
        True,
        True,
        False,
    ]
    assert (await store.learned()).policy == "{}"
    assert (await store.policies(5), await store.policies(1)) == ([second, POLICY], [second])


async def test_what_is_learned_is_written_with_its_place_or_not_at_all(store: RouteStore) -> None:
    first, second = Place(8, "o#gen-nxn-1"), Place(9)
    rating = RatingName("acct_1", "gen-nxn-1", "user_1")
    kept = Kept(
        tables={"code.easy": "{}"},
        raters={("acct_1", "code.easy"): "[1]"},
        counted={rating: "[2]"},
        explored_day="2026-11-21",
        explored=12.0,
    )
    assert await store.place() is None
    assert await store.teach(kept, before=None, after=first)
    later = replace(kept, tables={"code.easy": "wrong", "talk.easy": "wrong"})
    for before in (None, second, replace(first, name="")):
        assert not await store.teach(later, before=before, after=second)
    assert await store.place() == first
    assert await store.learned() == Learned(None, {"code.easy": "{}"}, "2026-11-21", 12.0)
    known = await store.known([("acct_1", "code.easy"), ("acct_2", "code.easy")], [rating, replace(rating, user="x")])
    assert (known.raters, known.counted) == (kept.raters, kept.counted)
    assert await store.teach(Kept(), before=first, after=second)
    assert (await store.place(), (await store.learned()).explored) == (second, 12.0)


async def test_a_lesson_whose_answer_was_lost_was_written(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    aws = deaf_once(client, clock, endpoints.moto)
    tables = new_table(endpoints.moto, "shard", "target"), new_table(endpoints.moto, "account_id", "sk")
    store = DynamoRoutes(aws, *tables)
    assert await store.teach(Kept(tables={"code.easy": "{}"}), before=None, after=Place(1))
    assert (aws.lost, (await store.learned()).tables) == (True, {"code.easy": "{}"})
