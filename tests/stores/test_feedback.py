"""Tests of feedback and its sums, alike in memory, on DynamoDB Local and on moto."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from msgspec.structs import replace

from gateway.ports.feedback import DAY_S, KEPT_DAYS, NONE, Cell, Feedback, FeedbackStore, Votes
from gateway.stores.feedback import DynamoFeedback
from gateway.transport import Client
from tests.fakes.feedback import MemoryFeedback
from tests.stores.conftest import StoppedClock, api, deaf_once, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio
MINE, OTHER = "acct_1", "acct_2"
# 2026-11-21 06:40 UTC.
NOW_S = 1_795_243_200
TODAY, TOMORROW = "2026-11-21", "2026-11-22"
GOOD, BAD = Votes(1, 0), Votes(0, 1)
GIVEN = Feedback(MINE, "gen-nxn-1", "user_1", 1, NOW_S, "gpt-4o", "key_1", "Helpful!", ("accurate", "a#b ü"))


@pytest.fixture(params=["memory", "dynamodb_local", "moto"])
def store(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> FeedbackStore:
    if request.param == "memory":
        return MemoryFeedback()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    endpoint = endpoints.of(request.param)
    return DynamoFeedback(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "account_id", "sk"))


async def standing(store: FeedbackStore, account_id: str = MINE, first_day: str = TODAY) -> dict[Cell, Votes]:
    return {cell: votes for cell, votes in (await store.sums(account_id, first_day)).items() if votes != NONE}


async def test_feedback_counts_for_its_model_key_and_tags_on_its_day(store: FeedbackStore) -> None:
    assert await store.put(GIVEN) is None
    assert await standing(store) == {
        Cell(TODAY, "gpt-4o", "key_1"): GOOD,
        Cell(TODAY, tag="accurate"): GOOD,
        Cell(TODAY, tag="a#b ü"): GOOD,
    }
    assert await standing(store, first_day=TOMORROW) == {}
    assert await standing(store, OTHER) == {}


async def test_a_later_feedback_takes_the_place_of_the_one_before(store: FeedbackStore) -> None:
    await store.put(GIVEN)
    later = replace(GIVEN, rating=-1, at_s=NOW_S + DAY_S, comment=None, tags=("incorrect",))
    assert await store.put(later) == GIVEN
    assert await standing(store) == {Cell(TOMORROW, "gpt-4o", "key_1"): BAD, Cell(TOMORROW, tag="incorrect"): BAD}
    assert await store.put(later) == later
    assert len(await standing(store)) == 2


async def test_other_users_generations_and_accounts_count_beside_it(store: FeedbackStore) -> None:
    for other in ({"user": "user_2"}, {"generation_id": "gen-nxn-2"}, {"account_id": OTHER}, {}):
        assert await store.put(replace(GIVEN, **other)) is None
    of_model = Cell(TODAY, "gpt-4o", "key_1")
    assert [(await standing(store, each))[of_model] for each in (MINE, OTHER)] == [Votes(3, 0), GOOD]


async def test_what_is_forgotten_is_not_taken_from_sums_that_are_gone(store: FeedbackStore) -> None:
    await store.put(GIVEN)
    last = replace(GIVEN, at_s=NOW_S + KEPT_DAYS * DAY_S, rating=-1, tags=())
    assert await store.put(last) is None
    assert (await standing(store))[Cell(last.day, "gpt-4o", "key_1")] == BAD


async def test_the_sums_are_those_of_the_feedback_that_stands(store: FeedbackStore) -> None:
    draw = random.Random(17)
    stands: dict[tuple[str, str], Feedback] = {}
    for number in range(60):
        given = Feedback(
            MINE,
            f"gen-nxn-{draw.randrange(6)}",
            f"user_{draw.randrange(3)}",
            draw.choice((1, -1)),
            NOW_S + number * DAY_S // 20,
            draw.choice(("gpt-4o", "claude-haiku-4-5")),
            draw.choice(("key_1", "key_2")),
            tags=tuple(draw.sample(("a", "b", "c"), draw.randrange(4))),
        )
        assert await store.put(given) == stands.get((given.generation_id, given.user))
        stands[given.generation_id, given.user] = given
    good, bad = Counter[Cell](), Counter[Cell]()
    for each in stands.values():
        cells = [Cell(each.day, each.model, each.key_id), *(Cell(each.day, tag=tag) for tag in each.tags)]
        (good if each.rating == 1 else bad).update(cells)
    assert await standing(store) == {cell: Votes(good[cell], bad[cell]) for cell in good | bad}


async def test_feedback_given_at_once_is_counted_once(store: FeedbackStore) -> None:
    same = [replace(GIVEN, rating=1 if number % 2 else -1) for number in range(4)]
    others = [replace(GIVEN, user=f"other_{number}") for number in range(4)]
    before = await asyncio.gather(*map(store.put, same + others))
    assert [each is None for each in before[4:]] == [True] * 4
    assert sum(each is None for each in before[:4]) == 1
    votes = (await standing(store))[Cell(TODAY, "gpt-4o", "key_1")]
    assert (votes.count, votes.good in {4, 5}) == (5, True)


async def test_feedback_whose_answer_was_lost_is_counted_once(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    aws = deaf_once(client, clock, endpoints.moto)
    store = DynamoFeedback(aws, new_table(endpoints.moto, "account_id", "sk"))
    assert await store.put(GIVEN) is None
    assert (aws.lost, (await standing(store))[Cell(TODAY, "gpt-4o", "key_1")]) == (True, GOOD)
