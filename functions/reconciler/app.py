"""The scheduled reconciler: starts anew what has lost its execution. Its clock is the machine's, never the event's."""

import asyncio
import logging
from dataclasses import asdict
from typing import Any

from gateway.job_services import reconciler

# One loop for the life of the process, since kept connections belong to it.
RUNNER = asyncio.Runner()
log = logging.getLogger()
log.setLevel(logging.INFO)


def handler(_event: object, _context: object) -> dict[str, Any]:
    """What was found; a job that could not be helped now is the next look's."""
    found = asdict(RUNNER.run(reconciler().look()))
    log.info("reconciled", extra=found)
    return found
