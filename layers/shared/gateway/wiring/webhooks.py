"""Builds accounts' webhook secrets and the log of deliveries."""

from __future__ import annotations

from functools import cache

from gateway.stores.webhooks import DynamoWebhookRecords
from gateway.wiring.process import process


@cache
def webhook_records() -> DynamoWebhookRecords:
    """Accounts' webhook secrets, and the log of deliveries."""
    on = process()
    return DynamoWebhookRecords(on.aws, on.settings.webhooks_table)
