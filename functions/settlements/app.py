"""Ends the holds whose settlement was queued; one that cannot be ended now stays in the queue."""

from typing import Any

from gateway.wiring.managed import managed
from gateway.wiring.money import settle


async def settle_held(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Settles a batch of the queue's messages; returns those that must come again."""
    return await settle(event)


handler = managed(settle_held)
