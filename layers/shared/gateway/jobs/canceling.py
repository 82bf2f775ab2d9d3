"""A customer's cancellation: a verdict like any other, and so too late where another one came first.

The hold is released at once. The provider is asked to stop by the job's own execution, which is woken for it.
"""

from __future__ import annotations

import logging
from typing import Protocol

from gateway.canonical.jobs import Job, JobStatus
from gateway.errors import Conflict, ServiceUnavailable
from gateway.job_ports import Executions
from gateway.jobs.changing import JobWriter

log = logging.getLogger(__name__)

TOO_LATE = "The job has ended, or is about to; it cannot be canceled any more."


class Closes(Protocol):
    """What ends a decided job's money and makes its status terminal."""

    async def close(self, job: Job) -> Job: ...


class Canceling:
    """Cancels jobs."""

    def __init__(self, writer: JobWriter, closing: Closes, executions: Executions) -> None:
        self._writer = writer
        self._closing = closing
        self._executions = executions

    async def cancel(self, job: Job) -> Job:
        """The canceled job, a repeat too; raises `Conflict` for one that ends otherwise."""
        decided = await self._writer.decide(job, JobStatus.CANCELED)
        if decided.verdict is not JobStatus.CANCELED:
            raise Conflict(TOO_LATE, code="job_not_cancelable", should_retry=False)
        closed = await self._closing.close(decided)
        await self._wake(decided)
        return closed

    async def _wake(self, job: Job) -> None:
        """Where that fails, the wait ends by itself a little later."""
        if job.token is None:
            return
        try:
            await self._executions.wake(
                job.token, {"job_id": job.job_id, "run": job.run, "next": "settle", "wait_s": 1}
            )
        except ServiceUnavailable:
            log.warning("%s was not woken", job.job_id, exc_info=True)
