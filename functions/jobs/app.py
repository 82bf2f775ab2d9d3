"""Runs the steps of jobs for their state machines, which retry a failed step by the error's name."""

from typing import Any

from gateway.wiring.managed import managed
from gateway.wiring.media_steps import media_steps


async def take_step(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Runs the step of `{step, job_id, run}` and, for a wait, `token`; returns the next step."""
    return await media_steps().run(event)


handler = managed(take_step)
