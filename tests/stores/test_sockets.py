"""Tests of the records of open sockets, alike in memory, on DynamoDB Local and on moto."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.ports.sockets import ClientSecret, SocketRecord, SocketRecords
from gateway.stores.aws.client import Unanswered
from gateway.stores.sockets import DynamoSockets
from gateway.transport import Client
from tests.fakes.sockets import MemorySockets
from tests.stores.conftest import StoppedClock, api, deaf_once, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio
ID, NOW_S = "L0SM9cOFvHcCIhw=", 1_000
RECORD = SocketRecord(
    connection_id=ID,
    stage="realtime",
    kind="realtime",
    account_id="acct_one",
    key_hash="hash",
    source_ip="203.0.113.7",
    model="gpt-realtime",
    created_s=NOW_S,
    over_by_s=NOW_S + 3600,
    alive_until_s=NOW_S + 60,
    request_id="r",
)


@pytest.fixture(params=("memory", "dynamodb_local", "moto"))
def store(request: pytest.FixtureRequest, endpoints: Endpoints, client: Client, clock: StoppedClock) -> SocketRecords:
    if request.param == "memory":
        return MemorySockets()
    endpoint = endpoints.of(request.param)
    return DynamoSockets(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "id"))


async def test_a_run_is_taken_once_and_only_its_owner_writes(store: SocketRecords) -> None:
    await store.create(RECORD)
    taken = await store.take(ID, 0, "one", NOW_S + 90)
    assert taken == replace(RECORD, owner="one", alive_until_s=NOW_S + 90)
    assert await store.take(ID, 0, "two", NOW_S + 90) is None
    assert await store.take(ID, 1, "two", NOW_S + 90) is None
    assert await store.save(replace(taken, model="other"))
    assert not await store.save(replace(taken, owner="two"))
    assert not await store.pass_on(replace(taken, owner="two"))
    assert await store.read(ID) == replace(taken, model="other")


@pytest.mark.parametrize("size", [10, 2_000_000])
async def test_a_state_of_any_size_reaches_the_run_that_follows(store: SocketRecords, size: int) -> None:
    await store.create(RECORD)
    taken = await store.take(ID, 0, "one", NOW_S + 90)
    assert taken is not None
    state = bytes(number % 251 for number in range(size))
    assert await store.pass_on(replace(taken, state=state, seen=("a", "b")))
    following = await store.take(ID, 1, "two", NOW_S + 120)
    assert following is not None
    assert (following.state, following.seen, following.run) == (state, ("a", "b"), 1)
    # Once it is taken, it is stored no longer than its run does.
    assert await store.save(replace(following, state=None))
    found = await store.read(ID)
    assert found is not None
    assert found.state is None


async def test_a_part_of_a_state_that_cannot_be_deleted_does_not_keep_its_run_from_it(
    endpoints: Endpoints, client: Client, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = endpoints.of("dynamodb_local")
    aws = api(client, clock, "dynamodb", endpoint)
    store, call = DynamoSockets(aws, new_table(endpoint, "id")), aws.call
    await store.create(RECORD)
    taken = await store.take(ID, 0, "one", NOW_S + 90)
    assert taken is not None
    assert await store.pass_on(replace(taken, state=b"s" * 1_000_000))

    async def deletes_nothing(service: str, operation: str, payload: Any) -> dict[str, Any]:
        if operation == "DeleteItem":
            raise Unanswered("Timeout", "no answer")
        return await call(service, operation, payload)

    monkeypatch.setattr(aws, "call", deletes_nothing)
    following = await store.take(ID, 1, "two", NOW_S + 120)
    assert following is not None
    assert following.state == b"s" * 1_000_000


async def test_a_run_whose_answer_was_lost_as_it_passed_on_has_passed_on(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    endpoint = endpoints.of("dynamodb_local")
    table = new_table(endpoint, "id")
    store = DynamoSockets(api(client, clock, "dynamodb", endpoint), table)
    await store.create(RECORD)
    taken = await store.take(ID, 0, "one", NOW_S + 90)
    assert taken is not None
    deaf = DynamoSockets(deaf_once(client, clock, endpoint), table)
    assert await deaf.pass_on(replace(taken, state=b"s"))
    assert await store.take(ID, 1, "two", NOW_S + 120) is not None


async def test_sessions_that_are_not_renewed_are_dead(store: SocketRecords) -> None:
    await store.create(RECORD)
    await store.create(replace(RECORD, connection_id="other", alive_until_s=NOW_S + 600))
    await store.add_secret("hash", ClientSecret("acct_one", "key", NOW_S, "203.0.113.7"))
    assert [each.connection_id async for each in store.dead(NOW_S + 100)] == [ID]
    await store.delete(ID)
    assert [each.connection_id async for each in store.dead(NOW_S + 100)] == []


async def test_a_client_secret_is_found_by_its_hash(store: SocketRecords) -> None:
    secret = ClientSecret("acct_one", "key", NOW_S, "203.0.113.7", b"{}")
    await store.add_secret("hash", secret)
    assert await store.secret("hash") == secret
    assert await store.secret("other") is None
