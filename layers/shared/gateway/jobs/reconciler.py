"""Finds jobs that have lost their execution: a due job that has not ended is restarted under the next run.

A job that died while it was being opened was never answered to a caller; it is withdrawn with its hold.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.jobs import Job, Phase
from gateway.errors import GatewayError
from gateway.ports.clock import Clock
from gateway.ports.jobs import Executions, Jobs

log = logging.getLogger(__name__)

# Seconds that a started execution may take to reach its first step.
START_S = 60
BATCH_MAX = 200


class Reconciled(Struct, frozen=True):
    """The result of one pass: jobs restarted, jobs withdrawn, and jobs left for a later pass."""

    restarted: int = 0
    withdrawn: int = 0
    left: int = 0


class Reconciler:
    """Runs over the due jobs. `withdraw` undoes a job that was never opened."""

    def __init__(
        self, jobs: Jobs, executions: Executions, withdraw: Callable[[Job], Awaitable[None]], clock: Clock
    ) -> None:
        self._jobs = jobs
        self._executions = executions
        self._withdraw = withdraw
        self._clock = clock

    async def run(self) -> Reconciled:
        """Handles up to `BATCH_MAX` due jobs; the next pass handles the others."""
        found = Reconciled()
        seen = 0
        async for job in self._jobs.due(self._clock.now_s()):
            seen += 1
            try:
                found = await self._help(job, found)
            except GatewayError:
                log.exception("%s could not be helped", job.job_id)
                found = replace(found, left=found.left + 1)
            if seen >= BATCH_MAX:
                break
        return found

    async def _help(self, job: Job, found: Reconciled) -> Reconciled:
        if job.phase is Phase.OPENING:
            await self._withdraw(job)
            return replace(found, withdrawn=found.withdrawn + 1)
        phase = Phase.AWAIT if job.phase is Phase.LATE else job.phase
        due_s = int(self._clock.now_s()) + START_S
        # Raising the run is a compare-and-set, so two passes at once start one execution.
        restarted = await self._jobs.put(replace(job, run=job.run + 1, phase=phase, due_s=due_s, token=None))
        if restarted is None:
            return found
        await self._executions.start(restarted.kind, restarted.job_id, restarted.run)
        # A step of the old execution sees that its run is outdated, so a failure to stop it does no harm.
        await self._executions.stop(job.kind, job.job_id, job.run)
        return replace(found, restarted=found.restarted + 1)
