"""The Cache table: one item per account and answer, and one per account and day with its counts.

    {"account_id": "acct_1", "answer": "name#5f2…", "attempt_id": "h1", "kept_at_ms": …, "expires_at_s": …, "sealed": …}
    {"account_id": "acct_1", "answer": "name#5f2…", "attempt_id": "h1", "lease_until_ms": …, "expires_at_s": …}
    {"account_id": "acct_1", "answer": "day#20261130", "hits": 3, "misses": 9, "saved_nanousd": …, "expires_at_s": …}

An item without `kept_at_ms` is a claim: its answer is being produced. The store has a hash of an answer's name, and
seals the answer with the name itself, which comes of the request: without an equal request it is not to be read, from
the table, its objects or their backups. A large answer is an object of S3. `expires_at_s` is the table's TTL attribute,
and checked at each read too, since DynamoDB may take days to delete.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import secrets
import zlib
from base64 import b64decode, b64encode
from contextlib import suppress

from gateway.accounts.sealing import SealBroken, sealed, unsealed
from gateway.errors import ServiceUnavailable
from gateway.ports.answers import AnswerName, CacheCounts, CachedAnswer, Running
from gateway.ports.objects import Objects
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import STORE_DOWN, AwsApi, ConditionFailed, Item
from gateway.stores.aws.table import Table

SCHEMA_VERSION = 1
NAMES, DAYS = "name#", "day#"
# Answers are deleted with the questions that lead to them (`gateway/stores/questions.py`).
AFTER_QUESTIONS = "near#~"
# A read is paid by 4 KB and a write by 1 KB; from about here on an object is cheaper.
INLINE_BYTES_MAX = 8 * 1024
COMPRESSION = 1
# What a claim is remembered for beyond its lease.
REMEMBERED_S = 60
COUNTS_KEPT_S = 90 * 24 * 60 * 60
AT_ONCE = 25
FREE = "attribute_not_exists(answer) OR expires_at_s <= :now"
UNKEPT = "attribute_not_exists(kept_at_ms)"
DEAD = f"{UNKEPT} AND (lease_until_ms <= :now_ms OR attempt_id = :me)"

log = logging.getLogger(__name__)


class DynamoAnswers:
    """`CachedAnswers` in one table, and large answers in a bucket."""

    def __init__(self, aws: AwsApi, table: str, objects: Objects) -> None:
        self._table = Table(aws, table)
        self._objects = objects

    async def find(self, name: AnswerName, now_s: float, *, sure: bool = False) -> CachedAnswer | Running | None:
        answer = await self._table.call("GetItem", {"Key": _key(name), "ConsistentRead": sure})
        return await self._standing(name, answer.get("Item"), now_s)

    async def claim(self, name: AnswerName, claim: Running, now_s: float) -> CachedAnswer | Running | None:
        values = {":now": int(now_s), ":now_ms": _milliseconds(now_s), ":me": claim.attempt_id}
        put = {
            "Item": _key(name) | to_item({"attempt_id": claim.attempt_id, **_lease(claim)}),
            "ConditionExpression": f"{FREE} OR ({DEAD})",
            "ExpressionAttributeValues": to_item(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            await self._table.call("PutItem", put)
        except ConditionFailed as failed:
            standing = await self._standing(name, failed.item, now_s)
            if standing is None:
                # It was freed between the refusal and its answer, or cannot be read: the caller goes on without it.
                raise ServiceUnavailable(STORE_DOWN) from failed
            return standing
        return None

    async def prolong(self, name: AnswerName, claim: Running) -> bool:
        lease = _lease(claim)
        return await self._change(
            name, claim.attempt_id, "SET lease_until_ms = :lease_until_ms, expires_at_s = :expires_at_s", lease
        )

    async def keep(self, name: AnswerName, answer: CachedAnswer, *, claimed_by: str = "") -> bool:
        envelope = sealed(zlib.compress(answer.content, COMPRESSION), name.digest, _context(name))
        plain = {
            "attempt_id": claimed_by or None,
            "kept_at_ms": _milliseconds(answer.kept_at_s),
            "expires_at_s": answer.expires_at_s,
            "schema_version": SCHEMA_VERSION,
        }
        object_name = f"answers/{secrets.token_hex(32)}" if len(envelope) > INLINE_BYTES_MAX else None
        item = _key(name) | to_item({**plain, "object_name": object_name})
        if object_name is None:
            item["sealed"] = {"B": b64encode(envelope).decode()}
        else:
            await self._objects.put(object_name, envelope)
        condition = {
            "ConditionExpression": "attempt_id = :me",
            "ExpressionAttributeValues": to_item({":me": claimed_by}),
        }
        try:
            await self._table.call("PutItem", {"Item": item, **(condition if claimed_by else {})})
        except ConditionFailed:
            if object_name is not None:
                await self._objects.delete(object_name)
            return False
        return True

    async def free(self, name: AnswerName, attempt_id: str, *, alone_until_s: float | None = None) -> None:
        if alone_until_s is not None:
            alone = _lease(Running(attempt_id, alone_until_s, is_alone=True))
            change = "SET lease_until_ms = :lease_until_ms, expires_at_s = :expires_at_s, is_alone = :is_alone"
            await self._change(name, attempt_id, change, alone)
            return
        with suppress(ConditionFailed):
            await self._table.call("DeleteItem", {"Key": _key(name), **_while_claimed(attempt_id)})

    async def count(self, account_id: str, day: str, counts: CacheCounts) -> None:
        added = {name: getattr(counts, name) for name in CacheCounts.__struct_fields__ if getattr(counts, name)}
        adds = ", ".join(f"{name} :{name}" for name in added)
        # By the day itself, so that each write of the day says the same.
        forgotten_s = int(_day_began_s(day)) + COUNTS_KEPT_S
        update = {
            "Key": to_item({"account_id": account_id, "answer": DAYS + day}),
            "UpdateExpression": f"SET expires_at_s = :expires ADD {adds}",
            "ExpressionAttributeValues": to_item(
                {":expires": forgotten_s, **{f":{name}": value for name, value in added.items()}}
            ),
        }
        await self._table.call("UpdateItem", update)

    async def counted(self, account_id: str, first_day: str) -> dict[str, CacheCounts]:
        question = {
            "KeyConditionExpression": "account_id = :account AND answer BETWEEN :first AND :last",
            "ExpressionAttributeValues": to_item(
                {":account": account_id, ":first": DAYS + first_day, ":last": DAYS + "9"}
            ),
        }
        answer = await self._table.call("Query", question)
        days = map(from_item, answer["Items"])
        return {
            day["answer"].removeprefix(DAYS): CacheCounts(
                **{name: day[name] for name in CacheCounts.__struct_fields__ if name in day}
            )
            for day in days
        }

    async def forget(self, account_id: str, most: int) -> tuple[int, bool]:
        question = {
            "KeyConditionExpression": "account_id = :account AND answer BETWEEN :names AND :after_questions",
            "ExpressionAttributeValues": to_item(
                {":account": account_id, ":names": NAMES, ":after_questions": AFTER_QUESTIONS}
            ),
            "ProjectionExpression": "account_id, answer, object_name, kept_at_ms",
            "ConsistentRead": True,
            "Limit": most,
        }
        answer = await self._table.call("Query", question)
        turns = asyncio.Semaphore(AT_ONCE)

        async def forget_one(item: Item) -> None:
            async with turns:
                if "object_name" in item:
                    await self._objects.delete(item["object_name"]["S"])
                await self._table.call("DeleteItem", {"Key": {name: item[name] for name in ("account_id", "answer")}})

        await asyncio.gather(*map(forget_one, answer["Items"]))
        kept = sum("kept_at_ms" in item for item in answer["Items"])
        return kept, "LastEvaluatedKey" in answer

    async def _change(self, name: AnswerName, attempt_id: str, change: str, values: dict[str, object]) -> bool:
        """Changes a claim that still stands; false where it does not."""
        used = {f":{word}": value for word, value in values.items() if f":{word}" in change}
        condition = _while_claimed(attempt_id)
        named = condition["ExpressionAttributeValues"] | to_item(used)
        update = {"Key": _key(name), "UpdateExpression": change, **condition, "ExpressionAttributeValues": named}
        try:
            await self._table.call("UpdateItem", update)
        except ConditionFailed:
            return False
        return True

    async def _standing(self, name: AnswerName, item: Item | None, now_s: float) -> CachedAnswer | Running | None:
        """Reads what an item says; nothing for one that has expired, was changed, or is of another release."""
        if item is None:
            return None
        blob = item.get("sealed")
        plain = from_item({name: value for name, value in item.items() if name != "sealed"})
        if plain["expires_at_s"] <= now_s:
            return None
        if "kept_at_ms" not in plain:
            return Running(plain["attempt_id"], plain["lease_until_ms"] / 1000, bool(plain.get("is_alone")))
        if plain["schema_version"] != SCHEMA_VERSION:
            return None
        envelope = b64decode(blob["B"]) if blob else await self._objects.get(plain["object_name"])
        if envelope is None:
            return None
        try:
            content = zlib.decompress(unsealed(envelope, name.digest, _context(name)))
        except SealBroken:
            log.exception("a cached answer of account %s was changed in its store", name.account_id)
            return None
        return CachedAnswer(content, plain["kept_at_ms"] / 1000, plain["expires_at_s"])


def _key(name: AnswerName) -> Item:
    """The item's key; the name, which unseals the item, cannot be derived from it."""
    hashed = hashlib.sha256(f"cached answer {name.digest}".encode()).hexdigest()
    return to_item({"account_id": name.account_id, "answer": NAMES + hashed})


def _context(name: AnswerName) -> str:
    return f"cached answer of {name.account_id}"


def _lease(claim: Running) -> dict[str, object]:
    return {
        "lease_until_ms": _milliseconds(claim.lease_until_s),
        "expires_at_s": math.ceil(claim.lease_until_s) + REMEMBERED_S,
        "is_alone": claim.is_alone or None,
    }


def _while_claimed(attempt_id: str) -> Item:
    return {
        "ConditionExpression": f"attempt_id = :me AND {UNKEPT}",
        "ExpressionAttributeValues": to_item({":me": attempt_id}),
    }


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _day_began_s(day: str) -> float:
    from datetime import UTC, datetime  # noqa: PLC0415  # a cold start does without it

    return datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp()
