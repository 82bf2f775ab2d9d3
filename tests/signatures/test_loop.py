"""Tests of two tool loops with thinking, over wires without the provider's signatures (field cases E1, E2, F1).

The providers are simulated, but verify every signature. The real codecs read and write each side, and the caller sends
back only what its own wire gave it.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.codec import ClientCodec
from gateway.canonical.events import Failed
from gateway.canonical.parts import Thinking
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.target import Target
from gateway.canonical.tries import Tried
from gateway.errors import GatewayError
from gateway.ports.upstream import Credential
from gateway.protocols import anthropic_messages, openai_chat, openai_responses
from gateway.providers.chat.profiles import PROFILES
from gateway.providers.chat.registry import PROVIDERS
from gateway.signatures import Collector, Vault, collected, is_about_signatures, lacking, restored, unsigned
from gateway.transport import Client, parse_url
from tests.conftest import Rows
from tests.fakes.signatures import MemorySignatures
from tests.stores.conftest import StoppedClock

pytestmark = pytest.mark.anyio

Json = dict[str, Any]

BODY_BYTES_MAX = 1_000_000
STAMP = Stamp("id-1", "some-model", 1)
EXTENSION = Extension("gen-1", "some-model", (Tried("some-model", "p", "served"),), "miss", "0")
SCHEMA: Json = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ASKED = "What is the weather in Rome?"
ASKED_AGAIN = "And the weather in Paris?"
RESULT = "Sunny, 21 degrees"
STAND_IN = b"skip_thought_signature_validator"


@dataclass(frozen=True)
class Served:
    """A model of a simulated provider."""

    provider: str
    model: str
    profile: str

    @property
    def target(self) -> Target:
        return Target(self.model, PROFILES[self.profile], 32_000)


CLAUDE = Served("anthropic", "claude-sonnet-4-5-20250929", "claude_budget")
CLAUDE_ON_BEDROCK = Served("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude_budget")
GEMINI = Served("gemini", "gemini-3-flash-preview", "gemini_3_flash")
SERVED = {"anthropic": CLAUDE, "bedrock": CLAUDE_ON_BEDROCK, "gemini": GEMINI}


class ChatCaller:
    """A caller with OpenAI's SDK, which sends back the message's members that the wire knows."""

    codec: ClientCodec = openai_chat.CLIENT

    def __init__(self) -> None:
        self.messages: list[Json] = []

    def ask(self, text: str) -> None:
        self.messages.append({"role": "user", "content": text})

    def hear(self, body: bytes) -> list[str]:
        message = orjson.loads(body)["choices"][0]["message"]
        known = {name: message[name] for name in ("role", "content", "tool_calls") if message.get(name)}
        self.messages.append(known)
        return [call["id"] for call in known.get("tool_calls", ())]

    def hear_stream(self, stream: bytes) -> list[str]:
        """Reads a stream as the SDK's accumulating helper does."""
        message: Json = {"role": "assistant", "content": "", "tool_calls": []}
        for line in stream.split(b"\n"):
            if not line.startswith(b"data: {"):
                continue
            for choice in orjson.loads(line[6:])["choices"]:
                message["content"] += choice["delta"].get("content") or ""
                for delta in choice["delta"].get("tool_calls") or ():
                    _accumulate(message["tool_calls"], delta)
        self.messages.append({name: value for name, value in message.items() if value})
        return [call["id"] for call in message["tool_calls"]]

    def tell(self, call_id: str, result: str) -> None:
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": result})

    def body(self, *, stream: bool = False) -> bytes:
        tool = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}
        asked = {"model": "some-model", "messages": self.messages, "tools": [tool], "reasoning_effort": "low"}
        return orjson.dumps(asked | ({"stream": True} if stream else {}))


def _accumulate(calls: list[Json], delta: Json) -> None:
    if delta["index"] == len(calls):
        calls.append({"id": delta["id"], "type": "function", "function": {"name": "", "arguments": ""}})
    function = calls[delta["index"]]["function"]
    for name, piece in delta["function"].items():
        function[name] += piece or ""


class MessagesCaller(ChatCaller):
    """A caller with Anthropic's SDK, which sends the answer's content back unchanged."""

    codec = anthropic_messages.CLIENT

    def hear(self, body: bytes) -> list[str]:
        content = orjson.loads(body)["content"]
        self.messages.append({"role": "assistant", "content": content})
        return [block["id"] for block in content if block["type"] == "tool_use"]

    def tell(self, call_id: str, result: str) -> None:
        answer = {"type": "tool_result", "tool_use_id": call_id, "content": result}
        self.messages.append({"role": "user", "content": [answer]})

    def body(self, *, stream: bool = False) -> bytes:
        assert not stream
        tool = {"name": "get_weather", "input_schema": SCHEMA}
        thinking = {"type": "enabled", "budget_tokens": 2_048}
        asked = {"model": "some-model", "max_tokens": 8_000, "messages": self.messages, "tools": [tool]}
        return orjson.dumps(asked | {"thinking": thinking})


class ResponsesCaller(ChatCaller):
    """A caller with OpenAI's SDK on the Responses wire, which sends back calls, and no reasoning items."""

    codec = openai_responses.CLIENT

    def hear(self, body: bytes) -> list[str]:
        output = orjson.loads(body)["output"]
        self.messages += [item for item in output if item["type"] in {"message", "function_call"}]
        return [item["call_id"] for item in output if item["type"] == "function_call"]

    def tell(self, call_id: str, result: str) -> None:
        self.messages.append({"type": "function_call_output", "call_id": call_id, "output": result})

    def body(self, *, stream: bool = False) -> bytes:
        assert not stream
        tool = {"type": "function", "name": "get_weather", "parameters": SCHEMA}
        asked = {"model": "some-model", "input": self.messages, "tools": [tool], "reasoning": {"effort": "low"}}
        return orjson.dumps(asked)


class Gateway:
    """The part of the pipeline that a signature passes through."""

    def __init__(self, client: Client, clock: StoppedClock, rows: Rows, served: Served) -> None:
        row = rows[served.provider]
        self._client = client
        self._clock = clock
        self._vault = Vault(MemorySignatures(), clock)
        self._served = served
        self._provider = PROVIDERS[served.provider]
        self._credential = Credential(row["api_key"], row["base_url"], {"region": "us-east-1"})
        self.sent: list[bytes] = []

    @property
    def protocol(self) -> str:
        return self._provider.codec.protocol

    async def answer(self, codec: ClientCodec, body: bytes) -> bytes:
        asked = codec.decode_request(body)
        answer = await self._send(await self._completed(asked))
        response = self._provider.codec.decode_response(answer)
        await self._vault.keep("acct_1", collected(response, self.protocol))
        return codec.encode_response(response, STAMP, EXTENSION)

    async def stream(self, codec: ClientCodec, body: bytes) -> bytes:
        asked = codec.decode_request(body)
        answer = await self._send(await self._completed(asked))
        decoder, encoder = self._provider.codec.stream_decoder(), codec.stream_encoder(asked, STAMP)
        collector, out = Collector(self.protocol), b""
        for decoded in [*decoder.feed(answer), *decoder.flush()]:
            for event in decoded.events:
                assert not isinstance(event, Failed)
                collector.note(event)
                out += encoder.encode(event)
        await self._vault.keep("acct_1", collector.calls)
        return out + encoder.finish(EXTENSION)

    async def _completed(self, asked: ChatRequest) -> ChatRequest:
        target = self._served.target
        kept = await self._vault.recall("acct_1", lacking(asked, [(self.protocol, target.profile)]))
        return restored(asked, kept, self.protocol)

    async def _send(self, asked: ChatRequest) -> bytes:
        """Returns the provider's answer, or raises its refusal."""
        request = self._provider.request(asked, self._served.target, self._credential, self._clock.now_s())
        self.sent.append(request.body)
        base, mark, query = request.url.partition("?")
        origin, path = parse_url(base)
        headers = [(name.encode(), value.encode()) for name, value in request.headers]
        response = await self._client.request("POST", origin, path + mark + query, headers, request.body)
        body = await response.read(BODY_BYTES_MAX)
        if response.status != 200:
            raise self._provider.codec.decode_error(response.status, {}, body)
        return body

    async def answer_once_more(self, codec: ClientCodec, body: bytes) -> bytes:
        """Answers again after a refusal of the conversation's own signatures."""
        response = self._provider.codec.decode_response(await self._send(unsigned(codec.decode_request(body))))
        return codec.encode_response(response, STAMP, EXTENSION)


NewGateway = Callable[[Served], Gateway]


@pytest.fixture
def gateway(client: Client, clock: StoppedClock, provider_rows: Rows) -> NewGateway:
    return lambda served: Gateway(client, dataclasses.replace(clock, at_s=1_795_244_400.0), provider_rows, served)


async def two_loops(nexgate: Gateway, caller: ChatCaller, *, stream: bool = False) -> None:
    """Runs a question, a call, its result and an answer, twice in the same conversation."""
    for question in (ASKED, ASKED_AGAIN):
        caller.ask(question)
        calls = await say(nexgate, caller, stream=stream)
        assert len(calls) == 1
        caller.tell(calls[0], RESULT)
        assert await say(nexgate, caller, stream=stream) == []


async def say(nexgate: Gateway, caller: ChatCaller, *, stream: bool) -> list[str]:
    if stream:
        return caller.hear_stream(await nexgate.stream(caller.codec, caller.body(stream=True)))
    return caller.hear(await nexgate.answer(caller.codec, caller.body()))


def signatures_in(value: Any) -> list[str]:
    """Lists every signature in a request to a provider, in order."""
    if isinstance(value, list):
        return [found for element in value for found in signatures_in(element)]
    if not isinstance(value, dict):
        return []
    own = [value[name] for name in ("signature", "thoughtSignature") if isinstance(value.get(name), str)]
    return own + [found for element in value.values() for found in signatures_in(element)]


def signed_turns(nexgate: Gateway) -> list[int]:
    return [len(signatures_in(orjson.loads(sent))) for sent in nexgate.sent]


CALLERS: dict[str, type[ChatCaller]] = {"chat": ChatCaller, "responses": ResponsesCaller, "messages": MessagesCaller}
# Anthropic's wire has a place for thoughts of every signer, but none for the signature of a call.
WHOLE = (
    [("chat", served) for served in SERVED] + [("responses", served) for served in SERVED] + [("messages", "gemini")]
)


@pytest.mark.parametrize(("caller", "served"), WHOLE)
async def test_every_signature_finds_its_way_back(gateway: NewGateway, caller: str, served: str) -> None:
    nexgate = gateway(SERVED[served])
    await two_loops(nexgate, CALLERS[caller]())
    assert signed_turns(nexgate) == [0, 1, 1, 2]
    assert [STAND_IN in sent for sent in nexgate.sent] == [False] * 4


@pytest.mark.parametrize("served", SERVED)
async def test_every_signature_of_a_stream_finds_its_way_back(gateway: NewGateway, served: str) -> None:
    nexgate = gateway(SERVED[served])
    await two_loops(nexgate, ChatCaller(), stream=True)
    assert signed_turns(nexgate) == [0, 1, 1, 2]
    assert [STAND_IN in sent for sent in nexgate.sent] == [False] * 4


async def test_claude_goes_on_thinking_between_tools(gateway: NewGateway) -> None:
    nexgate = gateway(CLAUDE)
    await two_loops(nexgate, ChatCaller())
    assert [orjson.loads(sent)["thinking"]["type"] for sent in nexgate.sent] == ["enabled"] * 4


@pytest.mark.parametrize("caller", ["messages", "chat"])
async def test_a_thread_with_a_bad_thought_goes_on_without_it(gateway: NewGateway, caller: str) -> None:
    nexgate = gateway(CLAUDE)
    speaker = CALLERS[caller]()
    speaker.ask(ASKED)
    (call,) = await say(nexgate, speaker, stream=False)
    spoil(speaker.messages[-1]) if caller == "messages" else await spoil_kept(nexgate, call)
    speaker.tell(call, RESULT)
    with pytest.raises(GatewayError) as refused:
        await say(nexgate, speaker, stream=False)
    assert is_about_signatures(refused.value)
    assert speaker.hear(await nexgate.answer_once_more(speaker.codec, speaker.body())) == []


def spoil(message: Json) -> None:
    for block in message["content"]:
        if block["type"] == "thinking":
            block["thinking"] += " And more."


async def spoil_kept(nexgate: Gateway, call_id: str) -> None:
    kept = (await nexgate._vault.recall("acct_1", [call_id]))[call_id]
    (thought,) = kept.thoughts
    assert isinstance(thought.part, Thinking)
    bad = replace(thought, part=replace(thought.part, text="Another thought."))
    await nexgate._vault.keep("acct_1", [replace(kept, thoughts=(bad,))])
