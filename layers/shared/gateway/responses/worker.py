"""Runs one background response through the pipeline as a stream, with the event log in place of a caller.

The end is decided once: when the response is complete and stored but not yet reported, or earlier by a cancellation. A
second start of a run means that its process was lost: its output is in the log, and the sweeper ends its hold.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.jobs import Attempt, Job, JobError, JobStatus, Phase
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import Extension
from gateway.errors import GatewayError, NotFound, ServiceUnavailable
from gateway.framing.json_edit import members
from gateway.jobs.writer import JobWriter
from gateway.operations.betas import BETAS
from gateway.operations.chat import ChatOperation
from gateway.operations.chat_stream import ChatAnswer
from gateway.pipeline.context import Overtaken, RequestContext
from gateway.pipeline.operation import InboundRequest
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.readmission import Readmission
from gateway.ports.clock import Clock
from gateway.ports.jobs import Jobs
from gateway.ports.money import Money
from gateway.ports.objects import Objects
from gateway.protocols.openai_responses import background, items
from gateway.responses.events import EventLog
from gateway.responses.store import StoredResponses

if TYPE_CHECKING:
    # Responses in conversations alone load it.
    from gateway.responses.conversing import Conversing

Context = RequestContext[ChatRequest, ChatAnswer]

log = logging.getLogger(__name__)

POLL_S = 1.0
KEEP_TRIES = 3
# Seconds beyond its deadline after which a run is taken for lost.
LOST_S = 60
# The member of the job's order with the price list that it was admitted by.
PRICE_VERSION = "price_version"
# The member of the job's metadata with the number of event batches.
BATCHES = "batches"
LOST = "The process that ran this response was lost; what it had said is among its events."
TOO_LATE = "The response could not be begun in time; nothing was charged."
NOT_KEPT = "The response could not be kept."
OVER = {"next": "over"}


class RunDependencies(Struct, frozen=True):
    """The dependencies of a run."""

    jobs: Jobs
    writer: JobWriter
    readmission: Readmission
    money: Money
    pipeline: Pipeline
    operation_at: Callable[[str], Awaitable[ChatOperation]]
    objects: Objects
    stored: StoredResponses
    conversing: Callable[[], Conversing]
    clock: Clock


class StoredRun(Struct, frozen=True):
    """The stored request, and the response as it was before the run."""

    request: bytes
    response: bytes

    @classmethod
    def of(cls, document: bytes) -> StoredRun:
        parts = members(document)
        return cls(parts["request"], parts["response"])

    def document(self) -> bytes:
        """The JSON to store."""
        return orjson.dumps({"request": orjson.Fragment(self.request), "response": orjson.Fragment(self.response)})


class Outcome(Struct, frozen=True):
    """The result of a run; `error` is set if it failed."""

    status: JobStatus
    error: GatewayError | None = None


class BackgroundRun:
    """Runs responses, one at a time."""

    def __init__(self, dependencies: RunDependencies) -> None:
        self._dependencies = dependencies

    async def run(self, event: Mapping[str, Any], deadline_s: float) -> dict[str, Any]:
        """Executes one run, from `{job_id, run}`; a run that was started before is only brought to its end."""
        job = await self._dependencies.jobs.get(event["job_id"])
        if job is None or job.run != int(event["run"]) or job.status.terminal:
            return dict(OVER)
        stored = StoredRun.of(await self._read(job))
        if job.attempt is not None:
            await self._end_lost(job, stored)
            return dict(OVER)
        process = secrets.token_hex(8)
        job = await self._begin(job, process)
        if job.attempt is None:
            await self._end_unrun(job, stored)
        elif job.attempt.handle == process:
            await self._run(job, stored, min(deadline_s, job.deadline_s))
        return dict(OVER)

    async def _read(self, job: Job) -> bytes:
        found = await self._dependencies.objects.get(job.order["body"])
        if found is None:
            raise ValueError(f"{job.job_id} has lost its request")
        return found

    async def _begin(self, job: Job, process: str) -> Job:
        """Marks the job as started by one process, unless it was cancelled or is too late."""
        attempt = Attempt(number=1, route=0, provider="", model=job.model, handle=process)
        is_late = self._dependencies.clock.now_s() >= job.deadline_s

        def begun(standing: Job) -> Job:
            if standing.decided or standing.attempt is not None or is_late:
                return standing
            return replace(standing, attempt=attempt, status=JobStatus.RUNNING, due_s=standing.deadline_s + LOST_S)

        return await self._dependencies.writer.change(job, begun)

    async def _run(self, job: Job, stored: StoredRun, deadline_s: float) -> None:
        eventlog = self._eventlog(job)
        outcome = await self._outcome(job, stored, eventlog, deadline_s)
        await eventlog.close()
        await self._end(job, outcome)

    async def _outcome(self, job: Job, stored: StoredRun, eventlog: EventLog, deadline_s: float) -> Outcome:
        """Runs the response and returns the outcome. A failure is an event and the end of the response, not an HTTP
        status.
        """
        try:
            context = await self._admitted(job, stored, deadline_s)
        except GatewayError as error:
            await self._release(job)
            return await self._failed(job, stored, eventlog, error)
        try:
            await self._stream(job, context, eventlog)
        except (asyncio.CancelledError, Overtaken):
            return await self._canceled(job, stored, context.extension)
        except GatewayError as error:
            return await self._failed(job, stored, eventlog, error)
        if context.error is not None:
            await self._keep(job, stored, background.failed(stored.response, context.error))
            return Outcome(JobStatus.FAILED, context.error)
        return Outcome(JobStatus.SUCCEEDED)

    async def _admitted(self, job: Job, stored: StoredRun, deadline_s: float) -> Context:
        """The admitted request, with the hold of its admission; raises the refusal of a caller who may not go on."""
        if job.hold is None:
            raise ValueError(f"{job.job_id} has lost its hold")
        principal = await self._dependencies.readmission.principal(job.account_id, job.order)
        headers = {BETAS: ",".join(job.order["betas"])}
        inbound = InboundRequest(principal, stored.request, job.charge.request_id, deadline_s, headers)
        operation = await self._dependencies.operation_at(job.order.get(PRICE_VERSION, ""))
        context = self._dependencies.pipeline.open(
            operation, inbound, hold_id=job.hold.hold_id, entered_s=job.created_at_s
        )
        context.before_end = partial(self._before_end, job, stored)
        await self._dependencies.pipeline.resume(context, job.hold)
        return context

    async def _stream(self, job: Job, context: Context, eventlog: EventLog) -> None:
        streaming = asyncio.create_task(self._dependencies.pipeline.stream(context, eventlog))
        watching = asyncio.create_task(self._watch(job, context, streaming))
        try:
            await streaming
        finally:
            watching.cancel()

    async def _before_end(self, job: Job, stored: StoredRun, ending: bytes) -> None:
        """Stores the response, then decides its end unless the end was decided before."""
        response = background.whole(ending)
        await self._keep(job, stored, response)
        decided = await self._dependencies.writer.decide(job, JobStatus.SUCCEEDED)
        if decided.verdict is not JobStatus.SUCCEEDED:
            raise Overtaken
        await self._add(job, stored, response)

    async def _watch(self, job: Job, context: Context, streaming: asyncio.Task[None]) -> None:
        """Ends the stream after a cancellation; a complete response is left to settle its bill."""
        while not context.complete:
            await asyncio.sleep(POLL_S)
            try:
                standing = await self._dependencies.jobs.get(job.job_id)
            except ServiceUnavailable:
                log.warning("%s: the next look tells whether it was cancelled", job.job_id)
                continue
            if (standing is None or standing.decided) and not context.complete:
                streaming.cancel()
                return

    async def _canceled(self, job: Job, stored: StoredRun, extension: Extension | None) -> Outcome:
        """Ends a cancelled response; its output so far is billed. An end that was decided before stays."""
        decided = await self._dependencies.writer.decide(job, JobStatus.CANCELED)
        if decided.verdict is JobStatus.CANCELED:
            await self._keep(job, stored, background.canceled(stored.response, extension))
        return Outcome(JobStatus.CANCELED)

    async def _failed(self, job: Job, stored: StoredRun, eventlog: EventLog, error: GatewayError) -> Outcome:
        response = background.failed(stored.response, error)
        await self._keep(job, stored, response)
        await eventlog.write(background.last_events(response, eventlog.next_number))
        return Outcome(JobStatus.FAILED, error)

    async def _end_unrun(self, job: Job, stored: StoredRun) -> None:
        """Ends a response that was cancelled before it ran, or that was not started in time."""
        await self._release(job)
        if job.decided:
            await self._keep(job, stored, background.canceled(stored.response, None))
            await self._end(job, Outcome(JobStatus.CANCELED))
            return
        eventlog = self._eventlog(job)
        outcome = await self._failed(job, stored, eventlog, GatewayError(TOO_LATE, code="server_error"))
        await eventlog.close()
        await self._end(job, outcome)

    async def _end_lost(self, job: Job, stored: StoredRun) -> None:
        """Ends a response whose process was lost: with the stored response if there is one, else as failed."""
        if job.verdict is JobStatus.CANCELED:
            await self._canceled(job, stored, None)
            await self._end(job, Outcome(JobStatus.CANCELED))
            return
        response, outcome = await self._kept_end(job)
        if response is None:
            response = background.failed(stored.response, GatewayError(LOST, code="server_error"))
            await self._keep(job, stored, response)
        await self._add(job, stored, response)
        eventlog = self._eventlog(job)
        if not await eventlog.go_on(job.metadata.get(BATCHES, 0)):
            await eventlog.write(background.last_events(response, eventlog.next_number))
        await eventlog.close()
        await self._end(job, outcome)

    async def _kept_end(self, job: Job) -> tuple[bytes | None, Outcome]:
        """The stored response, if there is one, and the outcome that it shows."""
        lost = Outcome(JobStatus.FAILED, GatewayError(LOST, code="server_error"))
        try:
            response = items.retrieved(await self._dependencies.stored.read(job.account_id, job.job_id))
        except NotFound:
            return None, lost
        return response, lost if background.status_of(response) == "failed" else Outcome(JobStatus.SUCCEEDED)

    def _eventlog(self, job: Job) -> EventLog:
        return EventLog(self._dependencies.objects, job.order["log"], partial(self._note_batches, job))

    async def _note_batches(self, job: Job, batches: int) -> None:
        await self._dependencies.writer.change(
            job, lambda standing: replace(standing, metadata={**standing.metadata, BATCHES: batches})
        )

    async def _release(self, job: Job) -> None:
        if job.hold is not None:
            await self._dependencies.money.release(job.hold, self._dependencies.clock.now_s())

    async def _keep(self, job: Job, stored: StoredRun, response: bytes) -> None:
        """Stores the response with retries, because no other copy exists."""
        for _ in range(KEEP_TRIES):
            if await self._dependencies.stored.keep(job.account_id, job.job_id, stored.request, response):
                return
        raise ServiceUnavailable(NOT_KEPT)

    async def _add(self, job: Job, stored: StoredRun, response: bytes) -> None:
        """Adds the turn to the conversation that the request goes on from, if any; a repeat adds nothing."""
        if items.NAMES_CONVERSATION not in stored.request:
            return
        conversing = self._dependencies.conversing()
        for _ in range(KEEP_TRIES):
            if await conversing.add(job.account_id, job.job_id, stored.request, response):
                return

    async def _end(self, job: Job, outcome: Outcome) -> None:
        """Ends the job; an end that was decided before stays."""
        error = outcome.error
        job_error = None if error is None else JobError(error.code or "server_error", error.message)

        def ended(standing: Job) -> Job:
            verdict = standing.verdict or outcome.status
            return replace(standing, verdict=verdict, status=verdict, error=job_error, phase=Phase.ENDED)

        await self._dependencies.writer.change(job, ended)
