"""Runs agents in this process: the two apps, the engine, simulated providers, stores in memory.

The stand-in for Step Functions runs each execution as a task, and calls again as long as it is told to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
from msgspec.structs import replace

from gateway.agents.calls import PipelineCalls
from gateway.agents.engine import Engine
from gateway.agents.journal import Journals
from gateway.agents.prompt import first_requests
from gateway.agents.records import Spec
from gateway.agents.requests import RunBody, TaskBody, judge_deliverables
from gateway.agents.runs import Runs
from gateway.agents.tools.run import ToolRunner
from gateway.agents.tools.table import ROWS as ROWS_OF_TOOLS
from gateway.agents.tools.tool import Offer, Outside, Tool
from gateway.auth.principal import Principal, key_hash
from gateway.canonical.jobs import Job, JobKind
from gateway.canonical.money import EntryKind
from gateway.catalog.embeddings import EMBEDDING_MODELS
from gateway.catalog.loader import load
from gateway.catalog.rerank import RERANK_MODELS
from gateway.errors import ServiceUnavailable
from gateway.http.agents import WIRE, AgentsFamily, AgentsRoutes, TasksRoutes, read_run_body, read_task_body
from gateway.http.streaming_app import StreamingApp
from gateway.idempotency.ring import Idempotency
from gateway.jobs.writer import JobWriter
from gateway.operations.chat import ChatOperation
from gateway.operations.embeddings import EmbeddingsOperation
from gateway.operations.rerank import RerankOperation
from gateway.pipeline.charge import Billing
from gateway.pipeline.operation import InboundRequest
from gateway.pipeline.pipeline import Limits, Pipeline
from gateway.pipeline.provider_client import ProviderClient
from gateway.pipeline.readmission import Readmission
from gateway.ports.upstream import Credential, UpstreamTimeouts
from gateway.protocols import anthropic_messages, openai_chat, openai_embeddings, openai_responses, rerank
from gateway.providers.embeddings import registry as embedding_providers
from gateway.providers.rerank import registry as rerank_providers
from gateway.signatures import Vault
from gateway.transport import Client
from gateway.untrusted.urls import Policy
from gateway.upstream.provider import HttpUpstream
from tests.app.harness import ACCOUNT, CATALOG, DOLLAR, RECORD, Answer, AppUnderTest, Deferred, Keyring
from tests.background.harness import OTHER_ACCOUNT, OTHER_KEY, Clock, Queried, Services
from tests.fakes.credentials import MemoryCredentials
from tests.fakes.idempotency import MemoryIdempotencyRecords
from tests.fakes.jobs import MemoryJobs
from tests.fakes.memories import MemoryMemories
from tests.fakes.money import MemoryMoney
from tests.fakes.objects import MemoryObjects
from tests.fakes.sandbox import LocalSandbox
from tests.fakes.signatures import MemorySignatures
from tests.hangs import HANGS_AFTER_S

Rows = Mapping[str, Credential]
Wrap = Callable[[Any], Any]
OUTSIDE = Outside(LocalSandbox())
RUN, STREAM, TASKS = "/v1/agents/run", "/v1/agents/run/stream", "/v1/tasks"
ROWS: list[Mapping[str, Any]] = [
    {"id": "bge-m3", "kind": "embedding", "dimensions": 1024, "pricing": {"input": "0.07"}},
    {"id": "gpt-4o", "kind": "chat", "pricing": {"input": "2.5"}},
]


def immortal(port: Any) -> Any:
    """Leaves a port as it is."""
    return port


def with_tools(*rows: Tool) -> tuple[Tool, ...]:
    """Gives the table of tools with these rows, each in the place of one of its name."""
    names = {row.name for row in rows}
    return (*(row for row in ROWS_OF_TOOLS if row.name not in names), *rows)


class Models:
    """`ModelRows` of two models."""

    async def rows(self) -> Sequence[Mapping[str, Any]]:
        return ROWS


@dataclass
class Executions:
    """Executions as tasks. While they are `held`, none begins."""

    engine: Engine
    held: bool = False
    away: bool = False
    process_s: float = 900.0
    waiting: list[tuple[str, int]] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    calls: int = 0

    async def start(self, kind: JobKind, job_id: str, run: int) -> None:
        assert kind in {JobKind.AGENT, JobKind.TASK}
        if self.away:
            raise ServiceUnavailable("away")
        self.waiting.append((job_id, run))
        if not self.held:
            self.release()

    def release(self) -> None:
        self.tasks += [asyncio.create_task(self._execute(job_id, run)) for job_id, run in self.waiting]
        self.waiting = []

    async def _execute(self, job_id: str, run: int) -> None:
        told: dict[str, Any] = {"next": "again"}
        while told["next"] == "again":
            self.calls += 1
            deadline_s = self.engine.clock.now_s() + self.process_s
            told = await self.engine.run({"job_id": job_id, "run": run}, deadline_s)

    async def stop(self, kind: JobKind, job_id: str, run: int) -> None:
        del kind, job_id, run

    async def wake(self, token: str, output: Mapping[str, object]) -> None:
        raise AssertionError(f"{token}, {output}: no run waits for a token")

    async def finished(self) -> None:
        """Waits for every execution, and raises the error of a failed one."""
        await asyncio.gather(*self.tasks)


@dataclass
class Queue:
    """`DeliveryQueue` that keeps what is put into it."""

    put: list[tuple[str, int]] = field(default_factory=list)

    async def put_deliverable(self, job_id: str, place: int) -> None:
        self.put.append((job_id, place))


@dataclass
class Parts:
    """The stores and connections that outlive a process of the engine."""

    clock: Clock
    keys: Keyring
    rows: Rows
    money: MemoryMoney
    deferred: Deferred
    upstream: Any
    jobs: MemoryJobs
    objects: MemoryObjects
    memories: MemoryMemories
    records: MemoryIdempotencyRecords
    answers: MemoryObjects
    operations: Mapping[str, Any]
    queue: Queue = field(default_factory=Queue)

    def pipeline(self, wrap: Wrap) -> Pipeline:
        """Builds the pipeline of one process."""
        timeouts = UpstreamTimeouts(HANGS_AFTER_S, HANGS_AFTER_S, HANGS_AFTER_S)
        return Pipeline(
            providers=ProviderClient(MemoryCredentials(dict(self.rows)), wrap(self.upstream), timeouts),
            billing=Billing(wrap(self.money), wrap(self.deferred), self.clock),
            clock=self.clock,
            limits=Limits(120.0, stream_margin_s=10.0),
        )

    def engine(self, wrap: Wrap, **turned: Any) -> Engine:
        """Builds the engine of one process, over ports that may die with it."""
        pipeline, jobs, money = self.pipeline(wrap), wrap(self.jobs), wrap(self.money)
        ring = Idempotency(wrap(self.records), wrap(self.answers), self.clock)
        writer, readmission = JobWriter(jobs, self.clock), Readmission(wrap(self.keys), money, self.clock)

        def calls_of(job: Job, deadline_s: float) -> PipelineCalls:
            caller = partial(readmission.principal, job.account_id, job.order)
            find = self.operations.__getitem__
            return PipelineCalls(job.job_id, caller, deadline_s, find, pipeline, ring, money, self.clock)

        rows, outside = turned.pop("tools", ROWS_OF_TOOLS), turned.pop("outside", OUTSIDE)
        runner = ToolRunner(wrap(self.memories), lambda _: Models(), self.clock, outside, rows)
        journals = Journals(jobs, writer, wrap(self.objects))
        return Engine(jobs, writer, journals, calls_of, runner, wrap(self.queue), self.clock, **turned)


@dataclass
class Place(AppUnderTest):
    """The apps, the engine, and every part that a test may change."""

    clock: Clock
    tasks_app: StreamingApp
    jobs: MemoryJobs
    objects: MemoryObjects
    memories: MemoryMemories
    executions: Executions
    engine: Engine
    runs: Runs
    parts: Parts

    async def call(
        self,
        method: str,
        path: str,
        body: Any = b"",
        *,
        headers: Mapping[str, str] | None = None,
        seconds_left: float = 900.0,
    ) -> Answer:
        """Sends one request to the app that serves its path."""
        app: Any = Queried(self.tasks_app if path.startswith(TASKS) else self.app)
        served = AppUnderTest(self.base_url, self.money, self.keys, app, self.deferred, self.clock)
        return await served.ask(body, method=method, path=path, headers=headers, seconds_left=seconds_left)

    async def run(self, task: str, **members: Any) -> dict[str, Any]:
        """Runs an agent to its end."""
        answer = await self.call("POST", RUN, {"task": task, "model": "gpt-4o", **members})
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found

    async def submit(self, goal: str, **members: Any) -> dict[str, Any]:
        """Runs a task to its end, or to where it waits."""
        answer = await self.call("POST", TASKS, {"goal": goal, "model": "gpt-4o", **members})
        assert answer.status in {200, 202}, answer.body
        found: dict[str, Any] = answer.json
        return found

    async def get(self, job_id: str) -> dict[str, Any]:
        answer = await self.call("GET", f"{TASKS}/{job_id}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found

    async def stepped(self, job_id: str) -> None:
        """Returns once the run has told of its first step."""
        async for event in await self.runs.events(ACCOUNT, job_id, 0):
            if b"data:" in event:
                return

    async def job(self, job_id: str) -> Job:
        found = await self.jobs.get(job_id)
        assert found is not None
        return found

    async def paid_nanousd(self, job_id: str) -> int:
        """Sums the entries of the run's calls; a credit for a lost answer is named by its hold."""
        entries = (await self.look()).entries
        charges = [one for one in entries if one.charge is not None and one.charge.request_id == job_id]
        holds = {one.hold_id for one in charges}
        refunds = [
            one for one in entries if one.kind is EntryKind.CREDIT and one.note and one.note.split()[2][:-1] in holds
        ]
        return -sum(one.amount_nanousd for one in (*charges, *refunds))


async def _open_accounts(money: MemoryMoney, balance_usd: int, now_s: float) -> None:
    for account in (ACCOUNT, OTHER_ACCOUNT):
        await money.open_account(account, rpm_limit=100_000)
        if balance_usd:
            await money.credit(account, balance_usd * DOLLAR, once="first", now_s=now_s)


def _operations(clock: Clock) -> dict[str, Any]:
    texts = {"chat": openai_chat.CLIENT, "messages": anthropic_messages.CLIENT, "responses": openai_responses.CLIENT}
    return {
        **{name: ChatOperation(wire, CATALOG, Vault(MemorySignatures(), clock)) for name, wire in texts.items()},
        "embeddings": EmbeddingsOperation(openai_embeddings.CLIENT, load(EMBEDDING_MODELS, embedding_providers.KNOWN)),
        "rerank": RerankOperation(rerank.CLIENT, load(RERANK_MODELS, rerank_providers.KNOWN)),
    }


@asynccontextmanager
async def place(rows: Rows, *, balance_usd: int = 1000, **turned: Any) -> AsyncIterator[Place]:
    """Builds all of it, and stops running executions at the end."""
    clock, client, money, keys, deferred = (
        turned.get("clock") or Clock(),
        Client(),
        MemoryMoney(),
        Keyring(),
        Deferred(),
    )
    keys.records[key_hash(OTHER_KEY)] = replace(RECORD, key_id="key_other", account_id=OTHER_ACCOUNT)
    await _open_accounts(money, balance_usd, clock.now_s())
    operations = _operations(clock)
    parts = Parts(
        clock,
        keys,
        rows,
        money,
        deferred,
        HttpUpstream(client, clock),
        MemoryJobs(),
        MemoryObjects(),
        MemoryMemories(),
        MemoryIdempotencyRecords(),
        MemoryObjects(),
        operations,
    )
    pipeline, jobs, objects = parts.pipeline(immortal), parts.jobs, parts.objects
    ring = Idempotency(parts.records, parts.answers, clock)
    services: Any = Services(clock, keys, pipeline, money, ring)
    engine, writer = parts.engine(immortal, outside=turned.get("outside", OUTSIDE)), JobWriter(jobs, clock)
    executions = Executions(engine)
    runs = Runs(jobs, writer, executions, Journals(jobs, writer, objects), objects, clock)

    async def specified(principal: Principal, body: RunBody | TaskBody) -> Spec:
        if not isinstance(body, RunBody):
            judge_deliverables(body.deliverables, Policy())
        spec = body.spec(turned.get("offer", Offer(has_search=True)))
        for first in first_requests(spec):
            pipeline.open(operations["chat"], InboundRequest(principal, first, "", 0.0))
        return spec

    family = AgentsFamily(lambda: runs, read_run_body, read_task_body, specified)
    try:
        yield Place(
            "",
            money,
            keys,
            StreamingApp(lambda: services, WIRE, AgentsRoutes(family)),
            deferred,
            clock,
            StreamingApp(lambda: services, WIRE, TasksRoutes(family)),
            jobs,
            objects,
            parts.memories,
            executions,
            engine,
            runs,
            parts,
        )
    finally:
        for task in executions.tasks:
            task.cancel()
        await asyncio.gather(*executions.tasks, return_exceptions=True)
        await client.close()


def scripted(*turns: Mapping[str, Any], **words: Any) -> str:
    """Writes the directive that has the simulated model follow a script."""
    # Two closing brackets would end the directive.
    script = orjson.dumps(turns).decode().replace("]]", "] ]").replace("]]", "] ]")
    extra = "".join(f" {name}={value}" for name, value in words.items())
    return f"[[sim: script='{script}'{extra} ]]"


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """One turn of a script that calls a tool."""
    return {"call": name, "with": arguments}


def say(text: str) -> dict[str, Any]:
    """One turn of a script that answers."""
    return {"say": text}


def kinds(view: Mapping[str, Any]) -> list[str]:
    """The kinds of a run's steps."""
    return [step["type"] for step in view["steps"]]
