"""The Idempotency table: one item per scope, changed by conditional writes only, each naming its attempt.

An item without `answer` is a running attempt. `expires_at_s` is the table's TTL attribute, and checked at each claim
too, since DynamoDB may take days to delete. A body is never stored here: point-in-time recovery would keep it for
weeks.
"""

from __future__ import annotations

from gateway.errors import ServiceUnavailable
from gateway.ports.idempotency import IdempotencyRecord, StoredAnswer
from gateway.stores.aws.attributes import from_item, to_attribute, to_item
from gateway.stores.aws.client import STORE_DOWN, AwsApi, ConditionFailed, Item
from gateway.stores.aws.table import Table

SCHEMA_VERSION = 1
UNFINISHED = "attribute_not_exists(answer)"
# No item, an expired one, or one of this very attempt, whose first write had an unknown result.
CLAIMABLE = f"attribute_not_exists(#scope) OR expires_at_s <= :now OR (attempt_id IN (:me, :after) AND {UNFINISHED})"


class DynamoIdempotencyRecords:
    """`IdempotencyRecords` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._table = Table(aws, table)

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
            await self._table.call("PutItem", put)
        except ConditionFailed as failed:
            if failed.item is None:
                # The record was freed between the refusal and its answer; the caller retries as after any contention.
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
            await self._table.call("UpdateItem", update)
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
            await self._table.call("DeleteItem", delete)
        except ConditionFailed:
            # The item is gone, or belongs to another attempt by now; there is nothing to free.
            return


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
        answer=StoredAnswer(**answer) if answer else None,
    )
