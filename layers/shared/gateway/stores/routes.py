"""Outcomes, learned tables and policies, in the Health table; what is an account's, in the Feedback table.

| item | shard, target | attributes |
|---|---|---|
| table | `routes`, `class#<class>` | `text`: the evidence of a class |
| policy in use | `routes`, `policy` | `text`: the newest document |
| exploration | `routes`, `explored` | `day`, `nanousd`: what it was expected to cost on that UTC day |
| place | `learner`, `place` | `slot`, `name`: up to where all has been learned |
| version | `policies`, `<number>` | the document, who set it, and when |
| record | `outcomes#<slot>`, `o#<generation id>` or `r#<generation id>#<user>` | `text`: an outcome or a rating |

In the Feedback table an account has `rater#<class>`, and `counted#<generation id>#<user>`: how a rating was counted.

One query of `routes` reads all that a choice needs. What was learned is written with the place up to which it was, in
one transaction that is conditional on the place before: so each record is learned once, by several learners too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import asdict

from gateway.ports.routes import (
    KEPT_S,
    SHARDS,
    Kept,
    Learned,
    Place,
    RatingName,
    Record,
    RoutedOutcome,
    RoutedRating,
    Slot,
    StoredPolicy,
    slot_of,
)
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import AwsApi, Item
from gateway.stores.aws.table import Table

SCHEMA_VERSION = 1
ROUTES, LEARNER, POLICIES, OUTCOMES = "routes", "learner", "policies", "outcomes#"
CLASS, POLICY, EXPLORED, PLACE = "class#", "policy", "explored", "place"
OUTCOME, RATING = "o#", "r#"
RATER, COUNTED = "rater#", "counted#"
# A rater's part and a counted rating weigh nothing any more once the class has gone on for so long.
RATERS_KEPT_S = 180 * 24 * 3600
MINUTE_S = 60


class DynamoRoutes:
    """`RouteStore` in two tables."""

    def __init__(self, aws: AwsApi, table: str, feedback_table: str) -> None:
        self._name, self._feedback_name = table, feedback_table
        self._table, self._feedback = Table(aws, table), Table(aws, feedback_table)

    async def learned(self) -> Learned:
        items = {item["target"]: item for item in await self._below(ROUTES, {})}
        explored = items.get(EXPLORED, {})
        tables = {name.removeprefix(CLASS): item["text"] for name, item in items.items() if name.startswith(CLASS)}
        policy = items[POLICY]["text"] if POLICY in items else None
        return Learned(policy, tables, explored.get("day", ""), float(explored.get("nanousd", 0)))

    async def leave(self, record: Record) -> None:
        name = OUTCOME + record.generation_id
        if isinstance(record, RoutedRating):
            name = f"{RATING}{record.generation_id}#{record.user}"
        item = {
            **_slot_key(slot_of(record.at_s, record.generation_id), name),
            "text": msgspec.json.encode(record).decode(),
            "expires_at_s": int(record.at_s) + KEPT_S,
            "schema_version": SCHEMA_VERSION,
        }
        await self._table.call("PutItem", {"Item": to_item(item)})

    async def outcome(self, generation_id: str, ended_s: float) -> RoutedOutcome | None:
        # The end of the request and its outcome are noted one after the other, perhaps in two minutes.
        for at_s in (ended_s, ended_s + MINUTE_S, ended_s - MINUTE_S):
            key = to_item(_slot_key(slot_of(at_s, generation_id), OUTCOME + generation_id))
            answer = await self._table.call("GetItem", {"Key": key})
            if "Item" in answer:
                return msgspec.json.decode(answer["Item"]["text"]["S"], type=RoutedOutcome)
        return None

    async def policies(self, most: int) -> Sequence[StoredPolicy]:
        found = await self._below(POLICIES, {"ScanIndexForward": False, "Limit": most, "ConsistentRead": True}, most)
        return [StoredPolicy(**{name: item[name] for name in StoredPolicy.__struct_fields__}) for item in found]

    async def set_policy(self, stored: StoredPolicy) -> bool:
        version = self._put({"shard": POLICIES, "target": f"{stored.number:08}", **asdict(stored)})
        version["Put"]["ConditionExpression"] = "attribute_not_exists(target)"
        in_use = {"shard": ROUTES, "target": POLICY, "text": stored.text, "number": stored.number}
        return await self._table.transacted([version, self._put(in_use)])

    async def records(self, slot: Slot, after: str, most: int) -> Sequence[tuple[str, Record]]:
        shard = f"{OUTCOMES}{slot}"
        query = {
            "KeyConditionExpression": "#shard = :shard AND target > :after",
            "ExpressionAttributeNames": {"#shard": "shard"},
            "ExpressionAttributeValues": to_item({":shard": shard, ":after": after or " "}),
            "ConsistentRead": True,
            "Limit": most,
        }
        answer = await self._table.call("Query", query)
        return [_record(from_item(item)) for item in answer["Items"]]

    async def place(self) -> Place | None:
        key = to_item({"shard": LEARNER, "target": PLACE})
        answer = await self._table.call("GetItem", {"Key": key, "ConsistentRead": True})
        if "Item" not in answer:
            return None
        found = from_item(answer["Item"])
        return Place(found["slot"], found["name"])

    async def known(self, raters: Iterable[tuple[str, str]], ratings: Iterable[RatingName]) -> Kept:
        found_raters, found_ratings = list(raters), list(ratings)
        names = [(account_id, RATER + name) for account_id, name in found_raters]
        names += [(each.account_id, _counted(each)) for each in found_ratings]
        texts = await asyncio.gather(*(self._text(*name) for name in names))
        of_raters, of_ratings = texts[: len(found_raters)], texts[len(found_raters) :]
        return Kept(
            raters={name: text for name, text in zip(found_raters, of_raters, strict=True) if text is not None},
            counted={name: text for name, text in zip(found_ratings, of_ratings, strict=True) if text is not None},
        )

    async def teach(self, kept: Kept, *, before: Place | None, after: Place) -> bool:
        place = self._put({"shard": LEARNER, "target": PLACE, "slot": after.slot, "name": after.name})
        place["Put"] |= _still(before)
        parts = [place]
        parts += [self._put({"shard": ROUTES, "target": CLASS + name, "text": t}) for name, t in kept.tables.items()]
        if kept.explored_day:
            explored = {"day": kept.explored_day, "nanousd": round(kept.explored)}
            parts.append(self._put({"shard": ROUTES, "target": EXPLORED, **explored}))
        until_s = after.slot // SHARDS * MINUTE_S + RATERS_KEPT_S
        owned = {(account_id, RATER + name): t for (account_id, name), t in kept.raters.items()}
        owned |= {(rating.account_id, _counted(rating)): text for rating, text in kept.counted.items()}
        parts += [self._owned(account_id, name, text, until_s) for (account_id, name), text in owned.items()]
        return await self._table.transacted(parts) or await self.place() == after

    async def _text(self, account_id: str, name: str) -> str | None:
        key = to_item({"account_id": account_id, "sk": name})
        answer = await self._feedback.call("GetItem", {"Key": key, "ConsistentRead": True})
        return answer["Item"]["text"]["S"] if "Item" in answer else None

    def _owned(self, account_id: str, name: str, text: str, until_s: int) -> Item:
        members = {"account_id": account_id, "sk": name, "text": text, "expires_at_s": until_s}
        return {
            "Put": {
                "TableName": self._feedback_name,
                "Item": to_item({**members, "schema_version": SCHEMA_VERSION}),
            }
        }

    async def _below(self, shard: str, more: dict[str, Any], most: int | None = None) -> list[dict[str, Any]]:
        query: dict[str, Any] = {
            "KeyConditionExpression": "#shard = :shard",
            "ExpressionAttributeNames": {"#shard": "shard"},
            "ExpressionAttributeValues": to_item({":shard": shard}),
            **more,
        }
        return [from_item(item) async for item in self._table.every("Query", query, most)]

    def _put(self, members: dict[str, Any]) -> Item:
        item = to_item({**members, "schema_version": SCHEMA_VERSION})
        return {"Put": {"TableName": self._name, "Item": item}}


def _slot_key(slot: Slot, name: str) -> dict[str, str]:
    return {"shard": f"{OUTCOMES}{slot}", "target": name}


def _counted(rating: RatingName) -> str:
    return f"{COUNTED}{rating.generation_id}#{rating.user}"


def _record(item: dict[str, Any]) -> tuple[str, Record]:
    kind: type[Record] = RoutedOutcome if item["target"].startswith(OUTCOME) else RoutedRating
    return item["target"], msgspec.json.decode(item["text"], type=kind)


def _still(place: Place | None) -> Item:
    """The condition that learning has come to a place and no further."""
    if place is None:
        return {"ConditionExpression": "attribute_not_exists(target)"}
    return {
        "ConditionExpression": "slot = :slot AND #name = :name",
        "ExpressionAttributeNames": {"#name": "name"},
        "ExpressionAttributeValues": to_item({":slot": place.slot, ":name": place.name}),
    }
