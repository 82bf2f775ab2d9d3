"""Tests that callers see no difference between the wires of a model's provider, nor between stream and whole answer."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import orjson
import pytest

from gateway.auth.principal import Principal
from gateway.canonical.chat_models import ChatModel
from gateway.canonical.codec import ClientCodec
from gateway.http.request import Request
from gateway.http.routes import JsonRoute
from gateway.ports.upstream import Credential
from gateway.protocols import anthropic_messages, openai_chat, openai_responses
from gateway.protocols.gemini.address import parse_address
from gateway.protocols.gemini.codec import GeminiClient
from gateway.providers.chat.registry import PROVIDERS
from tests.app.harness import CATALOG, CHAT, Answer, AppUnderTest, Scripted, app_under_test, sized

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
RESPONSES, MESSAGES = "/v1/responses", "/v1/messages"
DOORS = {CHAT: openai_chat.CLIENT, RESPONSES: openai_responses.CLIENT, MESSAGES: anthropic_messages.CLIENT}
SAID = "Who wrote Emma?"
SPOKEN = [{"role": "user", "content": SAID}]
# The worst case of the dearest model would need more than the account holds.
BOUND = 2000
CLIENTS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")

Rows = Mapping[str, Credential]


def wire_at(path: str, query: Mapping[str, str]) -> ClientCodec:
    return DOORS[path] if path in DOORS else GeminiClient(parse_address(path, query))


def question(wire: str, model: str, bound: int, *, stream: bool) -> tuple[str, dict[str, Any]]:
    """Builds the path and body of a caller's question on a wire."""
    match wire:
        case "openai_chat":
            options = {"stream_options": {"include_usage": True}} if stream else {}
            limit = {"max_completion_tokens": bound}
            return CHAT, {"model": model, "messages": SPOKEN, "stream": stream, **limit, **options}
        case "openai_responses":
            return RESPONSES, {"model": model, "input": SAID, "max_output_tokens": bound, "stream": stream}
        case "anthropic_messages":
            return MESSAGES, {"model": model, "messages": SPOKEN, "max_tokens": bound, "stream": stream}
        case _:
            method = "streamGenerateContent" if stream else "generateContent"
            said = [{"role": "user", "parts": [{"text": SAID}]}]
            config = {"maxOutputTokens": bound}
            return f"/v1beta/models/{model}:{method}", {"contents": said, "generationConfig": config}


@pytest.fixture
def anyio_backend() -> str:
    """Uses real time, because the simulated providers are another process."""
    return "asyncio"


def gateway(rows: Rows) -> AbstractAsyncContextManager[AppUnderTest]:
    return app_under_test("", rows=rows, wire_at=wire_at, balance_usd=1000, commit_s=60.0)


def received(rows: Rows, provider: str) -> dict[str, Any]:
    """Returns the last request that the simulated provider received."""
    address = urlsplit(rows[provider].base_url or "")
    with urlopen(f"{address.scheme}://{address.netloc}/_sim/requests") as answer:
        seen: dict[str, Any] = orjson.loads(answer.read())["requests"][-1]
    return seen


async def asked(nexgate: AppUnderTest, wire: str, model: str, bound: int = BOUND, *, stream: bool = False) -> Answer:
    path, body = question(wire, model, bound, stream=stream)
    answer = await nexgate.ask(body, path=path)
    assert answer.status == 200, answer.body
    return answer


CHOOSY = [model for model in CATALOG.models() if model.targets[0].wires]


def test_the_models_that_openai_serves_on_its_newer_wire_alone_are_for_sale() -> None:
    assert {model.id for model in CHOOSY if "openai_responses" in model.targets[0].wires} == {
        "o1-pro", "o3-pro", "gpt-5-pro", "gpt-5-codex", "gpt-5.1-codex", "gpt-5.1-codex-mini", "gpt-5.1-codex-max",
        "gpt-5.2-codex", "gpt-5.2-pro",
    }  # fmt: skip


@pytest.mark.parametrize("model", CHOOSY, ids=lambda model: model.id)
def test_a_model_is_served_on_no_wire_but_its_own(model: ChatModel) -> None:
    target = model.targets[0]
    row = PROVIDERS[target.provider]
    assert {row.speaking(wire, target.wires).codec.protocol for wire in CLIENTS} == set(target.wires)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wire", CLIENTS)
@pytest.mark.parametrize("model", ["o1-pro", "gpt-5-codex"])
async def test_a_model_of_the_responses_wire_answers_on_every_wire(
    credentials: Rows, model: str, wire: str, stream: bool
) -> None:
    async with gateway(credentials) as nexgate:
        answer = await asked(nexgate, wire, model, stream=stream)
    assert (received(credentials, "openai")["path"], b"Emma" in answer.body) == ("/openai/v1/responses", True)


@pytest.mark.parametrize("wire", CLIENTS)
async def test_a_model_that_does_not_stream_is_asked_whole_and_told_as_a_stream(credentials: Rows, wire: str) -> None:
    async with gateway(credentials) as nexgate:
        whole = await asked(nexgate, wire, "o1-pro")
        told = await asked(nexgate, wire, "o1-pro", stream=True)
    assert received(credentials, "openai")["body"].get("stream") in {None, False}
    assert whole.headers["content-type"] == "application/json"
    assert usages(told.body)[-1] == usages(whole.body)[-1]


# Claude's answers on Anthropic's own wire: short enough to request whole, and too long for it.
SHORT, LONG = 21_333, 21_334


@pytest.mark.parametrize(
    ("bound", "stream", "asked_as_stream"), [(SHORT, False, False), (LONG, False, True), (SHORT, True, True)]
)
@pytest.mark.parametrize("wire", CLIENTS)
async def test_a_long_answer_is_asked_for_as_a_stream(
    credentials: Rows, wire: str, bound: int, stream: bool, asked_as_stream: bool
) -> None:
    async with gateway(credentials) as nexgate:
        answer = await asked(nexgate, wire, "claude-haiku-4-5", bound, stream=stream)
    assert bool(received(credentials, "anthropic")["body"].get("stream")) is asked_as_stream
    assert (answer.headers["content-type"] == "application/json") is (not stream or wire == "gemini")


ASIDES = [
    {},
    {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    {"tools": [
        {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}},
                                                 "required": ["city"]}},
        {"name": "ask", "input_schema": {"type": "object"}},
    ]},
    {"stop_sequences": [" wrote"]},
]  # fmt: skip


@pytest.mark.parametrize("aside", ASIDES)
@pytest.mark.parametrize("said", [SAID, "[[sim: refuse]]", "[[sim: redacted]] Hi", "The weather in Paris? I ask"])
async def test_an_answer_joined_from_a_stream_is_the_whole_one(credentials: Rows, aside: Any, said: str) -> None:
    answers = []
    async with gateway(credentials) as nexgate:
        for bound in (SHORT, LONG):
            spoken = [{"role": "user", "content": said}]
            body = {"model": "claude-haiku-4-5", "messages": spoken, "max_tokens": bound, **aside}
            answers.append((await nexgate.ask(body, path=MESSAGES)).json)
    whole, joined = (unnamed(answer) for answer in answers)
    assert list(answers[1]) == list(answers[0])
    assert joined == whole


def unnamed(answer: dict[str, Any]) -> dict[str, Any]:
    """Removes from an answer the members that differ in every answer."""
    cost = answer["nexevo"]["cost_usd"]
    content = [{**block, "id": "", "signature": ""} for block in answer["content"]]
    return answer | {"id": "", "content": content, "nexevo": cost}


ONLY_ANTHROPIC = {"only": ["anthropic"]}


@pytest.mark.parametrize("fault", ["error_after=1", "cut_after=700", "garbage_after=1"])
async def test_a_long_answer_whose_stream_breaks_is_tried_again_and_then_a_failure(
    credentials: Rows, fault: str
) -> None:
    spoken = [{"role": "user", "content": f"[[sim: {fault}]] {SAID}"}]
    async with gateway(credentials) as nexgate:
        # Its other providers would answer in the place of the one that breaks.
        body = {
            "model": "claude-haiku-4-5",
            "messages": spoken,
            "max_tokens": LONG,
            "provider": {"only": ["anthropic"]},
        }
        answer = await nexgate.ask(body, path=MESSAGES)
        spoken[0]["content"] = f"[[sim: {fault} times=1 id={fault}]] {SAID}"
        mended = await nexgate.ask(body, path=MESSAGES)
    assert (answer.status >= 500, answer.json["type"]) == (True, "error")
    assert (mended.status, mended.json["stop_reason"]) == (200, "end_turn")


def usages(body: bytes) -> list[Any]:
    """Lists every token count that an answer or a stream reports, under the names of all wires."""
    found = []
    for line in body.splitlines():
        text = line.removeprefix(b"data: ").strip(b",[]")
        if text.startswith(b"{"):
            value = orjson.loads(text)
            value = value.get("response") or value
            found.append(value.get("usage") or value.get("usageMetadata"))
    return [usage for usage in found if usage]


async def answers_nothing(_: Principal, request: Request) -> bytes:
    return request.method.encode()


@pytest.mark.parametrize(
    ("found", "allow"),
    [
        (openai_responses.CLIENT, "POST"),
        (JsonRoute({"GET": answers_nothing, "DELETE": answers_nothing}), "DELETE, GET"),
        (JsonRoute({"GET": answers_nothing}), "GET"),
    ],
)
async def test_a_refused_method_is_told_which_the_path_takes(credentials: Rows, found: JsonRoute, allow: str) -> None:
    async with app_under_test("", rows=credentials, wire_at=lambda *_: found) as gateway:
        answer = await gateway.ask({}, method="PATCH", path=f"{RESPONSES}/resp_1")
    assert (answer.status, answer.headers["allow"]) == (405, allow)


# The text that the simulated providers write where a function needs one.
FREE_TEXT = "Look up Paris, please"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["gpt-5", "gpt-4o", "claude-haiku-4-5", "gemini-2.5-flash", "deepseek-chat"])
async def test_a_custom_tool_is_called_as_one_by_every_provider(credentials: Rows, model: str, stream: bool) -> None:
    async with gateway(credentials) as nexgate:
        body = {"model": model, "input": FREE_TEXT, "tools": [{"type": "custom", "name": "look_up"}], "stream": stream}
        answer = await nexgate.ask(body, path=RESPONSES)
        assert answer.status == 200, answer.body
        response = ended(answer) if stream else answer.json
        call = next(item for item in response["output"] if item["type"].endswith("_call"))
        result = {"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "18 degrees"}
        said = [{"role": "user", "content": FREE_TEXT}, call, result]
        after = await nexgate.ask(body | {"input": said, "stream": False}, path=RESPONSES)
    assert (call["type"], call["name"], call["status"]) == ("custom_tool_call", "look_up", "completed")
    assert call["input"]
    assert not call["input"].startswith("{")
    assert b"18 degrees" in after.body


def ended(answer: Answer) -> Any:
    """Returns the response in a stream's last event, after checking that its call's input came piece by piece."""
    events = [orjson.loads(data) for data in answer.data if data != b"[DONE]"]
    pieces = [event["delta"] for event in events if event["type"] == "response.custom_tool_call_input.delta"]
    (done,) = (event["input"] for event in events if event["type"] == "response.custom_tool_call_input.done")
    assert "".join(pieces) == done
    return events[-1]["response"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wire", CLIENTS)
async def test_a_claude_is_served_by_bedrock_where_anthropic_is_down(
    credentials: Rows, wire: str, stream: bool
) -> None:
    async def overloaded(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(529, b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'))
        await writer.drain()

    async with Scripted(overloaded) as anthropic:
        down = Credential("k", anthropic.base_url.removesuffix("/v1"))
        async with gateway({**credentials, "anthropic": down}) as nexgate:
            await asked(nexgate, wire, "claude-opus-4-5-20251101", stream=stream)
    assert len(anthropic.bodies) == 1
    assert received(credentials, "bedrock")["path"].startswith(
        "/bedrock/model/us.anthropic.claude-opus-4-5-20251101-v1"
    )
