"""Delivers the end of a job to its webhook: signed, retried for more than a day, each try in the account's log.

The body is the job at the time of the try, under one message id, so that a receiver can recognise repeats. The job
stays due until the delivery is over, so a lost message is sent again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec.structs import replace

from gateway.canonical.jobs import Job, Phase
from gateway.jobs.writer import JobWriter
from gateway.ports.clock import Clock
from gateway.ports.jobs import Jobs
from gateway.ports.webhooks import Delivery, WebhookRecords
from gateway.webhooks.posting import Event, Poster, Posting, TryResult, result_of

# A message this late is taken for lost. The time is longer than the queue hides one whose try died (template.yaml,
# NoticesQueue).
LOST_S = 600


class Deliveries:
    """Makes delivery tries. `view` is the job as its owner sees it."""

    def __init__(
        self,
        jobs: Jobs,
        writer: JobWriter,
        records: WebhookRecords,
        poster: Poster,
        view: Callable[[Job], Awaitable[Mapping[str, Any]]],
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._writer = writer
        self._records = records
        self._posting = Posting(records, poster, clock)
        self._view = view

    async def deliver(self, job_id: str, number: int) -> TryResult:
        """Makes the `number`th try, from 1; does nothing for a job that is deleted or already delivered."""
        job = await self._jobs.get(job_id)
        if job is None or job.webhook_url is None or job.phase is not Phase.NOTIFY:
            return TryResult(delivered=True)
        delivery = await self._try(job, job.webhook_url, number)
        if delivery.next_at_s is None:
            await self._writer.change(job, lambda standing: replace(standing, phase=Phase.ENDED))
        else:
            due_s = delivery.next_at_s + LOST_S
            await self._writer.change(job, lambda standing: replace(standing, due_s=due_s))
        return result_of(delivery)

    async def _try(self, job: Job, url: str, number: int) -> Delivery:
        event = Event(
            job.account_id,
            message_id=f"msg_{job.job_id}_{job.status}",
            event_type=f"job.{job.status}",
            at_s=job.updated_at_s,
            data=await self._view(job),
            job_id=job.job_id,
        )
        return await self._posting.post(event, url, number)
