"""The Memories table: all memories of an account in one item, so that their bounds hold under concurrent writers.

A write is a conditional put on the item's version; one that lost the race is made again over what stands then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from weakref import WeakValueDictionary

from gateway.errors import InvalidRequest, ServiceUnavailable
from gateway.ports.memories import BYTES_MAX, KEYS_MAX, Memory
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import JITTER, AwsApi
from gateway.stores.aws.table import Table

SCHEMA_VERSION = 1
SORT_KEY = "tenant"
# With full jitter between the tries, so that writers of several processes do not meet again and again.
TRIES, PAUSE_S, PAUSE_S_MAX = 12, 0.03, 0.5
FULL = "The memory of the account is full: at most {} keys and {} bytes. Delete what is not needed."

Known = Mapping[str, Memory]


def with_memory(known: Known, key: str, memory: Memory) -> Known:
    """The memories with one more; raises `InvalidRequest` beyond the bounds."""
    changed = {**known, key: memory}
    size = sum(len(name.encode()) + len(each.value.encode()) for name, each in changed.items())
    if len(changed) > KEYS_MAX or size > BYTES_MAX:
        raise InvalidRequest(FULL.format(KEYS_MAX, BYTES_MAX), code="memory_full")
    return changed


class DynamoMemories:
    """`Memories` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._table = Table(aws, table)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, account_id: str) -> Known:
        known, _ = await self._standing(account_id)
        return known

    async def write(self, account_id: str, key: str, value: str, now_s: float) -> None:
        memory = Memory(value, int(now_s))
        await self._change(account_id, lambda known: with_memory(known, key, memory))

    async def delete(self, account_id: str, key: str) -> bool:
        found = False

        def without(known: Known) -> Known:
            nonlocal found
            # Of the last try, which writes: one that lost its race to another deletion has deleted nothing.
            found = key in known
            return {name: memory for name, memory in known.items() if name != key}

        await self._change(account_id, without)
        return found

    async def _change(self, account_id: str, edit: Callable[[Known], Known]) -> None:
        # The calls of one answer run side by side: within a process they take turns.
        async with self._turns.setdefault(account_id, asyncio.Lock()):
            for number in range(TRIES):
                known, version = await self._standing(account_id)
                edited = edit(known)
                if edited == known or await self._put(account_id, edited, version):
                    return
                await asyncio.sleep(JITTER.uniform(0, min(PAUSE_S_MAX, PAUSE_S * 2**number)))
        raise ServiceUnavailable("The memory of the account is being changed by others; try again.")

    async def _put(self, account_id: str, known: Known, version: int) -> bool:
        item = {
            **_key(account_id),
            "version": version + 1,
            "memories": {key: {"value": each.value, "at": each.written_at_s} for key, each in known.items()},
            "schema_version": SCHEMA_VERSION,
        }
        condition = {
            "ConditionExpression": "attribute_not_exists(account_id) OR version = :before",
            "ExpressionAttributeValues": to_item({":before": version}),
        }
        return await self._table.put(to_item(item), condition)

    async def _standing(self, account_id: str) -> tuple[Known, int]:
        answer = await self._table.call("GetItem", {"Key": to_item(_key(account_id)), "ConsistentRead": True})
        if "Item" not in answer:
            return {}, 0
        stands = from_item(answer["Item"])
        return {key: Memory(each["value"], int(each["at"])) for key, each in stands["memories"].items()}, stands[
            "version"
        ]


def _key(account_id: str) -> dict[str, str]:
    return {"account_id": account_id, "sk": SORT_KEY}
