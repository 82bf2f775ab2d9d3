"""Runs the jobs of a schedule: opened by a request, carried on by executions, found again by the reconciler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from gateway.auth.principal import Principal
from gateway.canonical.jobs import Job, JobKind, Phase
from gateway.canonical.limits import NO_TOKENS, TokenDemand
from gateway.canonical.money import Charge, NanoUsd, Tier
from gateway.canonical.usage import Usage
from gateway.errors import UpstreamError
from gateway.jobs.cancel import Canceling
from gateway.jobs.closing import Closing
from gateway.jobs.media.steps import LATE_S, MediaSteps, MediaWork
from gateway.jobs.opening import PREFIX, Opening
from gateway.jobs.reconciler import Reconciler
from gateway.jobs.writer import JobWriter
from gateway.pipeline.operation import Cost
from gateway.pipeline.readmission import Readmission
from gateway.ports.keys import KeyRecord
from gateway.ports.money import Money
from tests.fakes.jobs import MemoryJobs
from tests.fakes.keys import MemoryKeyStore
from tests.faults.faults import Faults, Process, ProcessClock, Through
from tests.faults.schedule import Ordered
from tests.jobs.world import (
    ASKED_BY,
    COST,
    KEY_OF_JOBS,
    Bringing,
    Bucket,
    Machine,
    Provider,
    QueuedNotices,
    no_pictures,
)

MODEL = "test-video"
TAKES_S, LATE_DELIVERY_S, DEADLINE_S = 15.0, 200.0, 60
# A lost execution is due again after some minutes; so many passes of the reconciler end every job.
PASSES, PASS_S = 12, 400.0
STEPS_MAX = 60

InProcess = Callable[[float, Callable[[Process], Awaitable[Any]]], Awaitable[Process]]


@dataclass(frozen=True, slots=True)
class FixedPrice:
    """The meter of a job: one price on success."""

    open_output: None = None
    tokens: TokenDemand = NO_TOKENS

    def worst_case(self, open_units: int) -> NanoUsd:
        """The price; a job's length is known."""
        del open_units
        return COST

    def cost(self, served_by: object, usage: Usage) -> Cost:
        """The price."""
        del served_by, usage
        return Cost(COST, Tier.PASSTHROUGH, "v")


@dataclass
class Jobs:
    """The jobs of one account, their stores, and what runs them. `in_process` runs a step in a process of its own."""

    faults: Faults
    money: Money
    in_process: InProcess
    table: MemoryJobs = field(default_factory=MemoryJobs)
    machine: Machine = field(default_factory=Machine)
    bucket: Bucket = field(default_factory=Bucket)
    keys: MemoryKeyStore = field(default_factory=MemoryKeyStore)
    providers: dict[str, Provider] = field(default_factory=dict)
    tokens: int = 0

    async def live(self, ordered: Ordered, job_id: str, key: KeyRecord) -> None:
        """Opens the job and runs it for as long as its execution lives; its client may cancel it meanwhile."""
        await asyncio.sleep(ordered.at_s)
        with suppress(Exception):
            await self.keys.add(KEY_OF_JOBS, key)
        provider = Provider(ProcessClock(self.faults, Process()), Random(1), TAKES_S)  # type: ignore[arg-type]  # a clock
        provider.takes_s = {"delivers late": LATE_DELIVERY_S, "never delivers": 10**9}.get(ordered.ending, TAKES_S)
        provider.failures = float(ordered.ending == "fails")
        provider.refuses = lambda _: ordered.ending == "refuses"
        self.providers[job_id] = provider

        async def opened(process: Process) -> None:
            clock = ProcessClock(self.faults, process)
            await self._opening(clock).open(_job(job_id, key, int(clock.now_s())), _principal(key), FixedPrice())

        await self.in_process(ordered.skew_s, opened)
        await asyncio.gather(self._run(job_id, ordered.skew_s), self._cancel(job_id, ordered))

    async def _cancel(self, job_id: str, ordered: Ordered) -> None:
        if ordered.cancel_at_s is None:
            return
        await asyncio.sleep(ordered.cancel_at_s)
        job = await self.table.get(job_id)
        if job is None:
            return

        async def canceled(process: Process) -> None:
            clock = ProcessClock(self.faults, process)
            writer = JobWriter(self._table, clock)
            await Canceling(writer, Closing(writer, self.money, clock), self._machine).cancel(job)

        await self.in_process(ordered.skew_s, canceled)

    async def _run(self, job_id: str, skew_s: float) -> None:
        """Runs the executions of the job that have begun, step by step; a step that fails is tried again."""
        for run in sorted(run for running, run in self.machine.running if running == job_id):
            following, pause_s = "submit", 1.0
            for _ in range(STEPS_MAX):
                if following == "over" or (job_id, run) not in self.machine.running:
                    break
                self.tokens += 1
                token = f"token-{self.tokens}"
                answer = await self._step(job_id, run, following, token, skew_s)
                if following == "await" and token not in self.machine.woken:
                    await asyncio.sleep(5 + pause_s)
                    pause_s = min(25.0, pause_s * 2)
                elif answer is None:
                    await asyncio.sleep(1)
                else:
                    told = self.machine.woken.get(token, answer)
                    following = {"settle": "notify", "notify": "over"}.get(following, str(told["next"]))
            self.machine.running.discard((job_id, run))

    async def _step(self, job_id: str, run: int, step: str, token: str, skew_s: float) -> dict[str, Any] | None:
        """The step's answer; nothing where its process died or failed."""
        answers: list[dict[str, Any]] = []

        async def stepped(process: Process) -> None:
            event = {"step": step, "job_id": job_id, "run": run} | ({"token": token} if step == "await" else {})
            answers.append(await self._steps(job_id, ProcessClock(self.faults, process)).run(event))

        process = await self.in_process(skew_s, stepped)
        return answers[0] if answers and not process.dead else None

    async def end(self) -> None:
        """Passes of the reconciler until every job is over."""
        for number in range(PASSES):
            jobs = [await self.table.get(job_id) for job_id in self.providers]
            if all(job is None or job.phase is Phase.ENDED for job in jobs):
                return
            self.faults.turned_s += LATE_S if number == PASSES // 2 else PASS_S

            async def reconciled(process: Process) -> None:
                clock = ProcessClock(self.faults, process)
                withdraw = self._opening(clock).withdraw
                await Reconciler(self._table, self._machine, withdraw, clock).run()

            await self.in_process(0.0, reconciled)
            for job_id in list(self.providers):
                await self._run(job_id, 0.0)

    @property
    def _table(self) -> Any:
        return Through(self.table, self.faults)

    @property
    def _machine(self) -> Any:
        return Through(self.machine, self.faults)

    def _opening(self, clock: ProcessClock) -> Opening:
        return Opening(self._table, self.money, self._machine, clock)

    def _steps(self, job_id: str, clock: ProcessClock) -> MediaSteps:
        writer = JobWriter(self._table, clock)
        tasks: Any = Through(self.providers[job_id], self.faults, UpstreamError)
        mirroring: Any = Bringing(writer, Through(self.bucket, self.faults))
        return MediaSteps(
            MediaWork(
                jobs=self._table,
                writer=writer,
                closing=Closing(writer, self.money, clock),
                executions=self._machine,
                readmission=Readmission(self.keys, self.money, clock),
                tasks=tasks,
                mirroring=mirroring,
                notices=QueuedNotices(),
                clock=clock,
                painting=no_pictures,
            )
        )


def _principal(key: KeyRecord) -> Principal:
    return Principal(key.account_id, key)


def _job(job_id: str, key: KeyRecord, now_s: int) -> Job:
    route = {"provider": "test", "model": MODEL, "upstream_model": "v1", "cost_nanousd": COST}
    generation_id = f"gen-nxn-{job_id.removeprefix(PREFIX)}"
    return Job(
        job_id=job_id,
        account_id=key.account_id,
        key_id=key.key_id,
        kind=JobKind.VIDEO,
        model=MODEL,
        created_at_s=now_s,
        updated_at_s=now_s,
        deadline_s=now_s + DEADLINE_S,
        due_s=now_s,
        order={"kind": "video", "prompt": "a cat", "routes": [route], **ASKED_BY},
        charge=Charge(COST, "req", generation_id, MODEL, MODEL, Tier.PASSTHROUGH, "v"),
    )
