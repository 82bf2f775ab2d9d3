"""The ProviderKeys table: an account's own keys of providers, sealed, one item for each provider."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from gateway.accounts.refusals import no_provider_key, provider_key_changed, provider_key_exists
from gateway.ports.provider_keys import Envelope, ProviderKey
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import AwsApi, ConditionFailed, Item
from gateway.stores.aws.table import Table

SCHEMA_VERSION = 1


class DynamoProviderKeys:
    """`ProviderKeyStore` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._table = Table(aws, table)

    async def all(self, account_id: str) -> Sequence[ProviderKey]:
        query: dict[str, Any] = {
            "KeyConditionExpression": "account_id = :account",
            "ExpressionAttributeValues": to_item({":account": account_id}),
            "ConsistentRead": True,
        }
        return [_record(from_item(item)) async for item in self._table.every("Query", query)]

    async def add(self, key: ProviderKey) -> None:
        put = {"Item": _item(key), "ConditionExpression": "attribute_not_exists(provider)"}
        try:
            await self._table.call("PutItem", put)
        except ConditionFailed as stands:
            # A first try without an answer may have been applied; then the stored key is this one.
            if await self._standing(key) == _stored(key):
                return
            raise provider_key_exists(key.provider) from stands

    async def put(self, key: ProviderKey, *, instead_of: ProviderKey) -> None:
        put = {
            "Item": _item(key),
            "ConditionExpression": "key_id = :id AND version = :version",
            "ExpressionAttributeValues": to_item({":id": instead_of.key_id, ":version": instead_of.version}),
        }
        try:
            await self._table.call("PutItem", put)
        except ConditionFailed as moved:
            found = await self._standing(key)
            if found == _stored(key):
                return
            if found is None:
                raise no_provider_key(key.key_id) from moved
            raise provider_key_changed() from moved

    async def remove(self, key: ProviderKey) -> None:
        delete = {
            "Key": to_item({"account_id": key.account_id, "provider": key.provider}),
            "ConditionExpression": "attribute_not_exists(provider) OR key_id = :id",
            "ExpressionAttributeValues": to_item({":id": key.key_id}),
        }
        try:
            await self._table.call("DeleteItem", delete)
        except ConditionFailed:
            return  # Another key stands there by now.

    async def _standing(self, key: ProviderKey) -> ProviderKey | None:
        return next((one for one in await self.all(key.account_id) if one.provider == key.provider), None)


def _stored(key: ProviderKey) -> ProviderKey:
    """The key as a read of its item has it."""
    return _record(from_item(_item(key)))


def _item(key: ProviderKey) -> Item:
    plain = {name: value for name, value in asdict(key).items() if name != "envelope"}
    sealed = {"wrapped_key": key.envelope.wrapped_key, "sealed": key.envelope.text}
    return to_item({**plain, **sealed, "schema_version": SCHEMA_VERSION})


def _record(item: dict[str, Any]) -> ProviderKey:
    envelope = Envelope(item["wrapped_key"], item["sealed"])
    known = {name: item[name] for name in ProviderKey.__struct_fields__ if name in item}
    return ProviderKey(envelope=envelope, **known)
