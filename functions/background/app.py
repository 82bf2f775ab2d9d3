"""Runs a response on after its caller has left, as its state machine asks."""

import asyncio
import time
from typing import Any

from gateway.background_services import background_run

# One loop for the life of the process, since kept connections belong to it.
RUNNER = asyncio.Runner()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{job_id, run}`; the run ends, or is cut short, before the function's own time does."""
    deadline_s = time.time_ns() / 1e9 + context.get_remaining_time_in_millis() / 1000
    return RUNNER.run(background_run().run(event, deadline_s))
