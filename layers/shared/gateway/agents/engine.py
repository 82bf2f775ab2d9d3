"""Runs agents: takes a run by a mark in its job, which fences the process before it, and has it gone on with.

`decide.py` says what is next; `process.py` does it. What a process finds undone it does under the same keys, so a death
costs a customer nothing twice: paid calls are kept by the ring, and side effects bear the id of their call.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.agents import decide
from gateway.agents.calls import Calls
from gateway.agents.journal import Canceled, Journals, Overtaken, RunRecords, holds
from gateway.agents.process import NEXT_OVER, DeliveryQueue, Process
from gateway.agents.records import Closed
from gateway.agents.tools.run import ToolRunner
from gateway.canonical.jobs import Attempt, Job, JobStatus
from gateway.jobs.writer import JobWriter
from gateway.ports.clock import Clock
from gateway.ports.jobs import Jobs

# Seconds beyond a process's own time after which the reconciler takes its run for lost.
LOST_S = 60


class Engine(Struct, frozen=True):
    """Parts that a run is made with. `calls_of` gives a run's paid calls, which end by a time."""

    jobs: Jobs
    writer: JobWriter
    journals: Journals
    calls_of: Callable[[Job, float], Calls]
    tools: ToolRunner
    queue: DeliveryQueue
    clock: Clock
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self, event: Mapping[str, Any], deadline_s: float) -> dict[str, Any]:
        """Goes on with the run of `{job_id, run}`; says whether the execution is to call again."""
        given = {"job_id": event["job_id"], "run": event["run"]}
        job = await self.jobs.get(event["job_id"])
        if job is None or job.run != int(event["run"]) or job.status.terminal:
            return {**given, **NEXT_OVER}
        name = secrets.token_hex(8)
        try:
            told = await self._go_on(job, name, deadline_s)
        except Overtaken:
            told = NEXT_OVER
        return {**given, **told}

    async def _go_on(self, job: Job, name: str, deadline_s: float) -> Mapping[str, Any]:
        """Takes the run, and has what is next done until it ends or the time is short."""
        run = await self._taken(job, name, deadline_s)
        calls = self.calls_of(run.job, deadline_s)
        process = Process(
            name=name,
            deadline_s=deadline_s,
            run=run,
            calls=calls,
            tools=self.tools,
            writer=self.writer,
            journals=self.journals,
            clock=self.clock,
            queue=self.queue,
            sleep=self.sleep,
        )
        try:
            return await process.go_on()
        except Canceled:
            await self._cancel(job, name)
            return NEXT_OVER

    async def _taken(self, job: Job, name: str, deadline_s: float) -> RunRecords:
        """Marks the job as the process's own; raises `Overtaken` if a later run has begun."""
        due_s = int(deadline_s) + LOST_S

        def taken(standing: Job) -> Job:
            if standing.run != job.run or standing.status.terminal:
                return standing
            number = 1 if standing.attempt is None else standing.attempt.number + 1
            attempt = Attempt(number, 0, "", standing.model, handle=name)
            return replace(standing, attempt=attempt, status=JobStatus.RUNNING, due_s=due_s)

        standing = await self.writer.change(job, taken)
        if not holds(standing, job, name):
            raise Overtaken
        return await self.journals.read(standing)

    async def _cancel(self, job: Job, name: str) -> None:
        """Writes the end of a cancelled run, behind what was written by then."""
        standing = await self.jobs.get(job.job_id)
        if standing is None or not holds(standing, job, name):
            raise Overtaken
        run = await self.journals.read(standing)
        end = Closed(run.state.steps, decide.CANCELED, run.state.content)
        await self.journals.append(run, [end], process=name)
