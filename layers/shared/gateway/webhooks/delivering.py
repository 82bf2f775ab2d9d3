"""Tells a webhook that a job has ended: signed, tried again for more than a day, each try in the account's log.

What is told is the job as it stands when it is told, under one message id, so that a receiver can tell repeats. The job
stays due until it has been told, so a message that is lost is made anew.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson

from gateway.accounts.pages import iso_utc
from gateway.canonical.jobs import Job, Phase
from gateway.errors import GatewayError
from gateway.framing.standard_webhooks import signed
from gateway.job_ports import Delivery, Jobs, WebhookRecords
from gateway.jobs.changing import JobWriter
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports import Clock
from gateway.webhooks.secrets import secrets_of

log = logging.getLogger(__name__)

# Pauses between the tries, in seconds: some 30 hours. SQS hides a message for 12 hours at most.
PAUSES_S = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 21_600, 28_800, 28_800)
# A message that has not come by so long after its time is taken for lost: longer than the queue hides one whose try
# died (template.yaml, NoticesQueue).
LOST_S = 600
JSON_TYPE = "application/json"


class Poster(Protocol):
    """Sends a body to an address of a user's, which may be hostile."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer; raises `GatewayError` where the address is refused or does not answer."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one try. `again_s` is the pause before the next one, `None` where there is none."""

    delivered: bool
    again_s: int | None = None


class Deliveries:
    """One try at a time. `view` is the job as its owner sees it."""

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
        self._poster = poster
        self._view = view
        self._clock = clock

    async def tell(self, job_id: str, number: int) -> Told:
        """The `number`th try, from 1. A job that has been told, or is gone, needs none."""
        job = await self._jobs.get(job_id)
        if job is None or job.webhook_url is None or job.phase is not Phase.NOTIFY:
            return Told(delivered=True)
        again_s = PAUSES_S[number - 1] if number <= len(PAUSES_S) else None
        delivery = await self._try(job, job.webhook_url, number)
        if delivery.delivered:
            again_s = None
        next_at_s = None if again_s is None else delivery.at_s + again_s
        await self._records.log(replace(delivery, next_at_s=next_at_s))
        if again_s is None:
            await self._writer.change(job, lambda standing: replace(standing, phase=Phase.ENDED))
        else:
            due_s = delivery.at_s + again_s + LOST_S
            await self._writer.change(job, lambda standing: replace(standing, due_s=due_s))
        return Told(delivery.delivered, again_s)

    async def _try(self, job: Job, url: str, number: int) -> Delivery:
        now_s = int(self._clock.now_s())
        event_type, message_id = f"job.{job.status}", f"msg_{job.job_id}_{job.status}"
        told = {"type": event_type, "timestamp": iso_utc(job.updated_at_s), "data": await self._view(job)}
        keys = (await secrets_of(self._records, job.account_id)).good(now_s)
        delivery = Delivery(
            account_id=job.account_id,
            delivery_id=hold_id_at(self._clock.now_s(), secrets.randbits(40)),
            job_id=job.job_id,
            message_id=message_id,
            event_type=event_type,
            url=url,
            number=number,
            at_s=now_s,
        )
        body = orjson.dumps(told)
        headers = {"content-type": JSON_TYPE, **signed(keys, message_id, now_s, body)}
        try:
            return replace(delivery, status=await self._poster.post(url, headers, body))
        except GatewayError as error:
            log.info("%s: the webhook did not answer: %s", job.job_id, error.message)
            return replace(delivery, error=error.message)
