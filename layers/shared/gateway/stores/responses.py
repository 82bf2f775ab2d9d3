"""The Responses table: one small item per account and stored response, with the name of its content's object.

The content is never stored here: point-in-time recovery would keep it for weeks after its deletion. `expires_at_s` is
the table's TTL attribute, and checked at each read too, since DynamoDB may take days to delete.
"""

from __future__ import annotations

from msgspec.structs import asdict

from gateway.ports.responses import ResponseRecord
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import AwsApi, Item
from gateway.stores.aws.table import Table

SCHEMA_VERSION = 1


class DynamoResponseRecords:
    """`ResponseRecords` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._table = Table(aws, table)

    async def put(self, record: ResponseRecord) -> None:
        await self._table.call("PutItem", {"Item": to_item({**asdict(record), "schema_version": SCHEMA_VERSION})})

    async def get(self, account_id: str, response_id: str, now_s: float) -> ResponseRecord | None:
        answer = await self._table.call("GetItem", {"Key": _key(account_id, response_id), "ConsistentRead": True})
        if "Item" not in answer:
            return None
        stands = from_item(answer["Item"])
        record = ResponseRecord(**{name: stands[name] for name in ResponseRecord.__struct_fields__})
        return record if record.expires_at_s > now_s else None

    async def delete(self, record: ResponseRecord) -> None:
        await self._table.call("DeleteItem", {"Key": _key(record.account_id, record.response_id)})


def _key(account_id: str, response_id: str) -> Item:
    return to_item({"account_id": account_id, "response_id": response_id})
