"""The Webhooks table: an account's secrets and its deliveries, by time. `expires_at_s` is the table's TTL attribute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import asdict

from gateway.ports.webhooks import Delivery, WebhookSecrets
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import AwsApi, ConditionFailed, Item
from gateway.stores.aws.table import Table

SCHEMA_VERSION = 1
SECRETS = "secrets"
DELIVERY = "delivery#"
ALERT = "alert#"
KEEP_S = 30 * 24 * 3600
# Longer than a month of the calendar.
TOLD_S = 62 * 24 * 3600


class DynamoWebhookRecords:
    """`WebhookRecords` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._table = Table(aws, table)

    async def secrets(self, account_id: str) -> WebhookSecrets | None:
        answer = await self._table.call("GetItem", {"Key": _key(account_id, SECRETS), "ConsistentRead": True})
        if "Item" not in answer:
            return None
        stands = from_item(answer["Item"])
        return WebhookSecrets(**{name: stands[name] for name in WebhookSecrets.__struct_fields__ if name in stands})

    async def put_secrets(self, secrets: WebhookSecrets, *, instead_of: str | None) -> bool:
        item = to_item({**asdict(secrets), "sk": SECRETS, "schema_version": SCHEMA_VERSION})
        put: dict[str, Any] = {"Item": item, "ConditionExpression": "attribute_not_exists(sk)"}
        if instead_of is not None:
            put["ConditionExpression"] = "#current = :before"
            put["ExpressionAttributeNames"] = {"#current": "current"}
            put["ExpressionAttributeValues"] = to_item({":before": instead_of})
        try:
            await self._table.call("PutItem", put)
        except ConditionFailed:
            # A first try without an answer may have been applied; then the stored secrets are these.
            return await self.secrets(secrets.account_id) == secrets
        return True

    async def told(self, account_id: str, alert_id: str) -> bool:
        return "Item" in await self._table.call(
            "GetItem", {"Key": _key(account_id, ALERT + alert_id), "ConsistentRead": True}
        )

    async def note_told(self, account_id: str, alert_id: str, now_s: float) -> None:
        note = {"account_id": account_id, "sk": ALERT + alert_id, "expires_at_s": int(now_s) + TOLD_S}
        await self._table.call("PutItem", {"Item": to_item({**note, "schema_version": SCHEMA_VERSION})})

    async def log(self, delivery: Delivery) -> None:
        document = {**asdict(delivery), "sk": DELIVERY + delivery.delivery_id, "expires_at_s": delivery.at_s + KEEP_S}
        await self._table.call("PutItem", {"Item": to_item({**document, "schema_version": SCHEMA_VERSION})})

    async def deliveries(self, account_id: str, *, limit: int, before: str | None = None) -> Sequence[Delivery]:
        query = {
            "KeyConditionExpression": "account_id = :account AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": to_item(
                # "#" sorts below every character of an id and "$" follows it, so the bound itself is never a row.
                {":account": account_id, ":first": DELIVERY, ":last": DELIVERY + before if before else "delivery$"}
            ),
            "ScanIndexForward": False,
            "Limit": limit + 1,
        }
        answer = await self._table.call("Query", query)
        found = [_delivery(from_item(item)) for item in answer["Items"]]
        return [one for one in found if one.delivery_id != before][:limit]


def _delivery(stands: Mapping[str, Any]) -> Delivery:
    return Delivery(**{name: stands[name] for name in Delivery.__struct_fields__ if name in stands})


def _key(account_id: str, sort: str) -> Item:
    return to_item({"account_id": account_id, "sk": sort})
