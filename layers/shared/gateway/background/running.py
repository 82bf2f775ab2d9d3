"""The worker: runs one response through the corridor like any stream, with the event log for a caller.

How it ends is decided once, when it is whole and kept but before anybody is told, or by whoever cancels it before that.
A run that is begun twice has lost its process: what it delivered is in the log, and its hold is the sweeper's.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson

from gateway.auth.principal import Principal
from gateway.background.events import EventLog
from gateway.canonical.jobs import Attempt, Job, JobError, JobStatus, Phase
from gateway.canonical.response import Extension
from gateway.errors import AuthenticationFailed, GatewayError, NotFound, ServiceUnavailable
from gateway.framing.splice import members
from gateway.job_ports import Jobs
from gateway.jobs.changing import JobWriter
from gateway.pipeline import Call, Corridor, Ticket
from gateway.ports import Clock, Keys, Money, Objects
from gateway.protocols.openai_responses import CLIENT, background, items
from gateway.stored_responses import StoredResponses

log = logging.getLogger(__name__)

LOOK_S = 1.0
KEEP_TRIES = 3
# What a run may take beyond its deadline until it is taken for lost.
LOST_S = 60
# The member of the job's metadata that says how many batches of events there are.
BATCHES = "batches"
LOST = "The process that ran this response was lost; what it had said is among its events."
TOO_LATE = "The response could not be begun in time; nothing was charged."
NO_KEY = "The API key of this response is gone."
NOT_KEPT = "The response could not be kept."
OVER = {"next": "over"}


class Overtaken(Exception):
    """The response was cancelled before its end could be decided."""


@dataclass(frozen=True, slots=True)
class Running:
    """What a run stands on."""

    jobs: Jobs
    writer: JobWriter
    keys: Keys
    money: Money
    corridor: Corridor
    objects: Objects
    turns: StoredResponses
    clock: Clock


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept of the request: itself, and the response as it stood before."""

    request: bytes
    response: bytes

    @classmethod
    def of(cls, document: bytes) -> Kept:
        parts = members(document)
        return cls(parts["request"], parts["response"])

    def document(self) -> bytes:
        """To be kept."""
        return orjson.dumps({"request": orjson.Fragment(self.request), "response": orjson.Fragment(self.response)})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run came out; `error` where it failed."""

    status: JobStatus
    error: GatewayError | None = None


class BackgroundRun:
    """Runs responses, one at a time."""

    def __init__(self, running: Running) -> None:
        self._on = running

    async def run(self, event: Mapping[str, Any], deadline_s: float) -> dict[str, Any]:
        """One run, by `{job_id, run}`; what was begun before, or is over, is only brought to its end."""
        job = await self._on.jobs.get(event["job_id"])
        if job is None or job.run != int(event["run"]) or job.status.terminal:
            return dict(OVER)
        kept = Kept.of(await self._read(job))
        if job.attempt is not None:
            await self._end_lost(job, kept)
            return dict(OVER)
        process = secrets.token_hex(8)
        job = await self._begin(job, process)
        if job.attempt is None:
            await self._end_unrun(job, kept)
        elif job.attempt.handle == process:
            await self._run(job, kept, min(deadline_s, job.deadline_s))
        return dict(OVER)

    async def _read(self, job: Job) -> bytes:
        found = await self._on.objects.get(job.order["body"])
        if found is None:
            raise ValueError(f"{job.job_id} has lost its request")
        return found

    async def _begin(self, job: Job, process: str) -> Job:
        """The job as it is begun by one process; one that was cancelled, or is too late, is not begun."""
        attempt = Attempt(number=1, route=0, provider="", model=job.model, handle=process)
        is_late = self._on.clock.now_s() >= job.deadline_s

        def begun(standing: Job) -> Job:
            if standing.decided or standing.attempt is not None or is_late:
                return standing
            return replace(standing, attempt=attempt, status=JobStatus.RUNNING, due_s=standing.deadline_s + LOST_S)

        return await self._on.writer.change(job, begun)

    async def _run(self, job: Job, kept: Kept, deadline_s: float) -> None:
        eventlog = self._eventlog(job)
        outcome = await self._outcome(job, kept, eventlog, deadline_s)
        await eventlog.close()
        await self._end(job, outcome)

    async def _outcome(self, job: Job, kept: Kept, eventlog: EventLog, deadline_s: float) -> Outcome:
        """How it came out. A failure is an event and the response's end, since nobody waits for a status."""
        try:
            ticket = await self._ticket(job, kept, deadline_s)
        except GatewayError as error:
            await self._release(job)
            return await self._failed(job, kept, eventlog, error)
        try:
            await self._stream(job, ticket, eventlog)
        except (asyncio.CancelledError, Overtaken):
            return await self._canceled(job, kept, ticket.extension)
        except GatewayError as error:
            return await self._failed(job, kept, eventlog, error)
        if ticket.error is not None:
            await self._keep(job, kept, background.failed(kept.response, ticket.error))
            return Outcome(JobStatus.FAILED, ticket.error)
        return Outcome(JobStatus.SUCCEEDED)

    async def _ticket(self, job: Job, kept: Kept, deadline_s: float) -> Ticket:
        """The request as it was admitted, with the hold that it was admitted with."""
        record = await self._on.keys.find(job.order["key_hash"])
        if record is None:
            raise AuthenticationFailed(NO_KEY)
        if job.hold is None:
            raise ValueError(f"{job.job_id} has lost its hold")
        principal = Principal(job.account_id, record)
        betas = tuple(job.order["betas"])
        call = Call(principal, CLIENT, kept.request, job.charge.request_id, deadline_s, betas)
        ticket = self._on.corridor.open(call, hold_id=job.hold.hold_id, entered_s=job.created_at_s)
        ticket.before_end = partial(self._before_end, job, kept)
        self._on.corridor.resume(ticket, job.hold)
        return ticket

    async def _stream(self, job: Job, ticket: Ticket, eventlog: EventLog) -> None:
        streaming = asyncio.create_task(self._on.corridor.stream(ticket, eventlog))
        watching = asyncio.create_task(self._watch(job, ticket, streaming))
        try:
            await streaming
        finally:
            watching.cancel()

    async def _before_end(self, job: Job, kept: Kept, ending: bytes) -> None:
        """The response is kept, and then how it ended is decided, unless that was done before."""
        await self._keep(job, kept, background.whole(ending))
        decided = await self._on.writer.decide(job, JobStatus.SUCCEEDED)
        if decided.verdict is not JobStatus.SUCCEEDED:
            raise Overtaken

    async def _watch(self, job: Job, ticket: Ticket, streaming: asyncio.Task[None]) -> None:
        """Ends the stream once its caller wants no more of it; one that is whole is left to settle its bill."""
        while not ticket.complete:
            await asyncio.sleep(LOOK_S)
            try:
                standing = await self._on.jobs.get(job.job_id)
            except ServiceUnavailable:
                log.warning("%s: the next look tells whether it was cancelled", job.job_id)
                continue
            if (standing is None or standing.decided) and not ticket.complete:
                streaming.cancel()
                return

    async def _canceled(self, job: Job, kept: Kept, extension: Extension | None) -> Outcome:
        """What was said until then is paid. Where another end was decided, that one stays."""
        decided = await self._on.writer.decide(job, JobStatus.CANCELED)
        if decided.verdict is JobStatus.CANCELED:
            await self._keep(job, kept, background.canceled(kept.response, extension))
        return Outcome(JobStatus.CANCELED)

    async def _failed(self, job: Job, kept: Kept, eventlog: EventLog, error: GatewayError) -> Outcome:
        response = background.failed(kept.response, error)
        await self._keep(job, kept, response)
        await eventlog.write(background.last_events(response, eventlog.next_number))
        return Outcome(JobStatus.FAILED, error)

    async def _end_unrun(self, job: Job, kept: Kept) -> None:
        """A response that was cancelled before it ran, or that nobody ran in time."""
        await self._release(job)
        if job.decided:
            await self._keep(job, kept, background.canceled(kept.response, None))
            await self._end(job, Outcome(JobStatus.CANCELED))
            return
        eventlog = self._eventlog(job)
        outcome = await self._failed(job, kept, eventlog, GatewayError(TOO_LATE, code="server_error"))
        await eventlog.close()
        await self._end(job, outcome)

    async def _end_lost(self, job: Job, kept: Kept) -> None:
        """A response whose process was lost: it is what its process had kept, else it has failed."""
        if job.verdict is JobStatus.CANCELED:
            await self._canceled(job, kept, None)
            await self._end(job, Outcome(JobStatus.CANCELED))
            return
        response, outcome = await self._kept_end(job)
        if response is None:
            response = background.failed(kept.response, GatewayError(LOST, code="server_error"))
            await self._keep(job, kept, response)
        eventlog = self._eventlog(job)
        if not await eventlog.go_on(job.metadata.get(BATCHES, 0)):
            await eventlog.write(background.last_events(response, eventlog.next_number))
        await eventlog.close()
        await self._end(job, outcome)

    async def _kept_end(self, job: Job) -> tuple[bytes | None, Outcome]:
        """The end that was kept, if one was, and what it says of the run."""
        lost = Outcome(JobStatus.FAILED, GatewayError(LOST, code="server_error"))
        try:
            response = items.retrieved(await self._on.turns.turn(job.account_id, job.job_id))
        except NotFound:
            return None, lost
        return response, lost if background.status_of(response) == "failed" else Outcome(JobStatus.SUCCEEDED)

    def _eventlog(self, job: Job) -> EventLog:
        return EventLog(self._on.objects, job.order["log"], partial(self._note_batches, job))

    async def _note_batches(self, job: Job, batches: int) -> None:
        await self._on.writer.change(
            job, lambda standing: replace(standing, metadata={**standing.metadata, BATCHES: batches})
        )

    async def _release(self, job: Job) -> None:
        if job.hold is not None:
            await self._on.money.release(job.hold, self._on.clock.now_s())

    async def _keep(self, job: Job, kept: Kept, response: bytes) -> None:
        """Nobody else has the response: it is tried more than once."""
        for _ in range(KEEP_TRIES):
            if await self._on.turns.keep(job.account_id, job.job_id, kept.request, response):
                return
        raise ServiceUnavailable(NOT_KEPT)

    async def _end(self, job: Job, outcome: Outcome) -> None:
        """What was decided before is how it ended."""
        error = outcome.error
        said = None if error is None else JobError(error.code or "server_error", error.message)

        def ended(standing: Job) -> Job:
            verdict = standing.verdict or outcome.status
            return replace(standing, verdict=verdict, status=verdict, error=said, phase=Phase.ENDED)

        await self._on.writer.change(job, ended)
