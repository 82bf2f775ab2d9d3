"""Runs the responses app and its worker in this process: real codecs, simulated providers, stores in memory.

The stand-in for Step Functions runs each execution as a task, at once or when a test allows it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from gateway.auth.principal import key_hash
from gateway.canonical.jobs import Job, JobKind
from gateway.canonical.money import EntryKind
from gateway.conversations.kept import Conversations
from gateway.errors import ServiceUnavailable
from gateway.framing.sse import Frame, SSEDecoder
from gateway.http.streaming_app import StreamingApp
from gateway.idempotency.ring import Idempotency
from gateway.jobs.writer import JobWriter
from gateway.operations.chat import ChatOperation
from gateway.pipeline.charge import Billing
from gateway.pipeline.pipeline import Limits, Pipeline
from gateway.pipeline.provider_client import ProviderClient
from gateway.pipeline.readmission import Readmission
from gateway.ports.upstream import Credential, UpstreamTimeouts
from gateway.protocols.openai_responses import CLIENT
from gateway.protocols.openai_responses.background import numbered_after
from gateway.responses.background import BackgroundResponses
from gateway.responses.conversing import Conversing
from gateway.responses.store import StoredResponses
from gateway.responses.worker import BackgroundRun, RunDependencies
from gateway.signatures import Vault
from gateway.transport import Client
from gateway.upstream.provider import HttpUpstream
from tests.app.harness import ACCOUNT, CATALOG, DOLLAR, RECORD, Answer, AppUnderTest, Deferred, Keyring
from tests.fakes.conversations import MemoryConversationRecords
from tests.fakes.credentials import MemoryCredentials
from tests.fakes.idempotency import MemoryIdempotencyRecords
from tests.fakes.jobs import MemoryJobs
from tests.fakes.money import MemoryMoney
from tests.fakes.objects import MemoryObjects
from tests.fakes.responses import MemoryResponseRecords
from tests.fakes.signatures import MemorySignatures
from tests.hangs import HANGS_AFTER_S

Rows = Mapping[str, Credential]

OTHER_ACCOUNT, OTHER_KEY = "acct_other", "sk-xc-other-key"
RESPONSES = "/v1/responses"
SAID = "Who wrote Emma?"
BEGUN = "/events/000000"


@dataclass
class Clock:
    """The machine's clocks; a test can set the first one ahead."""

    ahead_s: float = 0.0

    def now_s(self) -> float:
        return time.time() + self.ahead_s

    def monotonic_s(self) -> float:
        return time.monotonic()


class Objects(MemoryObjects):
    """A bucket that a test can wait for, and that can fail for names with a given part."""

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
        """Returns once an object whose name ends so exists."""
        async with asyncio.timeout(HANGS_AFTER_S), self._changed:
            await self._changed.wait_for(lambda: any(name.endswith(end) for name in self.names))


@dataclass
class Executions:
    """Executions as tasks. If they are `held`, none begins before `release`."""

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
        """Waits for the end of every execution, and raises the error of a failed one."""
        await asyncio.gather(*self.tasks.values())


@dataclass
class Place(AppUnderTest):
    """The app, its worker, and every part that a test may change."""

    clock: Clock
    jobs: MemoryJobs
    objects: Objects
    executions: Executions
    background: BackgroundResponses
    turns: StoredResponses
    conversations: Conversations
    services: Services
    operation: ChatOperation
    worker: BackgroundRun
    planned_by: list[str]

    async def create(self, text: str = SAID, *, model: str = "gpt-4o", **members: Any) -> Answer:
        """Sends POST /v1/responses, in the background by default."""
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
        """Sends one request below /v1/responses. The path may have a query."""
        app: Any = Queried(self.app)
        nexgate = AppUnderTest(self.base_url, self.money, self.keys, app, self.deferred, self.clock)
        return await nexgate.ask(body, method=method, path=RESPONSES + path, headers=headers, seconds_left=seconds_left)

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
        """Lists the ends and charges of the account's holds."""
        entries = (await self.look()).entries
        return [(one.kind, -one.amount_nanousd) for one in entries if one.kind is not EntryKind.CREDIT]

    async def held(self) -> int:
        """Counts the open holds."""
        return len((await self.look()).holds)

    async def spoil(self, response_id: str, **changes: Any) -> Job:
        """Returns the job in the state in which another process left it."""
        changed = await self.jobs.put(replace(await self.job(response_id), **changes))
        assert changed is not None
        return changed


@dataclass
class Queried:
    """The app behind a path that may have a query."""

    app: StreamingApp

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        path, _, query = scope["path"].partition("?")
        await self.app({**scope, "path": path, "query_string": query.encode()}, receive, send)


@asynccontextmanager
async def place(rows: Rows, *, balance_usd: int = 1000) -> AsyncIterator[Place]:
    """Builds all of it except the app, and stops running tasks at the end."""
    clock, client, money, keys, deferred = Clock(), Client(), MemoryMoney(), Keyring(), Deferred()
    keys.records[key_hash(OTHER_KEY)] = replace(RECORD, key_id="key_other", account_id=OTHER_ACCOUNT)
    for account in (ACCOUNT, OTHER_ACCOUNT):
        await money.open_account(account, rpm_limit=100_000)
        await money.credit(account, balance_usd * DOLLAR, once="first", now_s=clock.now_s())
    pipeline = Pipeline(
        providers=ProviderClient(
            MemoryCredentials(dict(rows)),
            HttpUpstream(client, clock),
            UpstreamTimeouts(HANGS_AFTER_S, HANGS_AFTER_S, HANGS_AFTER_S),
        ),
        billing=Billing(money, deferred, clock),
        clock=clock,
        limits=Limits(120.0, stream_margin_s=10.0),
    )
    operation = ChatOperation(CLIENT, CATALOG, Vault(MemorySignatures(), clock))
    ring = Idempotency(MemoryIdempotencyRecords(), MemoryObjects(), clock)
    planned_by: list[str] = []
    services: Any = Services(clock, keys, pipeline, money, ring)
    jobs, objects = MemoryJobs(), Objects()

    async def planned_at(price_version: str) -> ChatOperation:
        planned_by.append(price_version)
        return operation

    writer, turns = JobWriter(jobs, clock), StoredResponses(MemoryResponseRecords(), objects, clock)
    conversations = Conversations(MemoryConversationRecords(), objects, clock)
    worker = BackgroundRun(
        RunDependencies(
            jobs,
            writer,
            Readmission(keys, money, clock),
            money,
            pipeline,
            planned_at,
            objects,
            turns,
            lambda: Conversing(conversations),
            clock,
        )
    )
    executions = Executions(worker)
    background = BackgroundResponses(jobs, writer, executions, money, pipeline, objects, clock)
    app: Any = None
    try:
        yield Place(
            "",
            money,
            keys,
            app,
            deferred,
            clock,
            jobs,
            objects,
            executions,
            background,
            turns,
            conversations,
            services,
            operation,
            worker,
            planned_by,
        )
    finally:
        for task in executions.tasks.values():
            task.cancel()
        await asyncio.gather(*executions.tasks.values(), return_exceptions=True)
        await client.close()


def none_due() -> None:
    """Finds no look at the operator's document due."""


@dataclass
class Services:
    """The part of the wiring that an app needs."""

    clock: Clock
    keys: Keyring
    pipeline: Pipeline
    money: MemoryMoney
    idempotency: Idempotency
    commit_s: float = HANGS_AFTER_S
    reads_rpm: int = 600
    look: Any = none_due
    own_keys: Any = None
    sharing: Any = None


def frames(body: bytes) -> list[Frame]:
    """Returns the events of a stream, without comments."""
    return [frame for frame in SSEDecoder().feed(body) if frame.data]


def names(body: bytes) -> list[str | None]:
    """Returns the names of a stream's events."""
    return [frame.event for frame in frames(body) if frame.event]


def said(body: bytes) -> bytes:
    """Removes the comments that fill a stream's silences."""
    return b"".join(frame.raw for frame in frames(body)).replace(b": NX\n\n", b"")


def number(frame: Frame) -> int | None:
    """Returns the sequence number of an event, or None for the terminal mark."""
    _, highest = numbered_after(frame.raw, -1)
    return None if highest < 0 else highest


def at_other(headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """Builds the headers of another account's request."""
    return {"authorization": f"Bearer {OTHER_KEY}", **(headers or {})}


def by_key(key: str) -> dict[str, str]:
    return {"idempotency-key": key}
