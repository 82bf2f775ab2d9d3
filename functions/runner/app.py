"""Runs agents and tasks, as their state machine requests."""

import time
from typing import Any

from gateway.wiring.following import look
from gateway.wiring.managed import managed
from gateway.wiring.runner import engine


async def run_on(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Goes on with the run of `{job_id, run}`; hands it over before the function's own time ends."""
    deadline_s = time.time_ns() / 1e9 + context.get_remaining_time_in_millis() / 1000
    looking = look()
    if looking is not None:
        await looking
    return await engine().run(event, deadline_s)


handler = managed(run_on)
