"""Tests of the memories of accounts, alike in memory, on DynamoDB Local and on moto."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.ports.memories import BYTES_MAX, Memories, Memory
from gateway.stores import memories as stores_memories
from gateway.stores.aws.client import Unanswered
from gateway.stores.memories import DynamoMemories
from gateway.transport import Client
from tests.fakes.memories import MemoryMemories
from tests.stores.conftest import StoppedClock, api, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio
MINE, OTHER = "acct_1", "acct_2"


@pytest.fixture(params=["memory", "dynamodb_local", "moto"])
def memories(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> Memories:
    if request.param == "memory":
        return MemoryMemories()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    endpoint = endpoints.of(request.param)
    return DynamoMemories(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "account_id", "sk"))


async def refused(memories: Memories, key: str, value: str) -> str | None:
    with pytest.raises(InvalidRequest) as full:
        await memories.write(MINE, key, value, 100)
    return full.value.code


async def test_a_memory_is_read_as_it_was_written_last(memories: Memories) -> None:
    assert await memories.read(MINE) == {}
    await memories.write(MINE, "a.b/c", "first", 100)
    await memories.write(MINE, "a.b/c", "second", 200.9)
    await memories.write(MINE, "ü", "", 300)
    assert await memories.read(MINE) == {"a.b/c": Memory("second", 200), "ü": Memory("", 300)}


async def test_a_memory_is_deleted_once(memories: Memories) -> None:
    assert not await memories.delete(MINE, "a")
    for key in ("a", "b"):
        await memories.write(MINE, key, "x", 100)
    assert [await memories.delete(MINE, "a") for _ in range(2)] == [True, False]
    assert await memories.read(MINE) == {"b": Memory("x", 100)}


async def test_accounts_are_strangers(memories: Memories) -> None:
    await memories.write(MINE, "a", "mine", 100)
    await memories.write(OTHER, "a", "theirs", 100)
    assert await memories.delete(OTHER, "a")
    assert (await memories.read(MINE), await memories.read(OTHER)) == ({"a": Memory("mine", 100)}, {})


async def test_bytes_are_bounded_and_counted_as_utf_8(memories: Memories) -> None:
    await memories.write(MINE, "k", "é" * ((BYTES_MAX - 2) // 2), 100)
    assert await refused(memories, "l", "x") == "memory_full"
    assert await refused(memories, "k", "é" * (BYTES_MAX // 2)) == "memory_full"
    # A smaller value of a known key makes room.
    await memories.write(MINE, "k", "x", 100)
    await memories.write(MINE, "l", "x", 100)


async def test_keys_are_bounded(memories: Memories, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores_memories, "KEYS_MAX", 3)
    for key in ("0", "1", "2"):
        await memories.write(MINE, key, "x", 100)
    assert await refused(memories, "one more", "x") == "memory_full"
    await memories.write(MINE, "0", "y", 100)
    assert await memories.delete(MINE, "1")
    await memories.write(MINE, "one more", "x", 100)
    assert sorted(await memories.read(MINE)) == ["0", "2", "one more"]


async def test_parallel_writers_lose_nothing(memories: Memories) -> None:
    await memories.write(MINE, "gone", "x", 100)
    writes = [memories.write(MINE, str(number), "x", 100) for number in range(4)]
    await asyncio.gather(*writes, memories.delete(MINE, "gone"))
    assert sorted(await memories.read(MINE)) == ["0", "1", "2", "3"]


async def test_many_writers_of_two_processes_lose_nothing(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    aws, table = api(client, clock, "dynamodb", endpoints.moto), new_table(endpoints.moto, "account_id", "sk")
    processes = [DynamoMemories(aws, table) for _ in range(2)]
    await asyncio.gather(*(processes[number % 2].write(MINE, str(number), "x", 100) for number in range(40)))
    assert len(await processes[0].read(MINE)) == 40


async def test_a_deletion_whose_answer_was_lost_has_deleted(
    endpoints: Endpoints, client: Client, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = api(client, clock, "dynamodb", endpoints.moto)
    memories = DynamoMemories(aws, new_table(endpoints.moto, "account_id", "sk"))
    await memories.write(MINE, "a", "x", 100)
    asked, lost = aws.call, list[str]()

    async def call(service: str, operation: str, payload: Mapping[str, Any]) -> Any:
        answer = await asked(service, operation, payload)
        if operation == "PutItem" and not lost:
            lost.append(operation)
            raise Unanswered("Lost", "after it was done")
        return answer

    monkeypatch.setattr(aws, "call", call)
    assert await memories.delete(MINE, "a")
    assert (lost, await memories.read(MINE)) == (["PutItem"], {})
