"""Tests that run on every store of the operator's document: memory, DynamoDB Local, and moto."""

import pytest
from msgspec.structs import replace

from gateway.ports.catalog import OverrideStore, StoredOverrides
from gateway.stores.overrides import DynamoOverrides
from gateway.transport import Client
from tests.fakes.overrides import MemoryOverrides
from tests.stores.conftest import StoppedClock, api, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

FIRST = StoredOverrides(1, "{}", "arn:aws:iam::1:user/ann", 1_795_244_400, "a try")


@pytest.fixture(params=["memory", "dynamodb", "moto"])
def store(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> OverrideStore:
    if request.param == "memory":
        return MemoryOverrides()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    endpoint = endpoints.of(request.param)
    return DynamoOverrides(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "document", "sk"))


async def test_a_store_without_a_version_has_none(store: OverrideStore) -> None:
    assert (await store.current(), await store.version(1), tuple(await store.history(9))) == (None, None, ())


async def test_the_version_of_the_highest_number_is_in_use_and_all_are_kept(store: OverrideStore) -> None:
    versions = [replace(FIRST, version=number, text=f'{{"n": {number}}}') for number in range(1, 12)]
    for version in versions:
        assert await store.add(version)
    assert await store.current() == versions[-1]
    assert await store.version(2) == versions[1]
    assert list(await store.history(3)) == versions[:-4:-1]


async def test_a_version_is_added_once_and_a_repeat_of_it_is_no_failure(store: OverrideStore) -> None:
    assert await store.add(FIRST)
    assert await store.add(FIRST)
    assert not await store.add(replace(FIRST, by="bob"))
    assert await store.current() == FIRST
