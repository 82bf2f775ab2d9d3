"""Cancels jobs on a customer's request; the first verdict counts, so a cancellation may be too late.

The hold is released at once. The job's own execution is woken, and asks the provider to stop.
"""

from __future__ import annotations

import logging
from typing import Protocol

from gateway.canonical.jobs import Job, JobStatus
from gateway.errors import Conflict, ServiceUnavailable
from gateway.jobs.writer import JobWriter
from gateway.ports.jobs import Executions

log = logging.getLogger(__name__)

TOO_LATE = "The job has ended, or is about to; it cannot be canceled any more."


class Closes(Protocol):
    """Ends the money of a decided job and makes its status terminal."""

    async def close(self, job: Job) -> Job: ...


class Canceling:
    """Cancels jobs."""

    def __init__(self, writer: JobWriter, closing: Closes, executions: Executions) -> None:
        self._writer = writer
        self._closing = closing
        self._executions = executions

    async def cancel(self, job: Job) -> Job:
        """Cancels the job; raises `Conflict` for one that has ended, or that another request cancels.

        A cancellation that was cut off before the job's end was written is completed by the next.
        """
        if job.status is JobStatus.CANCELED:
            raise Conflict(TOO_LATE, code="job_not_cancelable", should_retry=False)
        decided, is_first = await self._writer.decide_first(job, JobStatus.CANCELED)
        closed = decided
        if decided.verdict is JobStatus.CANCELED:
            closed = await self._closing.close(decided)
            await self._wake(decided)
        if not is_first:
            raise Conflict(TOO_LATE, code="job_not_cancelable", should_retry=False)
        return closed

    async def _wake(self, job: Job) -> None:
        """Wakes the job's execution; if that fails, its wait ends by itself a little later."""
        if job.token is None:
            return
        try:
            await self._executions.wake(
                job.token, {"job_id": job.job_id, "run": job.run, "next": "settle", "wait_s": 1}
            )
        except ServiceUnavailable:
            log.warning("%s was not woken", job.job_id, exc_info=True)
