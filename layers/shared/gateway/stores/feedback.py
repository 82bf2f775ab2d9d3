"""The Feedback table: the feedback on an account's generations, and its sums by day.

| item | account_id, sk | attributes |
|---|---|---|
| feedback | `<account id>`, `given#<generation id>#<user>` | `Feedback`; `version` counts its replacements |
| sum | `<account id>`, `sum#<day>#model#<key id>#<model>` | `model`, `key_id`, `good`, `bad` |
| sum | `<account id>`, `sum#<day>#tag#<tag>` | `tag`, `good`, `bad` |

Feedback and all sums that it changes are written by one transaction, conditional on the feedback that it replaces: so
the sums are those of the feedback that stands, also after repeats and among writers. A report reads sums alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import convert, to_builtins

from gateway.errors import ServiceUnavailable
from gateway.ports.feedback import DAY_S, KEPT_DAYS, Cell, Feedback, Sums, Votes, added
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import AwsApi, Item
from gateway.stores.aws.table import Table, is_own, marked

SCHEMA_VERSION = 1
GIVEN, SUM, OF_MODEL, OF_TAG = "given#", "sum#", "model", "tag"
# A sum outlives what it counts, so that none begins again below 0.
SUM_KEPT_S = (KEPT_DAYS + 2) * DAY_S
TRIES = 8
BUSY = "This generation is being rated by others; try again."


class DynamoFeedback:
    """`FeedbackStore` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._name = table
        self._table = Table(aws, table)

    async def put(self, feedback: Feedback) -> Feedback | None:
        for _ in range(TRIES):
            key = _key(feedback.account_id, f"{GIVEN}{feedback.generation_id}#{feedback.user}")
            stands = await self._get(key)
            before = None if stands is None else _feedback(stands)
            replaced = before if before is not None and before.counts_at(feedback.at_s) else None
            own = marked({**key, **_attributes(feedback, 1 if stands is None else int(stands["version"]["N"]) + 1)})
            sums = [self._add(feedback.account_id, *each) for each in added(feedback, replaced).items()]
            if await self._table.transacted([self._put(own, stands), *sums]) or is_own(await self._get(key), own):
                return replaced
        raise ServiceUnavailable(BUSY)

    async def sums(self, account_id: str, first_day: str) -> Sums:
        query: dict[str, Any] = {
            "KeyConditionExpression": "account_id = :account AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": to_item(
                {":account": account_id, ":first": SUM + first_day, ":last": f"{SUM}~"}
            ),
            "ConsistentRead": True,
        }
        found: dict[Cell, Votes] = {}
        async for stored in self._table.every("Query", query):
            item = from_item(stored)
            day = item["sk"].split("#", 2)[1]
            cell = Cell(day, item.get("model", ""), item.get("key_id", ""), item.get("tag"))
            found[cell] = Votes(item.get("good", 0), item.get("bad", 0))
        return found

    async def _get(self, key: Item) -> Item | None:
        found: Item | None = (await self._table.call("GetItem", {"Key": key, "ConsistentRead": True})).get("Item")
        return found

    def _put(self, item: Item, stands: Item | None) -> Item:
        put: dict[str, Any] = {"TableName": self._name, "Item": item}
        if stands is None:
            return {"Put": {**put, "ConditionExpression": "attribute_not_exists(sk)"}}
        condition = {"#version": "version"}, {":before": stands["version"]}
        put["ExpressionAttributeNames"], put["ExpressionAttributeValues"] = condition
        return {"Put": {**put, "ConditionExpression": "#version = :before"}}

    def _add(self, account_id: str, cell: Cell, votes: Votes) -> Item:
        if cell.tag is None:
            name = f"{SUM}{cell.day}#{OF_MODEL}#{cell.key_id}#{cell.model}"
            said: dict[str, Any] = {"model": cell.model, "key_id": cell.key_id}
        else:
            name, said = f"{SUM}{cell.day}#{OF_TAG}#{cell.tag}", {"tag": cell.tag}
        said |= {"schema_version": SCHEMA_VERSION, "expires_at_s": _midnight_s(cell.day) + SUM_KEPT_S}
        names = {**said, "good": votes.good, "bad": votes.bad}
        written = ", ".join(f"#{each} = :{each}" for each in said)
        return {
            "Update": {
                "TableName": self._name,
                "Key": _key(account_id, name),
                "UpdateExpression": f"SET {written} ADD #good :good, #bad :bad",
                "ExpressionAttributeNames": {f"#{each}": each for each in names},
                "ExpressionAttributeValues": to_item({f":{each}": value for each, value in names.items()}),
            }
        }


def _key(account_id: str, name: str) -> Item:
    return to_item({"account_id": account_id, "sk": name})


def _midnight_s(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def _attributes(feedback: Feedback, version: int) -> Item:
    kept = {
        "expires_at_s": feedback.at_s + KEPT_DAYS * DAY_S,
        "version": version,
        "schema_version": SCHEMA_VERSION,
    }
    return to_item({**to_builtins(feedback), **kept})


def _feedback(item: Item) -> Feedback:
    return convert(from_item(item), Feedback)
