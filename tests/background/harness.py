"""The responses door and its worker in this process: real codecs, simulated providers, everything kept in memory.

What stands for Step Functions runs each execution as a task, at once or when a test lets it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.auth.principal import key_hash
from gateway.background.asking import BackgroundResponses
from gateway.background.running import BackgroundRun, Running
from gateway.billing import Billing
from gateway.bootstrap import ChatServices
from gateway.canonical.jobs import Job, JobKind
from gateway.canonical.money import EntryKind
from gateway.catalog import models
from gateway.errors import ServiceUnavailable
from gateway.framing.sse import Frame, SSEDecoder
from gateway.idempotency import Idempotency
from gateway.jobs.changing import JobWriter
from gateway.pipeline import Corridor, Limits
from gateway.ports import Credential, Patience
from gateway.protocols.openai_responses.background import numbered_after
from gateway.signatures import Vault
from gateway.stored_responses import StoredResponses
from gateway.stores.idempotency_memory import MemoryIdempotencyRecords
from gateway.stores.jobs_memory import MemoryJobs
from gateway.stores.money_memory import MemoryMoney
from gateway.stores.objects_memory import MemoryObjects
from gateway.stores.responses_memory import MemoryResponseRecords
from gateway.stores.signatures_memory import MemorySignatures
from gateway.transport import Client
from gateway.upstream.provider import HttpUpstream
from gateway.web import Door
from tests.app.harness import ACCOUNT, DOLLAR, RECORD, Answer, Deferred, House, Keyring
from tests.app.harness import Rows as Credentials

Rows = Mapping[str, Credential]

OTHER_ACCOUNT, OTHER_KEY = "acct_other", "sk-xc-other-key"
RESPONSES = "/v1/responses"
SAID = "Who wrote Emma?"
BEGUN = "/events/000000"
WITHIN_S = 20.0


@dataclass
class Clock:
    """The machine's clocks, the first of them turned ahead by hand."""

    ahead_s: float = 0.0

    def now_s(self) -> float:
        return time.time() + self.ahead_s

    def monotonic_s(self) -> float:
        return time.monotonic()


class Objects(MemoryObjects):
    """A bucket that can be waited for, and that can be away for names with a given part."""

    def __init__(self) -> None:
        super().__init__()
        self.away: set[str] = set()
        self.refused = asyncio.Event()
        self.names: list[str] = []
        self._changed = asyncio.Condition()

    async def put(self, name: str, body: bytes) -> None:
        if any(part in name for part in self.away):
            self.refused.set()
            raise ServiceUnavailable("away")
        await super().put(name, body)
        async with self._changed:
            self.names.append(name)
            self._changed.notify_all()

    async def delete(self, name: str) -> None:
        await super().delete(name)
        self.names = [one for one in self.names if one != name]

    async def arrived(self, end: str) -> None:
        """Returns once an object of such a name is there."""
        async with asyncio.timeout(WITHIN_S), self._changed:
            await self._changed.wait_for(lambda: any(name.endswith(end) for name in self.names))


@dataclass
class Executions:
    """Executions as tasks; where they are `held`, none begins before `release`."""

    run: BackgroundRun
    held: bool = False
    away: bool = False
    waiting: list[tuple[str, int]] = field(default_factory=list)
    tasks: dict[tuple[str, int], asyncio.Task[Any]] = field(default_factory=dict)

    async def start(self, kind: JobKind, job_id: str, run: int) -> None:
        assert kind is JobKind.RESPONSE
        if self.away:
            raise ServiceUnavailable("away")
        self.waiting.append((job_id, run))
        if not self.held:
            self.release()

    def release(self) -> None:
        for job_id, run in self.waiting:
            invocation = self.run.run({"job_id": job_id, "run": run}, time.time() + 900)
            self.tasks[job_id, run] = asyncio.create_task(invocation)
        self.waiting = []

    async def stop(self, kind: JobKind, job_id: str, run: int) -> None:
        raise AssertionError(f"{kind} {job_id}-{run}: only the reconciler stops executions")

    async def wake(self, token: str, output: Mapping[str, object]) -> None:
        raise AssertionError(f"{token}, {output}: no run waits")

    async def finished(self) -> None:
        """Every execution has ended; raises what one of them raised."""
        await asyncio.gather(*self.tasks.values())


@dataclass
class Place(House):
    """The door, its worker, and everything that a test may want to turn."""

    clock: Clock
    jobs: MemoryJobs
    objects: Objects
    executions: Executions
    background: BackgroundResponses
    turns: StoredResponses
    services: ChatServices
    worker: BackgroundRun

    async def create(self, text: str = SAID, *, model: str = "gpt-4o", **members: Any) -> Answer:
        """POST /v1/responses, in the background unless it is told otherwise."""
        headers = members.pop("headers", None)
        body = {"model": model, "input": text, "background": True, **members}
        return await self.call("POST", "", body, headers=headers)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = b"",
        *,
        headers: Mapping[str, str] | None = None,
        seconds_left: float = 900.0,
    ) -> Answer:
        """One request below /v1/responses; the path may have a query."""
        door: Any = Queried(self.door)
        house = House(self.base_url, self.money, self.keys, door, self.deferred)
        return await house.ask(body, method=method, path=RESPONSES + path, headers=headers, seconds_left=seconds_left)

    async def get(self, response_id: str) -> dict[str, Any]:
        answer = await self.call("GET", f"/{response_id}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found

    async def stream(self, response_id: str, after: int | None = None) -> Answer:
        query = "" if after is None else f"&starting_after={after}"
        return await self.call("GET", f"/{response_id}?stream=true{query}")

    async def job(self, response_id: str) -> Job:
        found = await self.jobs.get(response_id)
        assert found is not None
        return found

    async def ends(self) -> list[tuple[EntryKind, int]]:
        """How the account's holds ended, and for how much."""
        entries = (await self.look()).entries
        return [(one.kind, -one.amount_nanousd) for one in entries if one.kind is not EntryKind.CREDIT]

    async def held(self) -> int:
        """How many holds are open."""
        return len((await self.look()).holds)

    async def spoil(self, response_id: str, **changes: Any) -> Job:
        """The job as another process has left it."""
        changed = await self.jobs.put(replace(await self.job(response_id), **changes))
        assert changed is not None
        return changed


@dataclass
class Queried:
    """The door behind a path that may have a query."""

    door: Door

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        path, _, query = scope["path"].partition("?")
        await self.door({**scope, "path": path, "query_string": query.encode()}, receive, send)


@asynccontextmanager
async def place(rows: Rows, *, balance_usd: int = 1000) -> AsyncIterator[Place]:
    """All of it but the door; it stops what still runs."""
    clock, client, money, keys, deferred = Clock(), Client(), MemoryMoney(), Keyring(), Deferred()
    keys.records[key_hash(OTHER_KEY)] = replace(RECORD, key_id="key_other", account_id=OTHER_ACCOUNT)
    for account in (ACCOUNT, OTHER_ACCOUNT):
        await money.open_account(account, rpm_limit=100_000)
        await money.credit(account, balance_usd * DOLLAR, once="first", now_s=clock.now_s())
    corridor = Corridor(
        catalog=models.load(),
        credentials=Credentials(dict(rows)),
        upstream=HttpUpstream(client),
        billing=Billing(money, deferred, clock),
        vault=Vault(MemorySignatures(), clock),
        clock=clock,
        limits=Limits(120.0, stream_margin_s=10.0, patience=Patience(2.0, 20.0, 20.0)),
    )
    ring = Idempotency(MemoryIdempotencyRecords(), MemoryObjects(), clock)
    services: Any = Services(clock, keys, corridor, money, ring)
    jobs, objects = MemoryJobs(), Objects()
    writer, turns = JobWriter(jobs, clock), StoredResponses(MemoryResponseRecords(), objects, clock)
    worker = BackgroundRun(Running(jobs, writer, keys, money, corridor, objects, turns, clock))
    executions = Executions(worker)
    background = BackgroundResponses(jobs, writer, executions, money, corridor, objects, clock)
    door: Any = None
    try:
        yield Place(
            "", money, keys, door, deferred, clock, jobs, objects, executions, background, turns, services, worker
        )
    finally:
        for task in executions.tasks.values():
            task.cancel()
        await asyncio.gather(*executions.tasks.values(), return_exceptions=True)
        await client.close()


@dataclass
class Services:
    """What a door needs of the composition."""

    clock: Clock
    keys: Keyring
    corridor: Corridor
    money: MemoryMoney
    idempotency: Idempotency
    commit_s: float = 0.3


def frames(body: bytes) -> list[Frame]:
    """The events of a stream; comments are none."""
    return [frame for frame in SSEDecoder().feed(body) if frame.data]


def names(body: bytes) -> list[str | None]:
    """The names of a stream's events."""
    return [frame.event for frame in frames(body) if frame.event]


def said(body: bytes) -> bytes:
    """A stream without the comments that fill its silences."""
    return b"".join(frame.raw for frame in frames(body)).replace(b": NX\n\n", b"")


def number(frame: Frame) -> int | None:
    """The sequence number of an event; the terminal mark has none."""
    _, highest = numbered_after(frame.raw, -1)
    return None if highest < 0 else highest


def at_other(headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """The headers of somebody else's request."""
    return {"authorization": f"Bearer {OTHER_KEY}", **(headers or {})}


def by_key(key: str) -> dict[str, str]:
    return {"idempotency-key": key}
