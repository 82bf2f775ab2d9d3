"""The Files table: one item per account and uploaded file, whose bytes are in the media bucket.

`expires_at_s` is the table's TTL attribute, and checked at each read too, since DynamoDB may take days to delete.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from gateway.ports.files import FileRecord
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import AwsApi, Item
from gateway.stores.aws.table import Table

SCHEMA_VERSION = 1


class DynamoFileRecords:
    """`FileRecords` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._table = Table(aws, table)

    async def put(self, record: FileRecord) -> None:
        await self._table.call("PutItem", {"Item": to_item({**asdict(record), "schema_version": SCHEMA_VERSION})})

    async def get(self, account_id: str, file_id: str, now_s: float) -> FileRecord | None:
        answer = await self._table.call("GetItem", {"Key": _key(account_id, file_id), "ConsistentRead": True})
        if "Item" not in answer:
            return None
        record = _record(answer["Item"])
        return record if record.expires_at_s > now_s else None

    async def page(
        self, account_id: str, now_s: float, *, limit: int, after: str | None, oldest_first: bool, purpose: str | None
    ) -> Sequence[FileRecord]:
        query = _query(account_id, now_s, oldest_first=oldest_first, purpose=purpose)
        if after is not None:
            query["ExclusiveStartKey"] = _key(account_id, after)
        return [_record(item) async for item in self._table.every("Query", query, limit)]

    async def delete(self, account_id: str, file_id: str) -> None:
        await self._table.call("DeleteItem", {"Key": _key(account_id, file_id)})


def _query(account_id: str, now_s: float, *, oldest_first: bool, purpose: str | None) -> dict[str, Any]:
    values: dict[str, Any] = {":account": account_id, ":now": int(now_s)}
    kept = "expires_at_s > :now"
    if purpose is not None:
        values[":purpose"] = purpose
        kept += " AND purpose = :purpose"
    return {
        "KeyConditionExpression": "account_id = :account",
        "FilterExpression": kept,
        "ExpressionAttributeValues": to_item(values),
        "ScanIndexForward": oldest_first,
        "ConsistentRead": True,
    }


def _key(account_id: str, file_id: str) -> Item:
    return to_item({"account_id": account_id, "file_id": file_id})


def _record(item: Item) -> FileRecord:
    stands = from_item(item)
    return FileRecord(**{name: stands[name] for name in FileRecord.__struct_fields__})
