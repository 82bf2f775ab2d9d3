"""What a caller does with a response in the background: asks for it, looks at it, follows its events, cancels it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from gateway.background.events import batch_name, followed
from gateway.background.running import BATCHES, Kept
from gateway.billing import Tab
from gateway.canonical.jobs import Job, JobKind, JobStatus, Phase
from gateway.canonical.money import Charge, Hold, Tier
from gateway.errors import GatewayError, InvalidRequest, NotFound, ServiceUnavailable
from gateway.job_ports import Executions, Jobs
from gateway.jobs.changing import JobWriter
from gateway.pipeline import Corridor, Ticket
from gateway.ports import Clock, Money, Objects
from gateway.protocols.openai_responses import background, items

log = logging.getLogger(__name__)

# A run's own bound, and what it may wait for its start.
RUN_S = 900
START_S = 300
STILL_RUNS = "Response with id '{}' has not ended; cancel it before you delete it."


class BackgroundResponses:
    """The side of the door."""

    def __init__(
        self,
        jobs: Jobs,
        writer: JobWriter,
        executions: Executions,
        money: Money,
        corridor: Corridor,
        objects: Objects,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._writer = writer
        self._executions = executions
        self._money = money
        self._corridor = corridor
        self._objects = objects
        self._clock = clock

    def asked(self, body: bytes) -> Asked:
        """The request as it is to run; raises what is wrong with that."""
        deadline_s = self._clock.now_s() + START_S + RUN_S
        return Asked(self, background.in_background(body), background.streams(body), deadline_s)

    async def begin(self, ticket: Ticket, key_hash: str) -> bytes:
        """Admits the request and has it run; the response as it stands. Raises what admission refuses."""
        await self._corridor.admit(ticket, sent_here=False)
        if ticket.tab is None:
            raise ValueError("a request that was admitted has a tab")
        kept = Kept(ticket.call.body, background.standing(ticket.request, ticket.stamp))
        job = self._job(ticket, f"responses/{secrets.token_hex(32)}", key_hash)
        try:
            await self._open(job, ticket.tab.hold, kept)
        except ServiceUnavailable:
            await self._take_back(job, ticket.tab)
            raise
        return kept.response

    async def _open(self, job: Job, hold: Hold, kept: Kept) -> None:
        await self._objects.put(job.order["body"], kept.document())
        # It lives longer than most: its account's item had better not carry it.
        parked = await self._money.park(hold)
        await self._jobs.add(replace(job, hold=parked))
        await self._executions.start(JobKind.RESPONSE, job.job_id, job.run)

    async def _take_back(self, job: Job, tab: Tab) -> None:
        """Its caller is told that it cannot be served: should it have started all the same, it finds itself ended."""
        await tab.release()
        ended = JobStatus.CANCELED
        try:
            await self._writer.change(
                job, lambda standing: replace(standing, verdict=ended, status=ended, phase=Phase.ENDED)
            )
        except GatewayError:
            log.exception("%s could not be taken back", job.job_id)

    def _job(self, ticket: Ticket, name: str, key_hash: str) -> Job:
        now_s = int(self._clock.now_s())
        call = ticket.call
        return Job(
            job_id=ticket.stamp.response_id,
            account_id=ticket.account_id,
            key_id=call.principal.key.key_id,
            kind=JobKind.RESPONSE,
            model=ticket.request.model,
            created_at_s=ticket.stamp.created_s,
            updated_at_s=now_s,
            deadline_s=int(call.deadline_s),
            due_s=now_s + START_S,
            order={"body": name, "log": f"{name}/events", "key_hash": key_hash, "betas": list(call.betas)},
            charge=Charge(0, call.request_id, ticket.generation_id, ticket.request.model, "", Tier.PASSTHROUGH, ""),
            phase=Phase.SUBMIT,
            run=1,
        )

    async def turn(self, account_id: str, response_id: str) -> bytes | None:
        """The turn of a response that is not over; what is over is among the stored ones."""
        job = await self._of(account_id, response_id)
        if job is None or job.status.terminal:
            return None
        found = await self._objects.get(job.order["body"])
        if found is None:
            raise NotFound(f"Response with id '{response_id}' not found.", code="response_not_found")
        kept = Kept.of(found)
        return items.kept(kept.request, background.stands_at(kept.response, _status(job)))

    async def cancel(self, account_id: str, response_id: str) -> bool:
        """Ends the run, unless that is over; false where none of that id ran in the background."""
        job = await self._of(account_id, response_id)
        if job is None:
            return False
        await self._writer.decide(job, JobStatus.CANCELED)
        return True

    async def forget(self, account_id: str, response_id: str) -> None:
        """Deletes what a run has left beside its stored response; raises `InvalidRequest` for one that is not over."""
        job = await self._of(account_id, response_id)
        if job is None:
            return
        if not job.status.terminal:
            raise InvalidRequest(STILL_RUNS.format(response_id), code="response_not_ended")
        batches = [batch_name(job.order["log"], batch) for batch in range(job.metadata.get(BATCHES, 0))]
        for name in (*batches, job.order["body"]):
            await self._objects.delete(name)

    async def events(self, account_id: str, response_id: str, after: int) -> AsyncIterator[bytes]:
        """The events above a sequence number, as they come; raises `NotFound`."""
        job = await self._of(account_id, response_id)
        if job is None:
            raise NotFound(f"Response with id '{response_id}' has no events to stream.", code="response_not_found")

        async def standing() -> tuple[int, bool]:
            found = await self._jobs.get(response_id)
            return (0, False) if found is None else (found.metadata.get(BATCHES, 0), not found.status.terminal)

        async for events in followed(self._objects, job.order["log"], after, standing):
            yield events

    async def _of(self, account_id: str, response_id: str) -> Job | None:
        job = await self._jobs.get(response_id)
        return job if job is not None and job.account_id == account_id and job.kind is JobKind.RESPONSE else None


def _status(job: Job) -> str:
    """A response that is not over, in the wire's word; one that was cancelled is so at once."""
    if job.verdict is JobStatus.CANCELED:
        return "cancelled"
    return "queued" if job.status is JobStatus.PENDING else "in_progress"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that is to run in the background."""

    responses: BackgroundResponses
    body: bytes
    streams: bool
    deadline_s: float

    async def begin(self, ticket: Ticket, key_hash: str) -> bytes:
        """Admits the request and has it run; the response as it stands."""
        return await self.responses.begin(ticket, key_hash)

    def follow(self, ticket: Ticket) -> AsyncIterator[bytes]:
        """All its events, as they come."""
        return self.responses.events(ticket.account_id, ticket.stamp.response_id, background.BEFORE_ALL)
