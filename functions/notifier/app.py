"""Delivers the queue's webhook notices; a failed one comes again, after growing pauses."""

from typing import Any

from gateway.wiring.managed import managed
from gateway.wiring.notices import deliver_batch


async def deliver_webhooks(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Delivers a batch of the queue's messages; returns those that must come again."""
    return await deliver_batch(event)


handler = managed(deliver_webhooks)
