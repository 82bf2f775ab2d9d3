"""Tests of requests as Cohere's chat wire has them: https://docs.cohere.com/reference/chat."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.parts import (
    Audio,
    Document,
    Image,
    InlineMedia,
    Message,
    RedactedThinking,
    RemoteMedia,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from gateway.canonical.request import ChatRequest, OutputFormat, Reasoning, Sampling, Tool, ToolChoice
from gateway.canonical.target import Target
from gateway.errors import InvalidRequest
from gateway.protocols.cohere_chat import UPSTREAM
from gateway.providers.chat.profiles import PROFILES

PLAIN = Target("command-a-03-2025", PROFILES["command"], 8_000)
REASONING = Target("command-a-reasoning-08-2025", PROFILES["command_reasoning"], 32_000)
HI = Message("user", (Text("hi"),))
PNG = InlineMedia("iVBORw0KGgo=", "image/png")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def sent(*messages: Message, target: Target = PLAIN, **fields: Any) -> dict[str, Any]:
    request = replace(ChatRequest("another_wire", "asked", messages or (HI,), b""), **fields)
    body: dict[str, Any] = orjson.loads(UPSTREAM.encode_request(request, target))
    return body


def refused(*messages: Message, **fields: Any) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        sent(*messages, **fields)
    return caught.value.param


def test_a_plain_request() -> None:
    assert sent() == {
        "model": "command-a-03-2025",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": False,
    }


def test_sampling_has_the_wires_own_names() -> None:
    sampling = Sampling(0.3, 1.0, 40, 7, ("END",), 0.1, 0.2)
    told = sent(sampling=sampling, max_output_tokens=99, stream=True)
    assert {name: value for name, value in told.items() if name not in {"model", "messages"}} == {
        "stream": True,
        "max_tokens": 99,
        "temperature": 0.3,
        "p": 0.99,
        "k": 40,
        "seed": 7,
        "stop_sequences": ["END"],
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
    }


def test_a_loop_of_tools() -> None:
    answer = Message("assistant", (Thinking("I will ask."), ToolCall("c1", "weather", '{"city":"Bern"}')))
    results = Message("tool", (ToolResult("c1", (Text("18"), Image(PNG)), is_error=True),))
    assert sent(HI, answer, results)["messages"][1:] == [
        {
            "role": "assistant",
            "tool_plan": "I will ask.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bern"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Error: 18"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Media returned by the tool call c1:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            ],
        },
    ]


def test_reasoning_without_calls_is_a_block() -> None:
    answer = Message("assistant", (RedactedThinking("sealed"), Thinking("So."), Text("Bern.")))
    assert sent(HI, answer, HI)["messages"][1] == {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "So."}, {"type": "text", "text": "Bern."}],
    }
    nothing = Message("assistant", (RedactedThinking("sealed"),))
    assert sent(HI, nothing, HI)["messages"] == [{"role": "user", "content": "hi"}] * 2


def test_media() -> None:
    parts = (Image(RemoteMedia("https://a.example/b.png"), "low"), Document(InlineMedia("aGk=", "text/plain")))
    assert sent(Message("system", (Text("s"),)), Message("user", parts))["messages"] == [
        {"role": "system", "content": "s"},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}},
                {"type": "text", "text": "hi"},
            ],
        },
    ]


@pytest.mark.parametrize("part", [Document(InlineMedia("JVBERi0=", "application/pdf")), Audio(PNG)])
def test_media_that_the_wire_lacks_are_refused_by_name(part: Any) -> None:
    assert refused(Message("user", (Text("a"), part))) == "messages[0].content[1]"


def test_a_turn_of_another_roles_parts_is_refused_by_name() -> None:
    assert refused(Message("tool", (Text("a"),))) == "messages[0].content[0]"
    assert refused(Message("assistant", (Image(PNG),))) == "messages[0].content[0]"


TOOLS = (Tool("weather", "d", SCHEMA), Tool("time"))


@pytest.mark.parametrize(
    ("choice", "mode", "names"),
    [
        (None, None, ["weather", "time"]),
        (ToolChoice("auto"), None, ["weather", "time"]),
        (ToolChoice("none"), "NONE", ["weather", "time"]),
        (ToolChoice("required"), "REQUIRED", ["weather", "time"]),
        (ToolChoice("tool", "time"), "REQUIRED", ["time"]),
        (ToolChoice("auto", allowed=("weather",)), None, ["weather"]),
    ],
)
def test_a_choice_of_tools(choice: ToolChoice | None, mode: str | None, names: list[str]) -> None:
    told = sent(tools=TOOLS, tool_choice=choice)
    assert told.get("tool_choice") == mode
    assert [tool["function"]["name"] for tool in told["tools"]] == names


def test_tools() -> None:
    assert sent(tools=TOOLS)["tools"] == [
        {"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA}},
        {"type": "function", "function": {"name": "time", "parameters": {"type": "object", "properties": {}}}},
    ]
    strict = [replace(tool, strict=True) for tool in TOOLS]
    assert sent(tools=tuple(strict))["strict_tools"] is True
    assert "strict_tools" not in sent(tools=(strict[0], TOOLS[1]))


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (OutputFormat("text"), None),
        (OutputFormat("json"), {"type": "json_object"}),
        (OutputFormat("schema", SCHEMA, name="n", strict=True), {"type": "json_object", "schema": SCHEMA}),
    ],
)
def test_a_form_of_the_answer(wanted: OutputFormat, told: Any) -> None:
    assert sent(output_format=wanted).get("response_format") == told


@pytest.mark.parametrize(
    ("reasoning", "thinking"),
    [
        (Reasoning(disabled=True), {"type": "disabled"}),
        (Reasoning(effort="none"), {"type": "disabled"}),
        (Reasoning(effort="low"), {"type": "enabled", "token_budget": 2_048}),
        (Reasoning(budget_tokens=300), {"type": "enabled", "token_budget": 300}),
        (Reasoning(adaptive=True), {"type": "enabled"}),
    ],
)
def test_thinking(reasoning: Reasoning, thinking: dict[str, Any]) -> None:
    assert sent(target=REASONING, reasoning=reasoning)["thinking"] == thinking
    assert "thinking" not in sent(reasoning=reasoning)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"choices": 2}, "n"),
        ({"tools": (Tool("s", builtin={"type": "web_search"}),)}, "tools[0]"),
        ({"unmapped": {"prediction": 1}}, "prediction"),
    ],
)
def test_what_the_wire_lacks_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields) == param
