"""Tells webhooks what waits in the queue; what is not taken comes again, later and later."""

import asyncio
from typing import Any

from gateway.job_services import tell_batch

# One loop for the life of the process, since kept connections belong to it.
RUNNER = asyncio.Runner()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A batch of the queue's messages; answers those that are to come again."""
    return RUNNER.run(tell_batch(event))
