"""Questions in the Cache table, one item each beside the answers; and one item per key with its checks.

    {"account_id": "acct_1", "answer": "near#1c9…#77f…", "sealed": …, "expires_at_s": …}
    {"account_id": "acct_1", "answer": "check#key_1", "checked": 40, "disagreed": 1, "stopped_at_s": …}

The first hash is of the partition, the second of the answer's name, so that a question is kept once. Text and vector
are sealed with the partition's name, which comes of the request. All questions of a partition are read and compared:
docs/adr/0052-semantic-cache.md says why, and up to how many.
"""

from __future__ import annotations

import hashlib
import heapq
from base64 import b64decode, b64encode
from contextlib import suppress

import msgspec

from gateway.accounts.sealing import SealBroken, sealed, unsealed
from gateway.cache.semantic import similarity_to
from gateway.ports.questions import Checks, Partition, Question
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import AwsApi, Item
from gateway.stores.aws.table import Table

NEAR, CHECK = "near#", "check#"
# The questions of a partition that are compared at most.
COMPARED_MAX = 500
_ENCODER, _DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Question)


class DynamoQuestions:
    """`CachedQuestions` in the table of cached answers."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._table = Table(aws, table)

    async def nearest(
        self, partition: Partition, vector: bytes, now_s: float, most: int
    ) -> list[tuple[float, Question]]:
        question = {
            "KeyConditionExpression": "account_id = :account AND begins_with(answer, :partition)",
            "ExpressionAttributeValues": to_item({":account": partition.account_id, ":partition": _prefix(partition)}),
            "Limit": COMPARED_MAX,
        }
        answer = await self._table.call("Query", question)
        found = (_opened(partition, item) for item in answer["Items"])
        similarity_of = similarity_to(vector)
        near = ((similarity_of(each.vector), each) for each in found if each is not None and each.expires_at_s > now_s)
        return heapq.nlargest(most, near, key=lambda each: each[0])

    async def add(self, partition: Partition, question: Question) -> None:
        envelope = sealed(_ENCODER.encode(question), partition.digest, _context(partition))
        hashed = hashlib.sha256(f"question of {question.answer}".encode()).hexdigest()[:32]
        key = {"account_id": partition.account_id, "answer": _prefix(partition) + hashed}
        item = to_item({**key, "expires_at_s": question.expires_at_s})
        await self._table.call("PutItem", {"Item": {**item, "sealed": {"B": b64encode(envelope).decode()}}})

    async def note(self, account_id: str, key_id: str, *, agreed: bool) -> Checks:
        update = {
            "Key": _check_key(account_id, key_id),
            "UpdateExpression": "ADD checked :one, disagreed :disagreed",
            "ExpressionAttributeValues": to_item({":one": 1, ":disagreed": int(not agreed)}),
            "ReturnValues": "ALL_NEW",
        }
        answer = await self._table.call("UpdateItem", update)
        return _checks(answer["Attributes"])

    async def stop(self, account_id: str, key_id: str, now_s: float) -> None:
        update = {
            "Key": _check_key(account_id, key_id),
            "UpdateExpression": "SET stopped_at_s = if_not_exists(stopped_at_s, :now)",
            "ExpressionAttributeValues": to_item({":now": int(now_s)}),
        }
        await self._table.call("UpdateItem", update)

    async def checks(self, account_id: str) -> dict[str, Checks]:
        question = {
            "KeyConditionExpression": "account_id = :account AND begins_with(answer, :check)",
            "ExpressionAttributeValues": to_item({":account": account_id, ":check": CHECK}),
        }
        answer = await self._table.call("Query", question)
        return {item["answer"]["S"].removeprefix(CHECK): _checks(item) for item in answer["Items"]}


def _prefix(partition: Partition) -> str:
    hashed = hashlib.sha256(f"questions of {partition.digest}".encode()).hexdigest()[:32]
    return f"{NEAR}{hashed}#"


def _context(partition: Partition) -> str:
    return f"question of {partition.account_id}"


def _opened(partition: Partition, item: Item) -> Question | None:
    """The item's question; `None` for one that was changed, or is of another release."""
    with suppress(SealBroken, msgspec.DecodeError):
        return _DECODER.decode(unsealed(b64decode(item["sealed"]["B"]), partition.digest, _context(partition)))
    return None


def _check_key(account_id: str, key_id: str) -> Item:
    return to_item({"account_id": account_id, "answer": CHECK + key_id})


def _checks(item: Item) -> Checks:
    plain = from_item({name: value for name, value in item.items() if name in Checks.__struct_fields__})
    return Checks(**plain)
