"""The steps of jobs, as their state machines call them. A step that raises is tried again by the error's name."""

import asyncio
from typing import Any

from gateway.job_services import media_steps

# One loop for the life of the process, since kept connections belong to it.
RUNNER = asyncio.Runner()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{step, job_id, run}`, and for a wait its `token`; which step is next."""
    return RUNNER.run(media_steps().run(event))
