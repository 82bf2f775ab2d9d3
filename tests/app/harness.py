"""Runs the chat app in this process: real codecs, real sockets to a simulated provider, money in memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import orjson

from gateway.auth.principal import key_hash
from gateway.canonical.codec import ClientCodec
from gateway.canonical.money import AccountSnapshot, Charge, Hold
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import load
from gateway.http.app import only
from gateway.http.routes import JsonRoute, OperationRoute, Route
from gateway.http.streaming_app import StreamingApp
from gateway.idempotency.ring import Idempotency
from gateway.limits.windows import READS_RPM
from gateway.operations.chat import ChatOperation
from gateway.pipeline.caching import AnswerCache
from gateway.pipeline.charge import Billing
from gateway.pipeline.pipeline import Limits, Pipeline
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.answers import CachedAnswers
from gateway.ports.clock import Clock
from gateway.ports.keys import KeyRecord
from gateway.ports.provider_keys import OwnKeys
from gateway.ports.upstream import Credential, UpstreamTimeouts
from gateway.protocols import openai_chat
from gateway.providers.chat.registry import KNOWN
from gateway.signatures import Vault
from gateway.stores.keys.own_keys import StoredOwnKeys
from gateway.transport import Client
from gateway.upstream.provider import MEMORY_MB, HttpUpstream
from gateway.wiring.streaming import StreamingServices
from tests.fakes.credentials import MemoryCredentials
from tests.fakes.idempotency import MemoryIdempotencyRecords
from tests.fakes.money import MemoryMoney
from tests.fakes.objects import MemoryObjects
from tests.fakes.provider_keys import MemoryDataKeys, MemoryProviderKeys
from tests.fakes.signatures import MemorySignatures
from tests.virtual_time import LoopClock

ACCOUNT = "acct_test"
KEY = "sk-xc-test-key"
RECORD = KeyRecord(
    key_id="key_test", account_id=ACCOUNT, name="test", last4=KEY[-4:], created_at_s=0, rpm_limit=100_000
)
DOLLAR = 10**9
CATALOG = load(CHAT_MODELS, KNOWN)
CHAT = "/v1/chat/completions"
# The wire that a path speaks, or a route of another kind.
WireAt = Callable[[str, Mapping[str, str]], ClientCodec | Route]


@dataclass
class Context:
    """The part of an invocation's context that the apps read."""

    deadline_ms: int


@dataclass
class Answer:
    """An answer, and the arrival of each piece, in seconds from the request's start."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    ended: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(piece for _, piece in self.pieces)

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["error"]
        return found

    @property
    def data(self) -> list[bytes]:
        """Returns the payloads of the SSE events, in order."""
        return [line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: ")]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        return [orjson.loads(data) for data in self.data if data != b"[DONE]"]

    @property
    def text(self) -> str:
        return "".join(
            choice["delta"].get("content") or "" for chunk in self.chunks for choice in chunk.get("choices", [])
        )


class Keyring:
    """`Keys` over the records that a test sets."""

    def __init__(self) -> None:
        self.records = {key_hash(KEY): RECORD}

    async def find(self, key_hash: str) -> KeyRecord | None:
        return self.records.get(key_hash)


@dataclass
class Deferred:
    """`DeferredSettlements` that a test reads."""

    waiting: list[tuple[Hold, Charge | None]] = field(default_factory=list)

    async def put(self, hold: Hold, charge: Charge | None) -> None:
        self.waiting.append((hold, charge))


@dataclass
class AppUnderTest:
    """One composed app with every part that a test may change."""

    base_url: str
    money: MemoryMoney
    keys: Keyring
    app: StreamingApp
    deferred: Deferred
    clock: Clock

    async def ask(
        self,
        body: Any,
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        path: str = CHAT,
        seconds_left: float = 900.0,
        more_headers: Sequence[tuple[str, str]] = (),
        takes_bytes: int | None = None,
    ) -> Answer:
        """Sends one request through the app, as the runtime would pass it; `more_headers` may repeat names.

        A caller who `takes_bytes` of the answer has left by the next piece.
        """
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        sent = {"authorization": f"Bearer {KEY}", "content-type": "application/json", **(headers or {})}
        answer, loop = Answer(), asyncio.get_running_loop()
        began_s = loop.time()
        inbox = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return inbox.pop()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                assert answer.status == 0
                answer.status = message["status"]
                answer.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
                return
            assert not answer.ended
            if takes_bytes is not None and len(answer.body) >= takes_bytes:
                raise ConnectionResetError
            if message["body"]:
                answer.pieces.append((loop.time() - began_s, message["body"]))
            answer.ended = not message.get("more_body", False)

        deadline_s = self.clock.now_s() + seconds_left
        await self.app(_scope(method, path, [*sent.items(), *more_headers], deadline_s), receive, send)
        return answer

    async def look(self) -> AccountSnapshot:
        """Reads the account and checks that its books balance."""
        found = await self.money.read_account(ACCOUNT)
        assert found is not None
        assert found.balanced
        return found


def _scope(method: str, path: str, headers: Sequence[tuple[str, str]], deadline_s: float) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers if value],
        "client": ("203.0.113.9", 0),
        "aws.event": {"requestContext": {"requestId": "req-1"}},
        "aws.context": Context(int(deadline_s * 1000)),
    }


@asynccontextmanager
async def app_under_test(
    base_url: str, *, balance_usd: int = 100, non_stream_s: float = 120.0, idle_s: float = 60.0, **turned: Any
) -> AsyncIterator[AppUnderTest]:
    """Builds an app in front of the provider at `base_url`."""
    clock, client, money, keys, deferred = LoopClock(), Client(), MemoryMoney(), Keyring(), Deferred()
    await money.open_account(ACCOUNT, rpm_limit=100_000)
    if balance_usd:
        # A second before all requests: entries of one millisecond stand in any order.
        await money.credit(ACCOUNT, balance_usd * DOLLAR, once="first", now_s=clock.now_s() - 1)
    own_keys: OwnKeys = turned.get("own_keys") or StoredOwnKeys(MemoryProviderKeys(), MemoryDataKeys(), clock)
    answers: CachedAnswers | None = turned.get("answers")
    providers = ProviderClient(
        MemoryCredentials(turned.get("rows", {"openai": Credential(turned.get("api_key", "sim-openai"), base_url)})),
        HttpUpstream(client, clock, turned.get("memory_mb", MEMORY_MB), turned.get("sharing")),
        UpstreamTimeouts(2.0, idle_s, idle_s),
        own_keys,
    )
    meanings = turned.get("meanings")
    pipeline = Pipeline(
        providers=providers,
        billing=Billing(money, deferred, clock, checkpoint_s=turned.get("checkpoint_s", 10.0)),
        clock=clock,
        limits=Limits(non_stream_s, stream_margin_s=10.0),
        health=turned.get("health"),
        hedging=turned.get("hedging"),
        cache=None
        if answers is None
        else lambda: AnswerCache(answers, clock, meanings and partial(meanings, providers, clock)),
        routes=turned.get("routes"),
    )
    vault = Vault(MemorySignatures(), clock)

    def routed(found: ClientCodec | Route) -> Route:
        if isinstance(found, JsonRoute | OperationRoute):
            return found
        wire, catalog, inputs = cast("ClientCodec", found), turned.get("catalog", CATALOG), turned.get("inputs")
        return OperationRoute(partial(ChatOperation, wire, catalog, vault, inputs=inputs, routes=turned.get("routes")))

    wire_at: WireAt | None = turned.get("wire_at")
    chat_only = only({CHAT: routed(openai_chat.CLIENT)})

    def route_at(path: str, query: Mapping[str, str]) -> Route:
        return chat_only(path, query) if wire_at is None else routed(wire_at(path, query))

    ring = Idempotency(MemoryIdempotencyRecords(), MemoryObjects(), clock)
    services = StreamingServices(
        clock,
        keys,
        pipeline,
        money,
        ring,
        commit_s=turned.get("commit_s", 0.3),
        reads_rpm=turned.get("reads_rpm", READS_RPM),
        own_keys=own_keys,
        sharing=turned.get("sharing"),
    )
    try:
        yield AppUnderTest(
            base_url,
            money,
            keys,
            StreamingApp(lambda: services, openai_chat.CLIENT, route_at),
            deferred,
            clock,
        )
    finally:
        await client.close()


class Scripted:
    """A provider that answers each request as the test's script says, byte by byte."""

    def __init__(self, script: Callable[[int, asyncio.StreamWriter], Any]) -> None:
        self._script = script
        self.bodies: list[bytes] = []
        self.heads: list[bytes] = []
        self._serving: list[asyncio.Future[None]] = []

    async def __aenter__(self) -> Scripted:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.ensure_future(self._answer(reader, writer))
        self._serving.append(serving)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
                self.bodies.append(await reader.readexactly(int(length.split(b":")[1])))
                await self._script(len(self.bodies), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


SSE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def sized(status: int, body: bytes, *headers: str) -> bytes:
    """Builds a whole HTTP answer."""
    extra = "".join(f"{header}\r\n" for header in headers)
    return (
        f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{extra}\r\n".encode()
        + body
    )


def piece(data: bytes) -> bytes:
    """Builds one chunk of a chunked body; the last chunk if `data` is empty."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(value: Any) -> bytes:
    """Builds one SSE event in its own chunk."""
    text = value if isinstance(value, bytes) else orjson.dumps(value)
    return piece(b"data: " + text + b"\n\n")


def delta(content: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Builds a chunk as OpenAI sends it."""
    said = {"role": "assistant", "content": content} if content is not None else {}
    return {
        "id": "chatcmpl-upstream",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "delta": said | more, "finish_reason": finish}],
    }


def usage(prompt: int = 10, completion: int = 5) -> dict[str, Any]:
    """Builds the chunk that reports usage."""
    return delta() | {
        "choices": [],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion},
    }


def completion(text: str = "Hello!", prompt: int = 10, tokens: int = 5, usage: Any = None) -> bytes:
    """Builds a whole answer as OpenAI sends it."""
    return orjson.dumps(
        {
            "id": "chatcmpl-upstream",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "gpt-4o-2024-08-06",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "finish_reason": "stop",
                }
            ],
            "usage": usage or {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens},
        }
    )


def hello(**more: Any) -> dict[str, Any]:
    """Builds the smallest request."""
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}], **more}
