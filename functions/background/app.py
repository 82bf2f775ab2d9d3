"""Runs background responses, as their state machine requests."""

import time
from typing import Any

from gateway.wiring.background import background_run
from gateway.wiring.following import look
from gateway.wiring.managed import managed


async def run_on(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Runs the response of `{job_id, run}`; ends it before the function's own time does."""
    deadline_s = time.time_ns() / 1e9 + context.get_remaining_time_in_millis() / 1000
    looking = look()
    if looking is not None:
        await looking
    return await background_run().run(event, deadline_s)


handler = managed(run_on)
