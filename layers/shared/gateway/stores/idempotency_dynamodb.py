"""The Idempotency table: one item per scope, changed by conditional writes only, each naming the attempt it is for.

An item without `answer` is an attempt in flight. `expires_at_s` is the table's TTL attribute, and checked at each claim
too, since DynamoDB may take days to delete. A body is never here: point-in-time recovery would keep it for weeks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.errors import ServiceUnavailable
from gateway.ports import IdempotencyRecord, KeptAnswer
from gateway.stores.attributes import from_item, to_attribute, to_item
from gateway.stores.aws import STORE_DOWN, AwsApi, AwsError, ConditionFailed, Item, repeated

TRIES = 5
SCHEMA_VERSION = 1
UNFINISHED = "attribute_not_exists(answer)"
# Nothing stands, or nothing that still counts, or this very attempt: a repeat of a write that had happened.
CLAIMABLE = f"attribute_not_exists(#scope) OR expires_at_s <= :now OR (attempt_id IN (:me, :after) AND {UNFINISHED})"


class DynamoIdempotencyRecords:
    """`IdempotencyRecords` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._aws = aws
        self._table = table

    async def claim(
        self, record: IdempotencyRecord, now_s: float, *, after: str | None = None
    ) -> IdempotencyRecord | None:
        values = {":now": int(now_s), ":me": record.attempt_id, ":after": after or record.attempt_id}
        put = {
            "Item": _item(record),
            "ConditionExpression": CLAIMABLE,
            "ExpressionAttributeNames": {"#scope": "scope"},
            "ExpressionAttributeValues": to_item(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            await self._write("PutItem", put)
        except ConditionFailed as failed:
            if failed.item is None:
                # Freed between the refusal and its answer: as good as any other try that met a store in motion.
                raise ServiceUnavailable(STORE_DOWN) from failed
            return _record(failed.item)
        return None

    async def finish(self, record: IdempotencyRecord) -> bool:
        item = _item(record)
        update = {
            "Key": {"scope": item["scope"]},
            "ConditionExpression": "attempt_id = :me",
            "UpdateExpression": "SET answer = :answer, expires_at_s = :expires",
            "ExpressionAttributeValues": {
                ":me": item["attempt_id"],
                ":answer": item["answer"],
                ":expires": item["expires_at_s"],
            },
        }
        try:
            await self._write("UpdateItem", update)
        except ConditionFailed:
            return False
        return True

    async def free(self, record: IdempotencyRecord) -> None:
        delete = {
            "Key": {"scope": to_attribute(record.scope)},
            "ConditionExpression": f"attempt_id = :me AND {UNFINISHED}",
            "ExpressionAttributeValues": {":me": to_attribute(record.attempt_id)},
        }
        try:
            await self._write("DeleteItem", delete)
        except ConditionFailed:
            # It is gone already, or somebody else's by now: either way it is no longer this attempt's to free.
            return

    async def _write(self, operation: str, payload: Mapping[str, Any]) -> None:
        addressed = {"TableName": self._table, **payload}
        try:
            await repeated(partial(self._aws.call, "dynamodb", operation, addressed), tries=TRIES, ambiguous=True)
        except ConditionFailed:
            raise
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error


def _item(record: IdempotencyRecord) -> Item:
    answer = record.answer
    return to_item(
        {
            "scope": record.scope,
            "schema_version": SCHEMA_VERSION,
            "fingerprint": record.fingerprint,
            "attempt_id": record.attempt_id,
            "claimed_at_s": record.claimed_at_s,
            "lease_until_s": record.lease_until_s,
            "expires_at_s": record.expires_at_s,
            "answer": answer
            and {"status": answer.status, "headers": answer.headers, "object_name": answer.object_name},
        }
    )


def _record(item: Item) -> IdempotencyRecord:
    stands = from_item(item)
    answer = stands.get("answer")
    return IdempotencyRecord(
        scope=stands["scope"],
        fingerprint=stands["fingerprint"],
        attempt_id=stands["attempt_id"],
        claimed_at_s=stands["claimed_at_s"],
        lease_until_s=stands["lease_until_s"],
        expires_at_s=stands["expires_at_s"],
        answer=KeptAnswer(**answer) if answer else None,
    )
