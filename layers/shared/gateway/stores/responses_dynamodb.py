"""The Responses table: one small item per account and stored response, which says where its content is.

The content is never here: point-in-time recovery would keep it for weeks after its deletion. `expires_at_s` is the
table's TTL attribute, and checked at each read too, since DynamoDB may take days to delete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from gateway.errors import ServiceUnavailable
from gateway.ports import ResponseRecord
from gateway.stores.attributes import from_item, to_item
from gateway.stores.aws import STORE_DOWN, AwsApi, AwsError, Item, repeated

TRIES = 5
SCHEMA_VERSION = 1


class DynamoResponseRecords:
    """`ResponseRecords` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._aws = aws
        self._table = table

    async def put(self, record: ResponseRecord) -> None:
        await self._call("PutItem", {"Item": to_item({**asdict(record), "schema_version": SCHEMA_VERSION})})

    async def get(self, account_id: str, response_id: str, now_s: float) -> ResponseRecord | None:
        answer = await self._call("GetItem", {"Key": _key(account_id, response_id), "ConsistentRead": True})
        if "Item" not in answer:
            return None
        stands = from_item(answer["Item"])
        record = ResponseRecord(**{name: stands[name] for name in ResponseRecord.__dataclass_fields__})
        return record if record.expires_at_s > now_s else None

    async def delete(self, record: ResponseRecord) -> None:
        await self._call("DeleteItem", {"Key": _key(record.account_id, record.response_id)})

    async def _call(self, operation: str, payload: Mapping[str, Any]) -> Item:
        addressed = {"TableName": self._table, **payload}
        attempt = partial(self._aws.call, "dynamodb", operation, addressed)
        try:
            return await repeated(attempt, tries=TRIES, ambiguous=True)
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error


def _key(account_id: str, response_id: str) -> Item:
    return to_item({"account_id": account_id, "response_id": response_id})
