"""Runs every function that answers clients in this process, over memory stores and the simulated providers.

A request passes the emulator's event, the way of its answer (whole, or the streaming runtime's cycle) and the real app.
Each request finds the same stores, on a loop of its own whose clock jumps over waits.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import Any
from unittest.mock import patch

import orjson
from msgspec.structs import replace

from functions.responses.app import ROUTES as RESPONSES
from gateway.agents.journal import Journals
from gateway.agents.runs import Runs
from gateway.canonical.jobs import Job, JobKind
from gateway.canonical.money import AccountSnapshot, Charge, Hold
from gateway.conversations.kept import Conversations
from gateway.errors import UpstreamError
from gateway.files.inputs import MediaInputs
from gateway.http.agents import AgentsFamily, AgentsRoutes, TasksRoutes, read_run_body, read_task_body
from gateway.http.buffered import answered
from gateway.http.json_app import JsonApp
from gateway.http.streaming_app import StreamingApp
from gateway.idempotency.ring import Idempotency
from gateway.jobs.media.callbacks import Callbacks
from gateway.jobs.writer import JobWriter
from gateway.logs.lines import JsonFormatter
from gateway.operations.count_tokens import TokenCounter
from gateway.operations.image_files import ImageFiles
from gateway.operations.images import Studio as DrawingStudio
from gateway.people.sessions import Sessions
from gateway.people.tokens import hashed
from gateway.pipeline.charge import Billing
from gateway.pipeline.pipeline import Limits, Pipeline
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.keys import KeyRecord
from gateway.ports.people import User
from gateway.ports.upstream import Credential, UpstreamTimeouts
from gateway.protocols.openai_responses import items
from gateway.providers.media.registry import MEDIA_VENDORS
from gateway.responses.background import BackgroundResponses
from gateway.responses.conversing import Conversing
from gateway.responses.store import StoredResponses
from gateway.runtime.cycle import HttpCycle
from gateway.runtime.event import http_scope
from gateway.runtime.invocation import InvocationContext
from gateway.signatures import Vault
from gateway.sockets.minting import ClientSecrets
from gateway.stores.money.store import DynamoMoney
from gateway.wiring.agents import specified
from gateway.wiring.chat import CATALOG
from gateway.wiring.streaming import StreamingServices
from local.gateway_event import Request, proxy_event
from tests.billing.harness import paying_over
from tests.control_plane.harness import CALLER_IP, NOW_S, StoppedClock
from tests.fakes.answers import MemoryAnswers
from tests.fakes.conversations import MemoryConversationRecords
from tests.fakes.feedback import MemoryFeedback
from tests.fakes.idempotency import MemoryIdempotencyRecords
from tests.fakes.invocations import LambdaContext
from tests.fakes.memories import MemoryMemories
from tests.fakes.objects import MemoryObjects
from tests.fakes.people import MemoryPeople
from tests.fakes.questions import MemoryQuestions
from tests.fakes.responses import MemoryResponseRecords
from tests.fakes.signatures import MemorySignatures
from tests.fakes.sockets import MemorySockets
from tests.fakes.webhooks import MemoryWebhookRecords
from tests.fuzz.cases import CHILD_ID, RESPONSE_ID, SESSION, Case
from tests.fuzz.provider import ROWS, Providers
from tests.generation.studio import ACCOUNT, Studio, routes, stack
from tests.http.endpoints import FAMILIES
from tests.http.wired import Society
from tests.money.simulation.dynamodb import SimulatedDynamoDb
from tests.virtual_time import VirtualTimeLoop

PATIENCE = UpstreamTimeouts(5, 60, 60)
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


@dataclass
class Clock(StoppedClock):
    """Both of the gateway's clocks, on the time of the request's loop."""

    def now_s(self) -> float:
        return NOW_S + self.monotonic_s()

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()


@dataclass
class Answer:
    """A function's answer; `fault` is what it reported to Lambda in place of one."""

    family: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: str | None = None


@dataclass
class LateSettlements:
    """`DeferredSettlements` of one request."""

    waiting: list[tuple[Hold, Charge | None]] = field(default_factory=list)

    async def put(self, hold: Hold, charge: Charge | None) -> None:
        self.waiting.append((hold, charge))


class LambdaService:
    """The end of the runtime's API to which one streaming answer goes; it takes all at once."""

    keeps_up = True
    answered = False

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._sent = bytearray()

    async def stream(self, _: InvocationContext) -> LambdaService:
        return self

    def write(self, data: bytes) -> None:
        self._sent += data

    async def drain(self) -> None:
        return

    async def finish(self, _: LambdaService, data: bytes = b"", fault: object = None) -> None:
        self._sent += data
        head, self._answer.body = bytes(self._sent).split(b"\x00" * 8, 1)
        described = orjson.loads(head)
        self._answer.status, self._answer.headers = described["statusCode"], described["headers"]
        self._answer.fault = None if fault is None else repr(fault)

    async def fail(self, _: InvocationContext, fault: object) -> None:
        self._answer.fault = repr(fault)


class Lines(logging.Handler):
    """Makes the line of each record as a function's own handler does, whose failure fails the request; drops it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter("stack"))

    def emit(self, record: logging.LogRecord) -> None:
        self.format(record)


@dataclass
class Stores:
    """All that functions share, of which every request gets a copy."""

    studio: Studio = field(default_factory=lambda: Studio(clock=Clock()))
    responses: MemoryResponseRecords = field(default_factory=MemoryResponseRecords)
    conversations: MemoryConversationRecords = field(default_factory=MemoryConversationRecords)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    people: MemoryPeople = field(default_factory=MemoryPeople)
    payments: SimulatedDynamoDb = field(default_factory=SimulatedDynamoDb)
    ids: dict[str, str] = field(default_factory=dict)

    async def settle_in(self) -> None:
        """Fills the stores with one of each thing that a path can name."""
        studio = self.studio
        await studio.settle_in()
        await studio.keys.change(ACCOUNT, f"key_of_{ACCOUNT}", {"can_manage_keys": True})
        await studio.give_key("sk-xc-child", KeyRecord(CHILD_ID, ACCOUNT, "child", "hild", int(NOW_S)))
        self.ids = {"video": await studio.create(), "model": await studio.create_asset()}
        await studio.succeed(self.ids["video"])
        turn = orjson.dumps({"model": "gpt-4o", "input": "Who wrote Emma?"})
        said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Jane Austen."}]}
        response: dict[str, Any] = {
            "id": RESPONSE_ID,
            "object": "response",
            "status": "completed",
            "output": [said],
            "error": None,
        }
        response |= {"created_at": int(NOW_S), "model": "gpt-4o"}
        turns = StoredResponses(self.responses, self.objects, studio.clock)
        assert await turns.keep(ACCOUNT, RESPONSE_ID, turn, orjson.dumps(response))
        assert items.retrieved(await turns.read(ACCOUNT, RESPONSE_ID))
        kept = Conversations(self.conversations, self.objects, studio.clock)
        self.ids["conversation"] = kept.new_id()
        await kept.create(ACCOUNT, self.ids["conversation"], "Emma", "{}", [{"role": "user", "content": "Who?"}])
        _, contents = await kept.read(ACCOUNT, self.ids["conversation"])
        self.ids["item"] = contents.entries[0].item_id
        jane = User("user_000000000000000001", ACCOUNT, "jane@example.com", "hash of a password", int(NOW_S))
        assert await self.people.add(jane, hashed(jane.email))
        tokens = await Sessions(self.people, studio.clock).open(jane, CALLER_IP, "fuzz")
        self.ids["session"] = tokens["access_token"]
        await DynamoMoney(self.payments, "accounts", "ledger").open_account(ACCOUNT, 1_000)

    def copied(self) -> Stores:
        """Returns equal stores that share nothing that changes."""
        old = self.studio
        studio = Studio(
            clock=Clock(), keys=deepcopy(old.keys), money=deepcopy(old.money),
            jobs=deepcopy(old.jobs), objects=deepcopy(old.objects),
        )  # fmt: skip
        return Stores(
            studio, deepcopy(self.responses), deepcopy(self.conversations), deepcopy(self.objects),
            deepcopy(self.people), deepcopy(self.payments), self.ids,
        )  # fmt: skip


@cache
def seeded() -> Stores:
    """Returns the stores that every request begins with."""
    stores = Stores()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(stores.settle_in())
    return stores


def named_ids() -> dict[str, str]:
    """Returns the ids of things that are there, by the names of their places in paths."""
    ids = seeded().ids
    found = {"video_id": ids["video"], "job_id": ids["model"], "key_id": CHILD_ID, "model_id": "gpt-4o"}
    return {**found, "conversation_id": ids["conversation"], "item_id": ids["item"]}


def named(path: str) -> str:
    """Returns the path with such an id in each place that is written as `@` and its name."""
    return re.sub(r"@(\w+)", lambda found: named_ids().get(found[1], "models"), path)


def signed_in(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Returns the headers with the access token of a session in the place of `SESSION`."""
    return tuple((name, value.replace(SESSION, seeded().ids["session"])) for name, value in headers)


def no_download(url: str) -> Any:
    """Refuses a provider's address: the drawing providers answer with base64."""
    raise UpstreamError(f"no download of {url}")


class World:
    """The services of one request."""

    def __init__(self) -> None:
        self.stores = seeded().copied()
        studio = self.stores.studio
        clock, money, jobs = studio.clock, studio.money, studio.jobs
        society = Society(studio, self.stores.people)
        self.control, self.people, self.organizations = society.control, society.people, society.organizations
        self.paying = paying_over(self.stores.payments, clock)
        self.late = LateSettlements()
        self.providers = ProviderClient(self, Providers(clock.now_s), PATIENCE)
        billing = Billing(money, self.late, clock)
        limits = Limits(120.0, stream_margin_s=10.0)
        pipeline = Pipeline(providers=self.providers, billing=billing, clock=clock, limits=limits)
        ring = Idempotency(MemoryIdempotencyRecords(), MemoryObjects(), clock)
        self.services = StreamingServices(clock, studio.keys, pipeline, money, ring, commit_s=0.3)
        self.vault = Vault(MemorySignatures(), clock)
        self.counter = TokenCounter(CATALOG, self.providers, clock)
        self.memories = MemoryMemories()
        self.feedback = MemoryFeedback()
        self.answers = MemoryAnswers()
        self.questions = MemoryQuestions()
        self.sockets = MemorySockets()
        self.client_secrets = ClientSecrets(self.sockets, money, self.late, clock)
        self.conversations = Conversations(self.stores.conversations, self.stores.objects, clock)
        self.turns = StoredResponses(self.stores.responses, self.stores.objects, clock)
        writer = JobWriter(jobs, clock)
        self.background = BackgroundResponses(
            jobs, writer, studio.executions, money, pipeline, self.stores.objects, clock
        )
        self.callbacks = Callbacks(jobs, writer, studio.executions, MEDIA_VENDORS, self.providers, clock)
        self.webhooks = MemoryWebhookRecords()
        inputs: Any = MediaInputs(studio.objects, studio.web, clock)
        self.drawing = DrawingStudio(self.providers.ask, ImageFiles(studio.objects, inputs, no_download, clock))
        journals = Journals(jobs, writer, self.stores.objects)
        self.runs = Runs(jobs, writer, studio.executions, journals, self.stores.objects, clock)

    async def of(self, provider: str) -> list[Credential]:
        """Returns the provider's credentials: the world is its own `Credentials`."""
        return [ROWS[provider]] if provider in ROWS else []

    async def ready(self, provider: str, credential: Credential) -> Credential:
        """Returns the credential as it is."""
        del provider
        return credential

    async def look(self) -> tuple[AccountSnapshot, list[Job]]:
        """Reads the account and its jobs."""
        found = await self.stores.studio.money.read_account(ACCOUNT)
        assert found is not None
        return found, list(await self.stores.studio.jobs.page(ACCOUNT, list(JobKind), limit=100))


class Gateway:
    """All functions; `world` is the one of the request that they serve."""

    def __init__(self) -> None:
        self.world = World()

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Has the root logger make lines."""
        root, lines = logging.getLogger(), Lines()
        level = root.level
        root.addHandler(lines)
        root.setLevel(logging.INFO)
        try:
            yield
        finally:
            root.removeHandler(lines)
            root.setLevel(level)

    @contextmanager
    def wired(self) -> Iterator[Gateway]:
        """Has the functions use this gateway's worlds."""
        with ExitStack() as undo:
            undo.enter_context(self.logged())
            undo.enter_context(patch("gateway.wiring.managed._configure_once"))
            for family in FAMILIES:
                app = getattr(import_module(f"functions.{family}.app"), "app", None)
                if isinstance(app, StreamingApp):
                    undo.enter_context(patch.object(app, "_services", lambda: self.world.services))
                elif isinstance(app, JsonApp):
                    undo.enter_context(patch.object(app, "_services", lambda: self.world.control))
            stored = replace(
                RESPONSES,
                stored=lambda: self.world.turns,
                conversing=lambda: Conversing(self.world.conversations),
            )
            undo.enter_context(patch.object(import_module("functions.responses.app").app, "_route_at", stored))
            runs = AgentsFamily(lambda: self.world.runs, read_run_body, read_task_body, specified)
            for family, routed in (("agents", AgentsRoutes(runs)), ("tasks", TasksRoutes(runs))):
                app = import_module(f"functions.{family}.app").app
                undo.enter_context(patch.object(app, "_route_at", routed))
            for name, part in {
                "gateway.wiring.streaming.services": "services",
                "gateway.wiring.chat.vault": "vault",
                "gateway.wiring.compaction.vault": "vault",
                "gateway.wiring.count_tokens.token_counter": "counter",
                "functions.messages.app.token_counter": "counter",
                "functions.gemini.app.token_counter": "counter",
                "gateway.wiring.background_responses.background_responses": "background",
                "functions.callbacks.app.callbacks": "callbacks",
                "functions.webhooks.app.webhook_records": "webhooks",
                "gateway.http.conversations.conversations": "conversations",
                "gateway.http.memory.memories": "memories",
                "gateway.http.feedback.feedback_store": "feedback",
                "gateway.http.cache.answers": "answers",
                "gateway.http.cache.questions": "questions",
                "gateway.http.realtime.client_secrets": "client_secrets",
                "gateway.wiring.agents.runs": "runs",
                "gateway.wiring.images.studio": "drawing",
                "gateway.http.organizations.organizations": "organizations",
                "gateway.http.paying.paying": "paying",
                "gateway.http.signing_in.people": "people",
                "gateway.http.own_account.people": "people",
            }.items():
                undo.enter_context(patch(name, lambda part=part: getattr(self.world, part)))
            yield self

    def ask(self, case: Case) -> Answer | None:
        """Serves one request in a new world; `None` where API Gateway has no such route."""
        path = named(case.path)
        match = routes().match(case.method, path)
        if match is None:
            return None
        self.world = World()
        stage = stack().api.stage
        # A coded body is no text; the emulator and AWS decode it before, or send it on as bytes.
        is_coded = any(name == "content-encoding" for name, _ in case.headers)
        binary = ("*/*", "") if is_coded else stack().api.binary_media_types
        arrived = Request(
            "req-1", "Root=1-a", datetime.fromtimestamp(NOW_S, UTC), case.method, path, f"/{stage}{path}",
            case.query, "HTTP/1.1", CALLER_IP, signed_in(case.headers), case.body,
        )  # fmt: skip
        event = orjson.loads(orjson.dumps(proxy_event(arrived, match, stage, binary)))
        function = stack().functions[match.route.function]
        module = import_module(f"functions.{function.family}.app")
        answer = Answer(function.family)
        with on_its_own_loop() as loop:
            if match.route.streaming:
                loop.run_until_complete(_streamed(module.app, event, answer, function.timeout_s))
            else:
                loop.run_until_complete(_buffered(module.app, event, answer))
        return answer


@contextmanager
def on_its_own_loop() -> Iterator[VirtualTimeLoop]:
    """Makes a loop current and the only one to be had, as a runtime has one, and ends what still runs on it."""
    loop = VirtualTimeLoop()
    asyncio.set_event_loop(loop)
    try:
        with patch.object(asyncio, "new_event_loop", lambda: loop):
            yield loop
        loop.run_until_complete(_end_all())
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def _end_all() -> None:
    running = asyncio.all_tasks() - {asyncio.current_task()}
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def _streamed(app: StreamingApp, event: dict[str, Any], answer: Answer, timeout_s: int) -> None:
    context = InvocationContext("invocation-1", int((NOW_S + timeout_s) * 1000), ARN, None, None, None, None)
    service: Any = LambdaService(answer)
    async with HttpCycle(service, context, event) as cycle:
        await app(http_scope(event, context), cycle.receive, cycle.send)


async def _buffered(app: JsonApp, event: dict[str, Any], answer: Answer) -> None:
    told = await answered(app, event, LambdaContext())
    answer.status, answer.body = told["statusCode"], told["body"].encode()
    answer.headers = {name: values[-1] for name, values in told["multiValueHeaders"].items()} | told["headers"]
