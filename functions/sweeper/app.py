"""Runs the sweeper on a schedule: ends the holds past their deadline, and dead sessions.

Its clock is the machine's, not the event's.
"""

from __future__ import annotations

import logging
from typing import Any

from msgspec.structs import asdict

from gateway.logs.metrics import Metric, measure
from gateway.wiring.managed import managed
from gateway.wiring.sweeping import clear_sessions, sweep

log = logging.getLogger(__name__)


async def sweep_once(_event: object, _context: object) -> dict[str, Any]:
    """Sweeps once and reports the ends; a hold that could not be ended is left to the next sweep."""
    # The holds first: they are not to wait for what sessions are stored in.
    swept = await sweep()
    measure({Metric.HOLDS_SWEPT: swept.released + swept.charged, Metric.HOLDS_LEFT: swept.left})
    sessions = await clear_sessions()
    told = {**asdict(swept), "sessions": sessions}
    log.info("swept", extra=told)
    return told


handler = managed(sweep_once)
