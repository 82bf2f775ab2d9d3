"""Which wire a model is served on, and whether whole or as a stream, is the provider's affair: no caller notices."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import orjson
import pytest

from gateway.auth.principal import Principal
from gateway.canonical.models import Model
from gateway.catalog import models
from gateway.ports import Credential
from gateway.protocols import anthropic_messages, openai_chat, openai_responses
from gateway.protocols.gemini.address import parse_address
from gateway.protocols.gemini.codec import GeminiClient
from gateway.providers.registry import PROVIDERS
from gateway.web import Leads, Lookup, Request
from tests.app.harness import CHAT, Answer, House, house

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
RESPONSES, MESSAGES = "/v1/responses", "/v1/messages"
DOORS = {CHAT: openai_chat.CLIENT, RESPONSES: openai_responses.CLIENT, MESSAGES: anthropic_messages.CLIENT}
SAID = "Who wrote Emma?"
SPOKEN = [{"role": "user", "content": SAID}]
# More than the account holds would be needed for the worst case of the dearest model.
BOUND = 2000
CLIENTS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")

Rows = Mapping[str, Credential]


def route_at(path: str, query: Mapping[str, str]) -> Leads:
    return DOORS[path] if path in DOORS else GeminiClient(parse_address(path, query))


def question(wire: str, model: str, bound: int, *, stream: bool) -> tuple[str, dict[str, Any]]:
    """Where and how a caller of a wire asks."""
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


@pytest.fixture(scope="module")
def rows() -> Iterator[Rows]:
    command = [sys.executable, "-m", "local.providers", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told: dict[str, dict[str, str]] = orjson.loads(process.stdout.readline())
        yield {name: Credential(row.pop("api_key"), row.pop("base_url"), row) for name, row in told.items()}
        process.terminate()
        assert process.wait(10) == 0


def gateway(rows: Rows) -> AbstractAsyncContextManager[House]:
    return house("", rows=rows, route_at=route_at, balance_usd=1000)


def received(rows: Rows, provider: str) -> dict[str, Any]:
    """The last request that the simulated provider has seen."""
    address = urlsplit(rows[provider].base_url or "")
    with urlopen(f"{address.scheme}://{address.netloc}/_sim/requests") as answer:
        seen: dict[str, Any] = orjson.loads(answer.read())["requests"][-1]
    return seen


async def asked(house: House, wire: str, model: str, bound: int = BOUND, *, stream: bool = False) -> Answer:
    path, body = question(wire, model, bound, stream=stream)
    answer = await house.ask(body, path=path)
    assert answer.status == 200, answer.body
    return answer


CHOOSY = [offer for offer in models.load().offers() if isinstance(offer, Model) and offer.wires]


def test_the_models_that_openai_serves_on_its_newer_wire_alone_are_for_sale() -> None:
    assert {model.id for model in CHOOSY} == {
        "o1-pro", "o3-pro", "gpt-5-pro", "gpt-5-codex", "gpt-5.1-codex", "gpt-5.1-codex-mini",
    }  # fmt: skip


@pytest.mark.parametrize("model", CHOOSY, ids=lambda model: model.id)
def test_a_model_is_served_on_no_wire_but_its_own(model: Model) -> None:
    row = PROVIDERS[model.provider]
    assert {row.speaking(wire, model.wires).codec.protocol for wire in CLIENTS} == set(model.wires)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wire", CLIENTS)
@pytest.mark.parametrize("model", ["o1-pro", "gpt-5-codex"])
async def test_a_model_of_the_responses_wire_answers_on_every_wire(
    rows: Rows, model: str, wire: str, stream: bool
) -> None:
    async with gateway(rows) as house:
        answer = await asked(house, wire, model, stream=stream)
    assert (received(rows, "openai")["path"], b"Emma" in answer.body) == ("/openai/v1/responses", True)


@pytest.mark.parametrize("wire", CLIENTS)
async def test_a_model_that_does_not_stream_is_asked_whole_and_told_as_a_stream(rows: Rows, wire: str) -> None:
    async with gateway(rows) as house:
        whole = await asked(house, wire, "o1-pro")
        told = await asked(house, wire, "o1-pro", stream=True)
    assert received(rows, "openai")["body"].get("stream") in {None, False}
    assert whole.headers["content-type"] == "application/json"
    assert usages(told.body)[-1] == usages(whole.body)[-1]


# Claude's answers on Anthropic's own wire: short enough to be asked for whole, and too long for it.
SHORT, LONG = 21_333, 21_334


@pytest.mark.parametrize(
    ("bound", "stream", "asked_as_stream"), [(SHORT, False, False), (LONG, False, True), (SHORT, True, True)]
)
@pytest.mark.parametrize("wire", CLIENTS)
async def test_a_long_answer_is_asked_for_as_a_stream(
    rows: Rows, wire: str, bound: int, stream: bool, asked_as_stream: bool
) -> None:
    async with gateway(rows) as house:
        answer = await asked(house, wire, "claude-haiku-4-5", bound, stream=stream)
    assert bool(received(rows, "anthropic")["body"].get("stream")) is asked_as_stream
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
async def test_an_answer_joined_from_a_stream_is_the_whole_one(rows: Rows, aside: Any, said: str) -> None:
    answers = []
    async with gateway(rows) as house:
        for bound in (SHORT, LONG):
            spoken = [{"role": "user", "content": said}]
            body = {"model": "claude-haiku-4-5", "messages": spoken, "max_tokens": bound, **aside}
            answers.append((await house.ask(body, path=MESSAGES)).json)
    whole, joined = (unnamed(answer) for answer in answers)
    assert list(answers[1]) == list(answers[0])
    assert joined == whole


def unnamed(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what is new in every one."""
    cost = answer["nexevo"]["cost_usd"]
    content = [{**block, "id": "", "signature": ""} for block in answer["content"]]
    return answer | {"id": "", "content": content, "nexevo": cost}


@pytest.mark.parametrize("fault", ["error_after=1", "cut_after=700", "garbage_after=1"])
async def test_a_long_answer_whose_stream_breaks_is_tried_again_and_then_a_failure(rows: Rows, fault: str) -> None:
    spoken = [{"role": "user", "content": f"[[sim: {fault}]] {SAID}"}]
    async with gateway(rows) as house:
        body = {"model": "claude-haiku-4-5", "messages": spoken, "max_tokens": LONG}
        answer = await house.ask(body, path=MESSAGES)
        spoken[0]["content"] = f"[[sim: {fault} times=1 id={fault}]] {SAID}"
        mended = await house.ask(body, path=MESSAGES)
    assert (answer.status >= 500, answer.json["type"]) == (True, "error")
    assert (mended.status, mended.json["stop_reason"]) == (200, "end_turn")


def usages(body: bytes) -> list[Any]:
    """All that an answer or a stream reports of its tokens, under whichever of the wires' names."""
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
        (Lookup({"GET": answers_nothing, "DELETE": answers_nothing}), "DELETE, GET"),
        (Lookup({"GET": answers_nothing}), "GET"),
    ],
)
async def test_a_refused_method_is_told_which_the_path_takes(rows: Rows, found: Leads, allow: str) -> None:
    async with house("", rows=rows, route_at=lambda *_: found) as gateway:
        answer = await gateway.ask({}, method="PATCH", path=f"{RESPONSES}/resp_1")
    assert (answer.status, answer.headers["allow"]) == (405, allow)


# What the simulated providers write where a function wants a text.
FREE_TEXT = "Look up Paris, please"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["gpt-5", "gpt-4o", "claude-haiku-4-5", "gemini-2.5-flash", "deepseek-chat"])
async def test_a_custom_tool_is_called_as_one_whoever_serves(rows: Rows, model: str, stream: bool) -> None:
    async with gateway(rows) as house:
        body = {"model": model, "input": FREE_TEXT, "tools": [{"type": "custom", "name": "look_up"}], "stream": stream}
        answer = await house.ask(body, path=RESPONSES)
        assert answer.status == 200, answer.body
        response = ended(answer) if stream else answer.json
        call = next(item for item in response["output"] if item["type"].endswith("_call"))
        result = {"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "18 degrees"}
        said = [{"role": "user", "content": FREE_TEXT}, call, result]
        after = await house.ask(body | {"input": said, "stream": False}, path=RESPONSES)
    assert (call["type"], call["name"], call["status"]) == ("custom_tool_call", "look_up", "completed")
    assert call["input"]
    assert not call["input"].startswith("{")
    assert b"18 degrees" in after.body


def ended(answer: Answer) -> Any:
    """The response that the last event of a stream holds; its call told its input piece by piece."""
    events = [orjson.loads(data) for data in answer.data if data != b"[DONE]"]
    pieces = [event["delta"] for event in events if event["type"] == "response.custom_tool_call_input.delta"]
    (done,) = (event["input"] for event in events if event["type"] == "response.custom_tool_call_input.done")
    assert "".join(pieces) == done
    return events[-1]["response"]
