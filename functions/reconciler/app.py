"""Runs the reconciler on a schedule: restarts jobs that lost their execution. The clock is the machine's, not the
event's.
"""

import logging
from typing import Any

from msgspec.structs import asdict

from gateway.logs.metrics import Metric, measure
from gateway.wiring.jobs import reconciler
from gateway.wiring.managed import managed

log = logging.getLogger(__name__)


async def reconcile_once(_event: object, _context: object) -> dict[str, Any]:
    """Reconciles once; a job that cannot be helped now is left to the next pass."""
    found = await reconciler().run()
    measure({Metric.JOBS_RECONCILED: found.restarted + found.withdrawn, Metric.JOBS_LEFT: found.left})
    log.info("reconciled", extra=asdict(found))
    return asdict(found)


handler = managed(reconcile_once)
