"""Documents of webhooks for their owner."""

from __future__ import annotations

from typing import Any

from gateway.accounts.pages import Page, iso_utc, page_of
from gateway.ports.webhooks import Delivery, WebhookRecords, WebhookSecrets


def secrets_view(secrets: WebhookSecrets, now_s: float) -> dict[str, Any]:
    """The current secret; after a rotation, also the end of the previous one's validity."""
    overlaps = len(secrets.good(now_s)) > 1
    return {
        "object": "webhook_secret",
        "secret": secrets.current,
        "previous_valid_until": iso_utc(secrets.previous_until_s) if overlaps else None,
    }


def delivery_view(delivery: Delivery) -> dict[str, Any]:
    """The document of one delivery try."""
    return {
        "object": "webhook_delivery",
        "id": delivery.delivery_id,
        "job_id": delivery.job_id or None,
        "message_id": delivery.message_id,
        "type": delivery.event_type,
        "url": delivery.url,
        "attempt": delivery.number,
        "delivered": delivery.delivered,
        "status_code": delivery.status,
        "error": delivery.error,
        "created_at": iso_utc(delivery.at_s),
        "next_attempt_at": None if delivery.next_at_s is None else iso_utc(delivery.next_at_s),
    }


async def deliveries_page(records: WebhookRecords, account_id: str, limit: int, cursor: str | None) -> Page[Delivery]:
    """A page of the account's deliveries, newest first."""
    found = await records.deliveries(account_id, limit=limit + 1, before=cursor)
    return page_of(found, limit, lambda delivery: delivery.delivery_id)
