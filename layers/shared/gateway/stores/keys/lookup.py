"""The Keys table: one item per key, under the SHA-256 of its text. The key itself is never stored."""

from __future__ import annotations

from functools import partial
from typing import Any

from gateway.errors import ServiceUnavailable
from gateway.ports.clock import Clock
from gateway.ports.keys import OFF, KeyRecord
from gateway.stores.aws.attributes import from_item
from gateway.stores.aws.client import STORE_DOWN, AwsApi, AwsError, repeated
from gateway.stores.cached import Cached

AGE_S_MAX = 5.0


class DynamoKeys:
    """Keys by hash, read consistently and cached for as long as the contract lets a revoked key work."""

    def __init__(self, aws: AwsApi, clock: Clock, table: str) -> None:
        self._aws = aws
        self._table = table
        self._remembered: Cached[KeyRecord | None] = Cached(clock, ttl_s=AGE_S_MAX)

    async def find(self, key_hash: str) -> KeyRecord | None:
        """The key as of at most five seconds ago, or `None`."""
        return await self._remembered.get(key_hash, partial(self._read, key_hash))

    async def _read(self, key_hash: str) -> KeyRecord | None:
        question = {"TableName": self._table, "Key": {"key_hash": {"S": key_hash}}, "ConsistentRead": True}
        try:
            answer = await repeated(lambda: self._aws.call("dynamodb", "GetItem", question), tries=3, ambiguous=True)
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error
        return record(from_item(answer["Item"])) if "Item" in answer else None


def record(item: dict[str, Any]) -> KeyRecord:
    """The key of a stored item."""
    return KeyRecord(
        key_id=item["key_id"],
        account_id=item["account_id"],
        name=item["name"],
        last4=item["last4"],
        created_at_s=item["created_at_s"],
        disabled=item.get("disabled", False),
        revoked=item.get("revoked", False),
        expires_at_s=item.get("key_expires_at"),
        rpm_limit=item.get("rpm_limit"),
        tpm_limit=item.get("tpm_limit"),
        max_parallel=item.get("max_parallel"),
        allowed_ips=tuple(item.get("allowed_ips", ())),
        allowed_models=tuple(item.get("allowed_models", ())),
        monthly_spend_cap_nanousd=item.get("monthly_spend_cap_nano"),
        region_policy=item.get("region_policy", "any"),
        alert_webhook_url=item.get("alert_webhook_url"),
        can_manage_keys=item.get("can_manage_keys", False),
        user_rpm_limit=item.get("user_rpm_limit"),
        parent_key_id=item.get("parent_key_id"),
        has_provider_keys=item.get("has_provider_keys", False),
        user_id=item.get("user_id"),
        org_id=item.get("org_id"),
        seat=item.get("seat"),
        seat_cap_nanousd=item.get("seat_cap_nano"),
        cache=item.get("cache", OFF),
        cache_threshold_thousandths=item.get("cache_threshold_thousandths"),
    )
