"""Every change of a job is one compare-and-set on its version: a step that was overtaken thinks again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.canonical.jobs import Job, JobError, JobStatus, Phase
from gateway.errors import NotFound, ServiceUnavailable
from gateway.job_ports import Jobs
from gateway.ports import Clock

# Another write came between so often only where something is wrong.
TRIES = 12

Edit = Callable[[Job], Job]


class JobWriter:
    """Changes jobs one at a time, whoever else does."""

    def __init__(self, jobs: Jobs, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock

    async def change(self, job: Job, edit: Edit) -> Job:
        """The job after `edit`, which is given the job as it stands and answers it unchanged to leave it.

        Raises `NotFound` for a job that is gone.
        """
        standing: Job | None = job
        for _ in range(TRIES):
            if standing is None:
                raise NotFound("The job is gone.", code="job_not_found")
            wanted = edit(standing)
            if wanted == standing:
                return standing
            # What happens after its end, such as telling its webhook, does not change when a job ended.
            at_s = standing.updated_at_s if standing.status.terminal else int(self._clock.now_s())
            written = await self._jobs.put(replace(wanted, updated_at_s=at_s))
            if written is not None:
                return written
            standing = await self._jobs.get(job.job_id)
        raise ServiceUnavailable("The job is being changed by others; try again.")

    async def decide(self, job: Job, verdict: JobStatus, error: JobError | None = None) -> Job:
        """The job with its verdict; one that was decided before keeps the first."""

        def decided(standing: Job) -> Job:
            if standing.decided:
                return standing
            return replace(standing, verdict=verdict, error=error, phase=Phase.SETTLE)

        return await self.change(job, decided)
