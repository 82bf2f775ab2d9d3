"""Tests that run on every store of targets' health: memory, DynamoDB Local, and moto."""

import asyncio

import pytest

from gateway.ports.health import HealthStore, SharedStanding
from gateway.stores.health import REMEMBERED_S, DynamoHealth
from gateway.transport import Client
from tests.fakes.health import MemoryHealth
from tests.stores.conftest import StoppedClock, api, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

NOW_S = 1_796_083_200.0
OPEN = SharedStanding(1, NOW_S + 2.5)
LATER = SharedStanding(2, NOW_S + 6.25)
TARGET = "openai||gpt-4o"


@pytest.fixture(params=["memory", "dynamodb", "moto"])
def health(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> HealthStore:
    if request.param == "memory":
        return MemoryHealth()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    endpoint = endpoints.of(request.param)
    return DynamoHealth(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "shard", "target"))


async def test_what_cools_is_read_until_it_says_nothing_more(health: HealthStore) -> None:
    assert await health.read(NOW_S) == {}
    await health.open(TARGET, OPEN)
    await health.open("openai|b|", LATER)
    assert await health.read(NOW_S) == {TARGET: OPEN, "openai|b|": LATER}
    assert await health.read(OPEN.until_s + 1) == {TARGET: OPEN, "openai|b|": LATER}
    assert await health.read(LATER.until_s + REMEMBERED_S) == {}


async def test_the_later_of_two_cooldowns_stands(health: HealthStore) -> None:
    await health.open(TARGET, LATER)
    await health.open(TARGET, OPEN)
    assert await health.read(NOW_S) == {TARGET: LATER}


async def test_of_ten_probes_at_once_one_is_made(health: HealthStore) -> None:
    await health.open(TARGET, OPEN)
    claims = [health.claim(TARGET, OPEN.until_s, SharedStanding(2, LATER.until_s + number)) for number in range(10)]
    assert (await asyncio.gather(*claims)).count(True) == 1
    assert (await health.read(NOW_S))[TARGET].openings == 2


async def test_a_cooldown_that_could_not_be_written_is_claimed_all_the_same(health: HealthStore) -> None:
    assert await health.claim(TARGET, OPEN.until_s, LATER)
    assert not await health.claim(TARGET, OPEN.until_s, LATER)


async def test_a_success_ends_its_own_cooldown_and_no_later_one(health: HealthStore) -> None:
    await health.open(TARGET, LATER)
    await health.close(TARGET, OPEN.until_s)
    assert await health.read(NOW_S) == {TARGET: LATER}
    await health.close(TARGET, LATER.until_s)
    await health.close(TARGET, LATER.until_s)
    assert await health.read(NOW_S) == {}
