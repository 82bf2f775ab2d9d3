"""Ends the holds whose end had to wait on the queue; what cannot be ended now stays there."""

import asyncio
from typing import Any

from gateway.bootstrap import control_services
from gateway.stores.deferred_sqs import settle_batch

# One loop for the life of the process, since kept connections belong to it.
RUNNER = asyncio.Runner()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A batch of the queue's messages; answers those that are to come again."""
    services = control_services()
    return RUNNER.run(settle_batch(services.money, services.clock, event))
