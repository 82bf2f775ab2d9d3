"""Runs on a schedule: adds entries of the ledger to the sums that reports of usage read."""

from __future__ import annotations

import logging
from typing import Any

from msgspec.structs import asdict

from gateway.wiring.managed import managed
from gateway.wiring.usage import sum_up

log = logging.getLogger(__name__)


async def sum_up_once(_event: object, _context: object) -> dict[str, Any]:
    """Sums up the usage of active accounts; fails where that of some could not be, so that the alarm tells."""
    report = await sum_up()
    log.info("summed up", extra=asdict(report))
    if report.failed:
        raise RuntimeError(f"the usage of {report.failed} accounts was not summed up; the next run tries again")
    return asdict(report)


handler = managed(sum_up_once)
