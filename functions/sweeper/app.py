"""The scheduled sweeper: ends the holds whose deadline is over. Its clock is the machine's, never the event's."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from typing import Any

from gateway.bootstrap import control_services
from gateway.stores.money_sweep import Swept, sweep

# One event loop for the life of the process, as kept connections belong to it.
RUNNER = asyncio.Runner()
log = logging.getLogger()
log.setLevel(logging.INFO)


def handler(_event: object, _context: object) -> dict[str, Any]:
    """What was found and how it ended; an overdue hold that could not be ended is the next sweep's."""
    swept = asdict(RUNNER.run(_sweep()))
    log.info("swept", extra=swept)
    return swept


async def _sweep() -> Swept:
    services = control_services()
    return await sweep(services.money, services.clock.now_s())
