"""The Health table: an item for each target that is not well, all under one partition key, so that one query reads all.

    {"shard": "targets", "target": "openai||gpt-4o", "openings": 3, "until_ms": 1796083200500}

A target that is well has no item. `expires_at_s` is the table's TTL attribute, and checked at each read too.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from gateway.ports.health import SharedStanding
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import AwsApi, ConditionFailed, Item
from gateway.stores.aws.table import Table

SCHEMA_VERSION = 1
SHARD = "targets"
# A cooldown that was not followed by another one for so long says nothing any more.
REMEMBERED_S = 3_600
# A pace is told again long before.
PACE_S = 86_400


class DynamoHealth:
    """`HealthStore` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._table = Table(aws, table)

    async def read(self, now_s: float) -> Mapping[str, SharedStanding]:
        values = to_item({":shard": SHARD})
        question = {
            "KeyConditionExpression": "#shard = :shard",
            "ExpressionAttributeNames": {"#shard": "shard"},
            "ExpressionAttributeValues": values,
            "ConsistentRead": True,
        }
        answer = await self._table.call("Query", question)
        items = [from_item(item) for item in answer.get("Items", [])]
        return {
            item["target"]: SharedStanding(
                item["openings"],
                item["until_ms"] / 1000,
                _seconds(item.get("late_ms")),
                item.get("left_until_ms", 0) / 1000,
            )
            for item in items
            if item["expires_at_s"] > now_s and item["schema_version"] == SCHEMA_VERSION
        }

    async def open(self, target: str, standing: SharedStanding) -> None:
        with suppress(ConditionFailed):
            await self._put(target, standing, "attribute_not_exists(target) OR until_ms < :until_ms", standing.until_s)

    async def claim(self, target: str, before_s: float, standing: SharedStanding) -> bool:
        try:
            await self._put(target, standing, "attribute_not_exists(target) OR until_ms = :until_ms", before_s)
        except ConditionFailed:
            return False
        return True

    async def tell_pace(self, name: str, late_s: float, now_s: float) -> None:
        item = {
            "shard": SHARD,
            "target": name,
            "openings": 0,
            "until_ms": 0,
            "late_ms": _milliseconds(late_s),
            "expires_at_s": int(now_s) + PACE_S,
            "schema_version": SCHEMA_VERSION,
        }
        await self._table.call("PutItem", {"Item": to_item(item)})

    async def close(self, target: str, until_s: float) -> None:
        with suppress(ConditionFailed):
            question = {"Key": _key(target), **_condition("until_ms = :until_ms", until_s)}
            await self._table.call("DeleteItem", question)

    async def _put(self, target: str, standing: SharedStanding, condition: str, until_s: float) -> None:
        item = {
            "shard": SHARD,
            "target": target,
            "openings": standing.openings,
            "until_ms": _milliseconds(standing.until_s),
            "left_until_ms": _milliseconds(standing.left_until_s),
            "expires_at_s": int(standing.until_s) + REMEMBERED_S,
            "schema_version": SCHEMA_VERSION,
        }
        await self._table.call("PutItem", {"Item": to_item(item), **_condition(condition, until_s)})


def _key(target: str) -> Item:
    return to_item({"shard": SHARD, "target": target})


def _condition(condition: str, until_s: float) -> Item:
    values = to_item({":until_ms": _milliseconds(until_s)})
    return {"ConditionExpression": condition, "ExpressionAttributeValues": values}


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
