"""Builds a test environment for media jobs; the engine and the money are real.

The provider can fail in every way, stores are in memory, processes die, executions get lost, and the clock is
turned by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from msgspec.structs import replace

from gateway.canonical.jobs import Job, JobError, JobKind, JobStatus, Phase, Result
from gateway.canonical.media import Done, Failed, Output, Running, TaskState
from gateway.canonical.money import AccountSnapshot, Admission, Charge, EntryKind, HoldRequest, Tier
from gateway.errors import InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.jobs.closing import Closing
from gateway.jobs.media.mirror import Mirroring
from gateway.jobs.media.pictures import Painting
from gateway.jobs.media.steps import LATE_S, MediaSteps, MediaWork, ProviderBusy
from gateway.jobs.media.task_client import TaskClient
from gateway.jobs.reconciler import Reconciler
from gateway.jobs.writer import JobWriter
from gateway.pipeline.readmission import KEY_HASH, SOURCE_IP, Readmission
from gateway.ports.keys import KeyRecord
from tests.fakes.jobs import MemoryJobs
from tests.fakes.keys import MemoryKeyStore
from tests.fakes.money import MemoryMoney

ACCOUNT = "acct_jobs"
DOLLAR = 10**9
COST = 525_000_000
START_S = 1_900_000_000.0
DEADLINE_S = 3600
KEY_OF_JOBS = "hash-of-the-key"
ASKED_BY = {KEY_HASH: KEY_OF_JOBS, SOURCE_IP: "203.0.113.9"}


def no_pictures() -> Painting:
    raise AssertionError("no job of this world makes pictures")


class Died(BaseException):
    """The process has died: nothing after it runs, and no code may catch it."""


@dataclass
class Time:
    """A clock that stands still until it is turned."""

    at_s: float = START_S

    def now_s(self) -> float:
        return self.at_s

    def monotonic_s(self) -> float:
        return self.at_s


@dataclass
class Task:
    """The provider's record of one submission."""

    handle: str
    attempt_id: str
    ready_s: float
    fails: JobError | None = None
    canceled: bool = False


@dataclass
class Provider:
    """A vendor in the shape of `TaskClient`. Its faults are off by default."""

    time: Time
    random: Random
    takes_s: float = 20.0
    submit_errors: float = 0.0
    poll_errors: float = 0.0
    failures: float = 0.0
    refuses: Callable[[Job], bool] = lambda _: False
    region_named: str | None = None
    tasks: dict[str, Task] = field(default_factory=dict)

    async def region(self, provider: str) -> str | None:
        del provider
        return self.region_named

    async def calls_back(self, _job: Job) -> bool:
        return False

    async def submit(self, job: Job) -> str:
        if self.refuses(job):
            raise InvalidRequest("Not that.", code="content_policy_violation")
        if self.random.random() < self.submit_errors:
            raise self.random.choice([UpstreamError("broken"), UpstreamOverloaded("busy")])
        handle = f"task-{len(self.tasks)}"
        fails = JobError("provider_failed", "It broke.") if self.random.random() < self.failures else None
        ready_s = self.time.at_s + self.takes_s * self.random.uniform(0.5, 1.5)
        self.tasks[handle] = Task(handle, job.attempt_id, ready_s, fails)
        return handle

    async def poll(self, _job: Job, handle: str) -> TaskState:
        if self.random.random() < self.poll_errors:
            raise UpstreamError("broken")
        task = self.tasks[handle]
        if self.time.at_s < task.ready_s:
            return Running(progress=self.random.randrange(100))
        return Failed(task.fails) if task.fails else Done((Output("video/mp4", url=f"https://out.test/{handle}"),))

    async def cancel(self, job: Job) -> None:
        assert job.attempt is not None
        assert job.attempt.handle is not None
        self.tasks[job.attempt.handle].canceled = True


@dataclass
class Bucket:
    """The mirror as the steps see it: files by job, and started uploads."""

    files: dict[str, list[str]] = field(default_factory=dict)
    open_uploads: set[str] = field(default_factory=set)
    breaks: Callable[[], None] = lambda: None

    async def bring(self, job: Job, outputs: tuple[Output, ...]) -> tuple[Result, ...]:
        self.open_uploads.add(job.job_id)
        self.breaks()
        self.files[job.job_id] = [f"media/{ACCOUNT}/{job.job_id}/{n}.mp4" for n, _ in enumerate(outputs)]
        self.open_uploads.discard(job.job_id)
        return tuple(Result(name, "video/mp4", 4) for name in self.files[job.job_id])

    async def clear(self, job: Job) -> None:
        self.open_uploads.discard(job.job_id)
        self.files.pop(job.job_id, None)


@dataclass
class Machine:
    """Step Functions as `Executions` sees it: running executions, and ended waits."""

    running: set[tuple[str, int]] = field(default_factory=set)
    woken: dict[str, Mapping[str, object]] = field(default_factory=dict)

    async def start(self, _kind: JobKind, job_id: str, run: int) -> None:
        self.running.add((job_id, run))

    async def stop(self, _kind: JobKind, job_id: str, run: int) -> None:
        self.running.discard((job_id, run))

    async def wake(self, token: str, output: Mapping[str, object]) -> None:
        self.woken.setdefault(token, output)


@dataclass
class QueuedNotices:
    """The queued notices."""

    jobs: list[str] = field(default_factory=list)

    async def put(self, job: Job) -> None:
        self.jobs.append(job.job_id)


class Mortal:
    """A port whose every call may be the process's last, before or after it takes effect."""

    def __init__(self, port: Any, random: Random, odds: float) -> None:
        self._port = port
        self._random = random
        self._odds = odds

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not asyncio.iscoroutinefunction(method):
            return method

        async def call(*given: Any, **named: Any) -> Any:
            # Other tasks run in between, as they do around every call to a store.
            await asyncio.sleep(0)
            self._maybe_die()
            answer = await method(*given, **named)
            self._maybe_die()
            return answer

        return call

    def _maybe_die(self) -> None:
        if self._random.random() < self._odds:
            raise Died


@dataclass
class World:
    """All parts together."""

    seed: int = 0
    deaths: float = 0.0
    time: Time = field(default_factory=Time)
    jobs: MemoryJobs = field(default_factory=MemoryJobs)
    money: MemoryMoney = field(default_factory=MemoryMoney)
    bucket: Bucket = field(default_factory=Bucket)
    machine: Machine = field(default_factory=Machine)
    told: QueuedNotices = field(default_factory=QueuedNotices)
    keys: MemoryKeyStore = field(default_factory=MemoryKeyStore)
    tokens: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.provider = Provider(self.time, self.random)

    async def open(self) -> None:
        await self.money.open_account(ACCOUNT, rpm_limit=10**9)
        await self.money.credit(ACCOUNT, 1000 * DOLLAR, once="first", now_s=self.time.at_s)
        await self.keys.add(KEY_OF_JOBS, KeyRecord("key_1", ACCOUNT, "first", "0000", int(self.time.at_s)))

    def mortal(self, port: Any) -> Any:
        return Mortal(port, self.random, self.deaths) if self.deaths else port

    def steps(self) -> MediaSteps:
        jobs = self.mortal(self.jobs)
        writer = JobWriter(jobs, self.time)
        exchange: TaskClient = self.mortal(self.provider)
        mirroring: Mirroring = Bringing(writer, self.mortal(self.bucket))  # type: ignore[assignment]  # the bucket's
        return MediaSteps(
            MediaWork(
                jobs,
                writer,
                Closing(writer, self.mortal(self.money), self.time),
                self.mortal(self.machine),
                Readmission(self.mortal(self.keys), self.mortal(self.money), self.time),
                exchange,
                mirroring,
                self.mortal(self.told),
                self.time,
                no_pictures,
            )
        )

    def reconciler(self) -> Reconciler:
        async def withdraw(job: Job) -> None:
            raise AssertionError(f"{job.job_id} was opened")

        return Reconciler(self.mortal(self.jobs), self.mortal(self.machine), withdraw, self.time)

    async def order(self, job_id: str, *, webhook_url: str | None = None, routes: int = 1) -> Job:
        """Builds a job that has just been opened, with its execution started."""
        now_s = int(self.time.at_s)
        wanted = HoldRequest(ACCOUNT, "key_1", job_id, COST, now_s + DEADLINE_S + LATE_S, key_rpm_limit=10**9)
        admission = await self.money.admit(wanted, self.time.at_s)
        assert isinstance(admission, Admission)
        route = {"provider": "test", "model": "test-video", "upstream_model": "v1", "cost_nanousd": COST}
        job = Job(
            job_id=job_id,
            account_id=ACCOUNT,
            key_id="key_1",
            kind=JobKind.VIDEO,
            model="test-video",
            created_at_s=now_s,
            updated_at_s=now_s,
            deadline_s=now_s + DEADLINE_S,
            due_s=now_s + 60,
            order={"kind": "video", "prompt": "a cat", "routes": [route] * routes, **ASKED_BY},
            charge=Charge(COST, "req", f"gen-nxn-{job_id}", "test-video", "test-video", Tier.PASSTHROUGH, "v"),
            phase=Phase.SUBMIT,
            run=1,
            hold=await self.money.park(admission.hold),
            webhook_url=webhook_url,
        )
        await self.jobs.add(job)
        await self.machine.start(job.kind, job_id, 1)
        return job

    async def step(self, job_id: str, step: str, run: int = 1) -> dict[str, Any]:
        """Runs one step in its own process."""
        self.tokens += 1
        event = {"step": step, "job_id": job_id, "run": run, "token": f"token-{self.tokens}"}
        if step != "await":
            del event["token"]
        return await self.steps().run(event)

    async def job(self, job_id: str) -> Job:
        found = await self.jobs.get(job_id)
        assert found is not None
        return found

    async def look(self) -> AccountSnapshot:
        """Reads the account and checks that its books balance."""
        found = await self.money.read_account(ACCOUNT)
        assert found is not None
        assert found.balanced
        return found

    async def ends(self, job_id: str) -> list[EntryKind]:
        """Lists the ends of the job's hold, which should be one entry."""
        return [entry.kind for entry in (await self.look()).entries if entry.hold_id == job_id]

    async def execute(self, job_id: str, run: int) -> None:
        """Runs the state machine's steps of one execution, in this order of tries. It may be lost at any point."""
        following, pause_s = "submit", 1
        while (job_id, run) in self.machine.running and following != "over":
            try:
                token = f"token-{self.tokens + 1}"
                told: Mapping[str, object] = await self.step(job_id, following, run)
            except (Died, ProviderBusy, UpstreamError):
                await asyncio.sleep(0)
                self.time.at_s += self.random.uniform(0, 2)
                continue
            if following == "await" and token not in self.machine.woken:
                self.time.at_s += 5 + pause_s
                pause_s = min(25, pause_s * 2)
                await asyncio.sleep(0)
                continue
            told = self.machine.woken.get(token, told) if following == "await" else told
            following = {"settle": "notify", "notify": "over"}.get(following, str(told["next"]))
        self.machine.running.discard((job_id, run))


@dataclass
class Bringing:
    """The mirror's own writes around the bucket's."""

    writer: JobWriter
    bucket: Any

    async def bring(self, job: Job, outputs: tuple[Output, ...]) -> Job:
        results = await self.bucket.bring(job, outputs)
        return await self.writer.change(job, lambda standing: replace(standing, results=results))

    async def clear(self, job: Job) -> None:
        await self.bucket.clear(job)


Wait = Callable[[], Awaitable[None]]
TERMINAL = {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED}
