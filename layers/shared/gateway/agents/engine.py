"""Runs agents: reads the records, does the next action, writes its result, until the run ends or the time is short.

`decide.py` says what is next; this module does it. A process takes a run by a mark in its job, which fences the one
before it. What it finds undone it does under the same keys, so a death costs a customer nothing twice: paid calls are
kept by the ring, and side effects bear the id of their call.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.agents import decide, prompt, verify
from gateway.agents.calls import Calls, Paid
from gateway.agents.decide import AskModel, AwaitConsent, Note, Over, RunTools, Verify, next_action
from gateway.agents.journal import Canceled, Journals, Overtaken, RunRecords, holds
from gateway.agents.records import Answered, Closed, Ran, Record, ToolCall, Verified
from gateway.agents.tools.run import ToolRunner
from gateway.agents.views import CONSENT, LEFT_S
from gateway.canonical.jobs import Attempt, Job, JobStatus
from gateway.errors import (
    Conflict,
    GatewayError,
    RateLimited,
    RequestTimeout,
    ServiceUnavailable,
    UpstreamError,
)
from gateway.jobs.writer import JobWriter
from gateway.ports.clock import Clock
from gateway.ports.jobs import Jobs

log = logging.getLogger(__name__)

# Seconds that a step may take: a model's answer, and the writes around it. With less left, the next process goes on.
STEP_S = 150.0
# Seconds beyond a process's own time after which the reconciler takes its run for lost.
LOST_S = 60
# Failures of one step's call in a row before the run fails; waits for a rate window are bounded by the run's deadline.
TRIES = 4
WAIT_S_MAX = 30.0
# Processes that one run may use up: more means that a step kills each of them.
PROCESSES_MAX = 40
# Seconds that a run waits for its owner.
CONSENT_S = 24 * 3600
TOO_LATE = "The run came to its deadline."
KILLED = "The run was taken up {} times without coming to its end."
NEXT_AGAIN, NEXT_OVER = {"next": "again"}, {"next": "over"}


class Engine(Struct, frozen=True):
    """Parts that a run is made with. `calls_of` gives a run's paid calls, which end by a time."""

    jobs: Jobs
    writer: JobWriter
    journals: Journals
    calls_of: Callable[[Job, float], Calls]
    tools: ToolRunner
    clock: Clock
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self, event: Mapping[str, Any], deadline_s: float) -> dict[str, Any]:
        """Goes on with the run of `{job_id, run}`; says whether the execution is to call again."""
        given = {"job_id": event["job_id"], "run": event["run"]}
        job = await self.jobs.get(event["job_id"])
        if job is None or job.run != int(event["run"]) or job.status.terminal:
            return {**given, **NEXT_OVER}
        process = Process(self, secrets.token_hex(8), deadline_s)
        try:
            told = await process.go_on(job)
        except Overtaken:
            told = NEXT_OVER
        return {**given, **told}


class Process(Struct):
    """One process's part of a run."""

    engine: Engine
    name: str
    deadline_s: float

    async def go_on(self, job: Job) -> Mapping[str, Any]:
        """Takes the run, and does what is next until it ends or the time is short."""
        run = await self._taken(job)
        try:
            return await self._steps(run)
        except Canceled:
            await self._cancel(job)
            return NEXT_OVER

    async def _taken(self, job: Job) -> RunRecords:
        """Marks the job as this process's own; raises `Overtaken` if a later run has begun."""
        due_s = int(self.deadline_s) + LOST_S

        def taken(standing: Job) -> Job:
            if standing.run != job.run or standing.status.terminal:
                return standing
            number = 1 if standing.attempt is None else standing.attempt.number + 1
            attempt = Attempt(number, 0, "", standing.model, handle=self.name)
            return replace(standing, attempt=attempt, status=JobStatus.RUNNING, due_s=due_s)

        standing = await self.engine.writer.change(job, taken)
        if not holds(standing, job, self.name):
            raise Overtaken
        return await self.engine.journals.read(standing)

    async def _steps(self, run: RunRecords) -> Mapping[str, Any]:
        calls = self.engine.calls_of(run.job, self.deadline_s)
        while True:
            if run.job.decided:
                raise Canceled
            early = self._ending(run)
            action = Note(early) if early is not None else self._next(run)
            match action:
                case Over():
                    return NEXT_OVER
                case AwaitConsent(calls=waiting):
                    return await self._await_consent(run, [call.id for call in waiting])
                case Note(record=record):
                    run = await self._write(run, [record])
                case _ if self._left_s() < STEP_S:
                    return NEXT_AGAIN
                case AskModel(step=step, may_call=may_call):
                    run = await self._attempted(run, partial(self._ask, calls, run, step, may_call=may_call))
                case RunTools(step=step, calls=asked):
                    run = await self._run_tools(calls, run, step, asked)
                case Verify():
                    run = await self._attempted(run, partial(self._verify, calls, run))

    def _next(self, run: RunRecords) -> decide.Action:
        return next_action(run.spec, run.state, self.engine.tools.side_effects)

    def _ending(self, run: RunRecords) -> Closed | None:
        """The end of a run that is too late, or that has cost too many processes."""
        state, attempt = run.state, run.job.attempt
        if state.closed is not None:
            return None
        if attempt is not None and attempt.number > PROCESSES_MAX:
            message = KILLED.format(PROCESSES_MAX)
            return Closed(state.steps, decide.FAILED, state.content, "internal_error", message)
        if self.engine.clock.now_s() >= run.job.deadline_s:
            return Closed(state.steps, decide.FAILED, state.content, "deadline_exceeded", TOO_LATE)
        return None

    def _left_s(self) -> float:
        return self.deadline_s - self.engine.clock.now_s()

    async def _write(self, run: RunRecords, more: Sequence[Record]) -> RunRecords:
        """Writes the records, with those that follow from them alone: one write for a step and its consequences."""
        added = list(more)
        while True:
            standing = replace(run, records=(*run.records, *added))
            following = self._next(standing)
            if not isinstance(following, Note):
                return await self.engine.journals.append(run, added, process=self.name)
            added.append(following.record)

    async def _attempted(self, run: RunRecords, work: Callable[[], Awaitable[Record]]) -> RunRecords:
        """Writes the result of the work; work that cannot be done ends the run, whose partial result stays."""
        failures = 0
        while True:
            try:
                record = await work()
            except GatewayError as error:
                failures += not isinstance(error, RateLimited)
                wait_s = min(error.retry_after_s or 2.0**failures, WAIT_S_MAX)
                if failures >= TRIES or not _may_pass(error) or self._left_s() < STEP_S + wait_s:
                    return await self._write(run, [_failed(run, error)])
                await self.engine.sleep(wait_s)
            else:
                return await self._write(run, [record])

    async def _ask(self, calls: Calls, run: RunRecords, step: int, *, may_call: bool) -> Answered:
        offered = self.engine.tools.offered(run.spec)
        body = prompt.step_request(run.spec, run.state, offered, may_call=may_call)
        paid: Paid = await calls.ask("chat", body, f"step/{step}")
        return prompt.answered(step, paid, may_call=may_call)

    async def _verify(self, calls: Calls, run: RunRecords) -> Verified:
        state = run.state
        paid = await calls.ask("chat", verify.request(run.spec, state), f"verify/{state.steps}")
        return verify.verified(state.steps, paid, run.spec.verifier_threshold)

    async def _run_tools(self, calls: Calls, run: RunRecords, step: int, asked: Sequence[ToolCall]) -> RunRecords:
        """Runs the calls side by side; writes each result as it comes, so that a death loses none that there is."""
        doing = [asyncio.ensure_future(self.engine.tools.run(calls, run, step, call)) for call in asked]
        try:
            for done in asyncio.as_completed(doing):
                result: Ran = await done
                run = await self.engine.journals.append(run, [result], process=self.name)
        finally:
            for each in doing:
                each.cancel()
            await asyncio.gather(*doing, return_exceptions=True)
        return run

    async def _await_consent(self, run: RunRecords, call_ids: list[str]) -> Mapping[str, Any]:
        """Leaves the run to its owner, and stops its time; the reconciler ends it a day later without a word."""
        now_s = int(self.engine.clock.now_s())
        until_s = now_s + CONSENT_S

        def waiting(standing: Job) -> Job:
            if not holds(standing, run.job, self.name) or standing.decided:
                return standing
            metadata = {**standing.metadata, CONSENT: call_ids, LEFT_S: standing.deadline_s - now_s}
            return replace(standing, metadata=metadata, status=JobStatus.PENDING, deadline_s=until_s, due_s=until_s)

        job = await self.engine.writer.change(run.job, waiting)
        if job.decided:
            raise Canceled
        return NEXT_OVER

    async def _cancel(self, job: Job) -> None:
        """Writes the end of a cancelled run, behind what was written by then."""
        standing = await self.engine.jobs.get(job.job_id)
        if standing is None or not holds(standing, job, self.name):
            raise Overtaken
        run = await self.engine.journals.read(standing)
        end = Closed(run.state.steps, decide.CANCELED, run.state.content)
        await self.engine.journals.append(run, [end], process=self.name)


def _failed(run: RunRecords, error: GatewayError) -> Closed:
    log.warning("%s failed: %s", run.job.job_id, error.code)
    return Closed(run.state.steps, decide.FAILED, run.state.content, error.code or error.type, error.message)


def _may_pass(error: GatewayError) -> bool:
    """True for a failure that another try may be spared: load, time, the gateway's own stores."""
    if isinstance(error, UpstreamError):
        return error.retryable and error.should_retry is not False
    is_ours = error.status == GatewayError.status
    return is_ours or isinstance(error, RateLimited | ServiceUnavailable | RequestTimeout | Conflict)
