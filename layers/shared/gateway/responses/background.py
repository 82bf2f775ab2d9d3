"""Background responses for callers: start, read, follow the events, cancel."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.jobs import Job, JobKind, JobStatus, Phase
from gateway.canonical.money import Charge, Hold, Tier
from gateway.canonical.request import ChatRequest
from gateway.errors import GatewayError, InvalidRequest, NotFound, ServiceUnavailable
from gateway.jobs.writer import JobWriter
from gateway.operations.chat_stream import ChatAnswer
from gateway.pipeline.charge import OpenHold
from gateway.pipeline.context import RequestContext
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.readmission import KEY_HASH, SOURCE_IP
from gateway.ports.clock import Clock
from gateway.ports.jobs import Executions, Jobs
from gateway.ports.money import Money
from gateway.ports.objects import Objects
from gateway.protocols.openai_responses import background, items
from gateway.responses.events import batch_name, followed
from gateway.responses.store import RESPONSE_ID
from gateway.responses.worker import BATCHES, PRICE_VERSION, StoredRun

Context = RequestContext[ChatRequest, ChatAnswer]

log = logging.getLogger(__name__)

# Maximum seconds of a run, and of the wait for its start.
RUN_S = 900
START_S = 300
STILL_RUNS = "Response with id '{}' has not ended; cancel it before you delete it."


class BackgroundResponses:
    """Background responses as the HTTP app uses them; the worker runs them."""

    def __init__(
        self,
        jobs: Jobs,
        writer: JobWriter,
        executions: Executions,
        money: Money,
        pipeline: Pipeline,
        objects: Objects,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._writer = writer
        self._executions = executions
        self._money = money
        self._pipeline = pipeline
        self._objects = objects
        self._clock = clock

    def read_request(self, body: bytes) -> BackgroundRequest:
        """Reads a request that is to run in the background; raises an error for an invalid one."""
        deadline_s = self._clock.now_s() + START_S + RUN_S
        return BackgroundRequest(self, background.in_background(body), background.streams(body), deadline_s)

    async def begin(self, context: Context, key_hash: str, source_ip: str) -> bytes:
        """Admits the request and starts its run; returns the queued response, or raises the refusal."""
        await self._pipeline.admit(context, sent_here=False)
        if context.open_hold is None:
            raise ValueError("a request that was admitted has an open hold")
        stored = StoredRun(context.inbound.body, background.standing(context.request, context.stamp))
        caller = {KEY_HASH: key_hash, SOURCE_IP: source_ip}
        job = self._job(context, f"responses/{secrets.token_hex(32)}", caller)
        try:
            await self._open(job, context.open_hold.hold, stored)
        except ServiceUnavailable:
            await self._take_back(job, context.open_hold)
            raise
        return stored.response

    async def _open(self, job: Job, hold: Hold, stored: StoredRun) -> None:
        await self._objects.put(job.order["body"], stored.document())
        # The hold lives longer than most, so it leaves its account's item.
        parked = await self._money.park(hold)
        await self._jobs.add(replace(job, hold=parked))
        await self._executions.start(JobKind.RESPONSE, job.job_id, job.run)

    async def _take_back(self, job: Job, open_hold: OpenHold) -> None:
        """Withdraws a response whose execution could not be started; if it started all the same, the run finds the job
        ended.
        """
        await open_hold.release()
        ended = JobStatus.CANCELED
        try:
            await self._writer.change(
                job, lambda standing: replace(standing, verdict=ended, status=ended, phase=Phase.ENDED)
            )
        except GatewayError:
            log.exception("%s could not be taken back", job.job_id)

    def _job(self, context: Context, name: str, caller: Mapping[str, str]) -> Job:
        now_s = int(self._clock.now_s())
        inbound, planned = context.inbound, context.plan.candidates[0].model.sale.price_version
        return Job(
            job_id=context.stamp.response_id,
            account_id=context.account_id,
            key_id=inbound.principal.key.key_id,
            kind=JobKind.RESPONSE,
            model=context.request.model,
            created_at_s=context.stamp.created_s,
            updated_at_s=now_s,
            deadline_s=int(inbound.deadline_s),
            due_s=now_s + START_S,
            order={
                "body": name,
                "log": f"{name}/events",
                **caller,
                "betas": list(context.request.betas),
                PRICE_VERSION: planned,
            },
            charge=Charge(
                0,
                inbound.request_id,
                context.generation_id,
                context.request.model,
                "",
                Tier.PASSTHROUGH,
                "",
                user_id=inbound.principal.key.user_id,
                org_id=inbound.principal.key.org_id,
            ),
            phase=Phase.SUBMIT,
            run=1,
        )

    async def read(self, account_id: str, response_id: str) -> bytes | None:
        """The stored request and state of a response that has not ended; ended ones are among the stored responses."""
        job = await self._of(account_id, response_id)
        if job is None or job.status.terminal:
            return None
        found = await self._objects.get(job.order["body"])
        if found is None:
            raise NotFound(f"Response with id '{response_id}' not found.", code="response_not_found")
        stored = StoredRun.of(found)
        return items.kept(stored.request, background.stands_at(stored.response, _status(job)))

    async def cancel(self, account_id: str, response_id: str) -> bool:
        """Cancels the run, unless it is over; false if no response of that id ran in the background."""
        job = await self._of(account_id, response_id)
        if job is None:
            return False
        await self._writer.decide(job, JobStatus.CANCELED)
        return True

    async def forget(self, account_id: str, response_id: str) -> None:
        """Deletes the remains of a run beside its stored response; raises `InvalidRequest` if it has not ended."""
        job = await self._of(account_id, response_id)
        if job is None:
            return
        if not job.status.terminal:
            raise InvalidRequest(STILL_RUNS.format(response_id), code="response_not_ended")
        batches = [batch_name(job.order["log"], batch) for batch in range(job.metadata.get(BATCHES, 0))]
        for name in (*batches, job.order["body"]):
            await self._objects.delete(name)

    async def events(self, account_id: str, response_id: str, after: int) -> AsyncIterator[bytes]:
        """Returns the events above a sequence number as they arrive; raises `NotFound`."""
        job = await self._of(account_id, response_id)
        if job is None:
            raise NotFound(f"Response with id '{response_id}' has no events to stream.", code="response_not_found")

        async def standing() -> tuple[int, bool]:
            found = await self._jobs.get(response_id)
            return (0, False) if found is None else (found.metadata.get(BATCHES, 0), not found.status.terminal)

        return await followed(self._objects, job.order["log"], after, job.metadata.get(BATCHES, 0), standing)

    async def _of(self, account_id: str, response_id: str) -> Job | None:
        job = await self._jobs.get(response_id) if RESPONSE_ID.fullmatch(response_id) else None
        return job if job is not None and job.account_id == account_id and job.kind is JobKind.RESPONSE else None


def _status(job: Job) -> str:
    """The wire's status of a response that has not ended; a cancelled one is `cancelled` at once."""
    if job.verdict is JobStatus.CANCELED:
        return "cancelled"
    return "queued" if job.status is JobStatus.PENDING else "in_progress"


class BackgroundRequest(Struct, frozen=True):
    """One request that is to run in the background."""

    responses: BackgroundResponses
    body: bytes
    streams: bool
    deadline_s: float

    async def begin(self, context: Context, key_hash: str, source_ip: str) -> bytes:
        """Admits the request and starts its run; returns the queued response, or raises the refusal."""
        return await self.responses.begin(context, key_hash, source_ip)

    async def follow(self, context: Context) -> AsyncIterator[bytes]:
        """Returns all events of the run as they arrive."""
        return await self.responses.events(context.account_id, context.stamp.response_id, background.BEFORE_ALL)
