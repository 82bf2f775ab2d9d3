"""Changes jobs by compare-and-set on their version; an edit that lost the race is applied again to the new state."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from gateway.canonical.jobs import Job, JobError, JobStatus, Phase
from gateway.errors import NotFound, ServiceUnavailable
from gateway.ports.clock import Clock
from gateway.ports.jobs import Jobs

# So many races in a row mean a fault.
TRIES = 12

Edit = Callable[[Job], Job]


class JobWriter:
    """Changes one job at a time, safely with concurrent writers."""

    def __init__(self, jobs: Jobs, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock

    async def change(self, job: Job, edit: Edit) -> Job:
        """Applies `edit` to the stored job and returns the result; `edit` returns the job unchanged to leave it.

        Raises `NotFound` for a deleted job.
        """
        standing: Job | None = job
        for _ in range(TRIES):
            if standing is None:
                raise NotFound("The job is gone.", code="job_not_found")
            edited = edit(standing)
            if edited == standing:
                return standing
            # Events after the end, such as a webhook delivery, do not change the time of the end.
            at_s = standing.updated_at_s if standing.status.terminal else int(self._clock.now_s())
            written = await self._jobs.put(replace(edited, updated_at_s=at_s))
            if written is not None:
                return written
            standing = await self._jobs.get(job.job_id)
        raise ServiceUnavailable("The job is being changed by others; try again.")

    async def decide(self, job: Job, verdict: JobStatus, error: JobError | None = None) -> Job:
        """Decides the job's end; a job that was decided before keeps its first verdict."""
        decided, _ = await self.decide_first(job, verdict, error)
        return decided

    async def decide_first(self, job: Job, verdict: JobStatus, error: JobError | None = None) -> tuple[Job, bool]:
        """Decides the job's end as `decide` does, and tells whether it was this call that did."""
        is_first = False

        def decided(standing: Job) -> Job:
            nonlocal is_first
            is_first = not standing.decided
            return replace(standing, verdict=verdict, error=error, phase=Phase.SETTLE) if is_first else standing

        return await self.change(job, decided), is_first
