"""Simulates two providers whose streams are cut, behind the real pipeline: one of OpenAI's wire, and Claude."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.auth.principal import Principal
from gateway.canonical.codec import ClientCodec
from gateway.canonical.money import EntryKind
from gateway.errors import UpstreamError
from gateway.operations.chat import ChatOperation
from gateway.pipeline.charge import Billing
from gateway.pipeline.context import RequestContext
from gateway.pipeline.health import Health
from gateway.pipeline.hedging import HedgeRules
from gateway.pipeline.operation import InboundRequest
from gateway.pipeline.pipeline import Limits, Pipeline
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.keys import KeyRecord
from gateway.ports.upstream import Credential, UpstreamRequest, UpstreamTimeouts
from gateway.protocols import anthropic_messages, openai_chat, openai_completions, openai_responses
from gateway.protocols.gemini.address import Address
from gateway.protocols.gemini.codec import GeminiClient
from gateway.routing.health import place_of
from gateway.signatures import Vault
from tests.app.harness import Deferred, delta, usage
from tests.fakes.money import MemoryMoney
from tests.fakes.signatures import MemorySignatures
from tests.fakes.sinks import Received
from tests.routing.catalogs import catalog_of, model, target
from tests.virtual_time import LoopClock, run

ACCOUNT = "acct_cut"
# Pieces with white space where a cut may leave it, and with words of several bytes.
PIECES = ("Once", " upon", "  ", "a", " time", "\n", "\n", "a fürst", " 说", "了 ", "a word", ".", "\n")
WHOLE = "".join(PIECES)
PROMPT, DEAR_PROMPT = 20, 90

CLIENTS: Mapping[str, ClientCodec] = {
    "chat": openai_chat.CLIENT,
    "completions": openai_completions.CLIENT,
    "responses": openai_responses.CLIENT,
    "messages": anthropic_messages.CLIENT,
    "gemini": GeminiClient(Address("m", "streamGenerateContent", is_sse=True)),
}
ASKED: Mapping[str, dict[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "Tell."}]},
    "completions": {"prompt": "Tell."},
    "responses": {"input": "Tell."},
    "messages": {"messages": [{"role": "user", "content": "Tell."}], "max_tokens": 500},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Tell."}]}]},
}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
CLAUDES_TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
# What begins a stream, and what ends it, each once.
BEGINS: Mapping[str, bytes] = {
    "chat": b'"role":"assistant"',
    "responses": b"event: response.created",
    "messages": b"event: message_start",
}
ENDS: Mapping[str, bytes] = {
    "chat": b"data: [DONE]",
    "completions": b"data: [DONE]",
    "responses": b"event: response.completed",
    "messages": b"event: message_stop",
    "gemini": b'"finishReason"',
}


def of_openai(pieces: Iterator[str] | tuple[str, ...]) -> list[bytes]:
    """The events of an answer on OpenAI's chat wire."""
    values = [delta(""), *map(delta, pieces), delta(finish="stop"), usage(PROMPT, 7)]
    return [b"data: " + orjson.dumps(value) + b"\n\n" for value in values] + [b"data: [DONE]\n\n"]


def of_claude(pieces: tuple[str, ...], prompt: int, *, calls: bool = False) -> list[bytes]:
    """The events of an answer on Anthropic's wire, in two blocks of text."""
    message: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "model": "c", "content": []}
    message |= {"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": prompt, "output_tokens": 1}}
    values: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    for index, texts in enumerate((pieces[:3], pieces[3:])):
        values.append({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}})
        values += [
            {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}
            for text in texts
        ]
        values.append({"type": "content_block_stop", "index": index})
    if calls:
        call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
        values.append({"type": "content_block_start", "index": 2, "content_block": call})
        values.append({"type": "content_block_stop", "index": 2})
    reason = "tool_use" if calls else "end_turn"
    values.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 5}})
    values.append({"type": "message_stop"})
    return [b"event: %b\ndata: %b\n\n" % (value["type"].encode(), orjson.dumps(value)) for value in values]


@dataclass
class Cut:
    """Answers of a provider: the events of each, which is cut behind so many of them."""

    cuts: list[int | None]
    bodies: list[dict[str, Any]] = field(default_factory=list)


class Answer:
    """One answer, which breaks off where there are no more events and it is not whole."""

    status = 200
    headers: Mapping[str, str] = {"content-type": "text/event-stream"}

    def __init__(self, events: list[bytes], cut: int | None) -> None:
        self._events, self._cut = events, cut

    async def read(self) -> bytes:
        return b"".join(self._events)

    async def chunks(self) -> AsyncIterator[bytes]:
        for event in self._events[: self._cut]:
            yield event
        if self._cut is not None:
            raise UpstreamError("The provider's answer was cut off.")

    async def aclose(self) -> None:
        return


class Providers:
    """`Credentials` and `Upstream` of both providers. Claude goes on behind a prefill, and refuses one that ends in
    white space.
    """

    def __init__(self, *, together: list[int | None], anthropic: list[int | None]) -> None:
        self.by_name = {"together": Cut(together), "anthropic": Cut(anthropic)}
        # Further events of the first provider, behind its first piece of text.
        self.extra: list[bytes] = []
        self.slow_s = 0.0
        # True where Claude ends with a call of a tool.
        self.calls = False

    async def of(self, provider: str) -> list[Credential]:
        return [Credential("key", f"http://{provider}.test")]

    async def ready(self, provider: str, credential: Credential) -> Credential:
        del provider
        return credential

    async def warm(self, url: str, patience: UpstreamTimeouts) -> None:
        del url, patience

    async def send(self, request: UpstreamRequest, patience: UpstreamTimeouts) -> Answer:
        del patience
        name = "anthropic" if "anthropic" in request.url else "together"
        provider, body = self.by_name[name], orjson.loads(request.body)
        provider.bodies.append(body)
        cut = provider.cuts[min(len(provider.bodies), len(provider.cuts)) - 1]
        if name == "together":
            events = of_openai(PIECES)
            return Answer([*events[:2], *self.extra, *events[2:]], cut)
        said = prefill(body)
        assert said == said.rstrip()
        assert WHOLE.startswith(said)
        rest = claudes(WHOLE[len(said) :])
        if said:
            await asyncio.sleep(self.slow_s)
        return Answer(of_claude(rest, DEAR_PROMPT if said else PROMPT, calls=self.calls), cut)


def claudes(text: str) -> tuple[str, ...]:
    """A text in Claude's pieces."""
    return tuple(re.findall(r"\s+|\S+", text))


def prefill(body: Mapping[str, Any]) -> str:
    """The answer's beginning that a request brings."""
    last = body["messages"][-1]
    if last["role"] != "assistant":
        return ""
    content = last["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


class Client(Received):
    """The client's end of a stream."""

    @property
    def values(self) -> list[dict[str, Any]]:
        return _values(self.received)

    @property
    def text(self) -> str:
        return text_of([self.received])

    @property
    def extension(self) -> dict[str, Any]:
        found = [value["nexevo"] for value in self.values if "nexevo" in value]
        assert len(found) == 1
        extension: dict[str, Any] = found[0]
        return extension


def _values(received: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in re.findall(rb"data: (\{.*\})", received)]


def text_of(events: list[bytes]) -> str:
    return "".join(text for value in _values(b"".join(events)) for text in _texts(value))


def _texts(value: dict[str, Any]) -> Iterator[str]:
    """The text that one event adds, on any wire."""
    for choice in value.get("choices", []):
        yield choice.get("text") or choice.get("delta", {}).get("content") or ""
    if value.get("type") == "response.output_text.delta":
        yield value["delta"]
    if value.get("type") == "content_block_delta":
        yield value["delta"].get("text", "")
    for candidate in value.get("candidates", []):
        yield from (part.get("text", "") for part in candidate.get("content", {}).get("parts", []))


@dataclass
class Outcome:
    """The result of one request: `charged` is what the account has paid."""

    client: Client
    context: RequestContext[Any, Any]
    charged: int


MODEL = model(
    "m",
    target("anthropic", "3", "15") | {"provider": "together", "profile": "compatible"},
    target("anthropic", "1", "5"),
    capabilities=["tools", "structured_output"],
    input=["text"],
)


def played(
    wire: str,
    providers: Providers,
    *targets: int,
    stream_failure: str | None = "continue",
    hedged: bool = False,
    **more: Any,
) -> Outcome:
    """Streams one request through the real pipeline; `targets` are those of the model."""
    row = MODEL | {"targets": [MODEL["targets"][place] for place in targets or (0, 1)]}
    said: dict[str, Any] = {} if stream_failure is None else {"provider": {"stream_failure": stream_failure}}
    body = {"model": "m", "stream": True, **ASKED[wire], **said, **more}
    if wire == "gemini":
        del body["model"], body["stream"]

    async def story() -> Outcome:
        clock, money = LoopClock(), MemoryMoney()
        health = Health(clock)
        await money.open_account(ACCOUNT, rpm_limit=10**9)
        await money.credit(ACCOUNT, 10**12, once="start", now_s=clock.now_s() - 1)
        pipeline = Pipeline(
            providers=ProviderClient(providers, providers, UpstreamTimeouts(5, 300, 300)),
            billing=Billing(money, Deferred(), clock),
            clock=clock,
            limits=Limits(120.0, 10.0),
            health=health,
            hedging=None if not hedged else HedgeRules(frozenset({"*"}), share=1e9, price_max_usd=100.0),
        )
        pipeline._attempts.billed(10**9)
        principal = Principal(ACCOUNT, KeyRecord("key", ACCOUNT, "k", "kkkk", 0, rpm_limit=10**9))
        inbound = InboundRequest(principal, orjson.dumps(body), "req", clock.now_s() + 900)
        operation = ChatOperation(CLIENTS[wire], catalog_of(row), Vault(MemorySignatures(), clock))
        context, client = pipeline.open(operation, inbound), Client()
        if hedged:
            names = (f"pace|stream|{each.target.provider}|{place_of(each.target)}" for each in context.plan.candidates)
            health.paces = dict.fromkeys(names, 0.1)
        await pipeline.admit(context)
        await pipeline.stream(context, client)
        look = await money.read_account(ACCOUNT)
        assert look is not None
        assert (look.balanced, look.holds) == (True, ())
        charges = [entry for entry in look.entries if entry.kind is EntryKind.CHARGE]
        assert len(charges) <= 1
        return Outcome(client, context, -sum(entry.amount_nanousd for entry in charges))

    return run(story())


def tried(outcome: Outcome) -> list[tuple[str, str]]:
    return [(each["provider"], each["outcome"]) for each in outcome.client.extension["models_tried"]]
