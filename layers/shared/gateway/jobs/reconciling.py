"""Finds what has lost its execution: a job that is due and has not ended starts anew, under the next run.

A job that died while it was being opened was never told to anybody: it goes, and its hold with it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from gateway.canonical.jobs import Job, Phase
from gateway.errors import GatewayError
from gateway.job_ports import Executions, Jobs
from gateway.ports import Clock

log = logging.getLogger(__name__)

# What a started execution may take to reach its first step.
START_S = 60
BATCH_MAX = 200


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one look found: jobs started anew, jobs that were never opened, and jobs that could not be helped now."""

    restarted: int = 0
    withdrawn: int = 0
    left: int = 0


class Reconciler:
    """One look at the jobs that are due. `withdraw` undoes a job that was never opened."""

    def __init__(
        self, jobs: Jobs, executions: Executions, withdraw: Callable[[Job], Awaitable[None]], clock: Clock
    ) -> None:
        self._jobs = jobs
        self._executions = executions
        self._withdraw = withdraw
        self._clock = clock

    async def look(self) -> Reconciled:
        """Helps as many as one look may; what is left is the next one's."""
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
        # Whoever raises the run starts it: two looks at once start one execution.
        anew = await self._jobs.put(replace(job, run=job.run + 1, phase=phase, due_s=due_s, token=None))
        if anew is None:
            return found
        await self._executions.start(anew.kind, anew.job_id, anew.run)
        # What still runs would find that it is no longer meant; where it cannot be stopped now, it does.
        await self._executions.stop(job.kind, job.job_id, job.run)
        return replace(found, restarted=found.restarted + 1)
