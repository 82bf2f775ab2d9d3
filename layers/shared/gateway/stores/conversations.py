"""Conversations in the Responses table: one item per account and conversation, whose ids no stored response has.

What is said in a conversation is never stored here, as for responses. `expires_at_s` is the table's TTL attribute, and
checked at each read too, since DynamoDB may take days to delete.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import convert
from msgspec.structs import asdict

from gateway.ports.conversations import Conversation
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import AwsApi, ConditionFailed, Item
from gateway.stores.aws.table import Table

SCHEMA_VERSION = 1
# Begins the sort key of a conversation, and of nothing else in the table.
PREFIX = "conv_"


class DynamoConversationRecords:
    """`ConversationRecords` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._table = Table(aws, table)

    async def put(self, record: Conversation, *, instead_of: Conversation | None) -> bool:
        return await self._table.put(_item(record), _standing(instead_of))

    async def get(self, account_id: str, conversation_id: str, now_s: float) -> Conversation | None:
        record = await self._read(account_id, conversation_id)
        return None if record is None or record.expires_at_s <= now_s else record

    async def page(self, account_id: str, now_s: float, *, limit: int, before: str | None) -> Sequence[Conversation]:
        query: dict[str, Any] = {
            "KeyConditionExpression": "account_id = :account AND begins_with(response_id, :prefix)",
            "FilterExpression": "expires_at_s > :now",
            "ExpressionAttributeValues": to_item({":account": account_id, ":prefix": PREFIX, ":now": int(now_s)}),
            "Limit": limit,
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        if before is not None:
            query["ExclusiveStartKey"] = _key(account_id, before)
        return [_record(item) async for item in self._table.every("Query", query, limit)]

    async def delete(self, record: Conversation) -> bool:
        key = _key(record.account_id, record.conversation_id)
        gone = "attribute_not_exists(account_id) OR revision = :revision"
        condition = {
            "ConditionExpression": gone,
            "ExpressionAttributeValues": to_item({":revision": record.revision}),
        }
        try:
            await self._table.call("DeleteItem", {"Key": key, **condition})
        except ConditionFailed:
            return False
        return True

    async def _read(self, account_id: str, conversation_id: str) -> Conversation | None:
        key = _key(account_id, conversation_id)
        answer = await self._table.call("GetItem", {"Key": key, "ConsistentRead": True})
        return _record(answer["Item"]) if "Item" in answer else None


def _key(account_id: str, conversation_id: str) -> Item:
    return to_item({"account_id": account_id, "response_id": conversation_id})


def _standing(instead_of: Conversation | None) -> dict[str, Any]:
    if instead_of is None:
        return {"ConditionExpression": "attribute_not_exists(account_id)"}
    return {
        "ConditionExpression": "revision = :revision",
        "ExpressionAttributeValues": to_item({":revision": instead_of.revision}),
    }


def _item(record: Conversation) -> Item:
    values = asdict(record)
    return to_item({**values, "response_id": values.pop("conversation_id"), "schema_version": SCHEMA_VERSION})


def _record(item: Item) -> Conversation:
    stands = from_item(item)
    return convert({**stands, "conversation_id": stands["response_id"]}, Conversation)
