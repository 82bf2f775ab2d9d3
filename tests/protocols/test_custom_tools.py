"""Tests of custom tools: both of OpenAI's wires treat them alike, and other models are offered functions."""

from typing import Any

import orjson
import pytest

from gateway.canonical.custom_tools import CustomToolStream, as_functions, restore_custom_tools
from gateway.canonical.events import Ended, Event, Finished, TextDelta, ToolCallDelta, ToolCallStarted
from gateway.canonical.parts import Message, Part, Text, ToolCall
from gateway.canonical.request import ChatRequest, Tool
from gateway.canonical.response import ChatResponse, Choice, FinishReason
from gateway.canonical.target import Profile, Target
from gateway.protocols import anthropic_messages, bedrock_converse, gemini, openai_chat, openai_responses
from tests.protocols.shaped import encoded

CUSTOM = Target("up", Profile("custom", custom_tools=True), 4096)
PLAIN = Target("up", Profile("plain"), 4096)
GRAMMAR = {"syntax": "lark", "definition": "start: x"}
FLAT = {"type": "custom", "name": "sql", "description": "A query.", "format": {"type": "grammar", **GRAMMAR}}
NESTED = {
    "type": "custom",
    "custom": {"name": "sql", "description": "A query.", "format": {"type": "grammar", "grammar": GRAMMAR}},
}
ALLOWED = [{"type": "custom", "name": "sql"}, {"type": "function", "name": "f"}]
NESTED_ALLOWED = [{"type": "custom", "custom": {"name": "sql"}}, {"type": "function", "function": {"name": "f"}}]
CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "custom", "custom": {"name": "sql", "input": 'SELECT "1"'}},
        ]},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
    ],
    "tools": [NESTED, {"type": "function", "function": {"name": "f"}}],
}  # fmt: skip
RESPONSES: dict[str, Any] = {
    "model": "m",
    "input": [
        {"role": "user", "content": "hi"},
        {"type": "custom_tool_call", "call_id": "c1", "name": "sql", "input": 'SELECT "1"'},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "1"},
    ],
    "tools": [FLAT, {"type": "function", "name": "f", "parameters": None, "strict": False}],
}
CHOICES: list[tuple[Any, Any]] = [
    ({"type": "custom", "name": "sql"}, {"type": "custom", "custom": {"name": "sql"}}),
    ({"type": "function", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
    (
        {"type": "allowed_tools", "mode": "auto", "tools": ALLOWED},
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": NESTED_ALLOWED}},
    ),
]


def to_chat(body: dict[str, Any], target: Target = CUSTOM) -> Any:
    request = openai_responses.CLIENT.decode_request(orjson.dumps(body))
    return orjson.loads(openai_chat.UPSTREAM.encode_request(request, target))


def to_responses(body: dict[str, Any], target: Target = CUSTOM) -> Any:
    request = openai_chat.CLIENT.decode_request(orjson.dumps(body))
    return orjson.loads(openai_responses.UPSTREAM.encode_request(request, target))


def test_a_request_of_the_responses_wire_says_the_same_on_the_chat_wire() -> None:
    assert to_chat(RESPONSES) == CHAT | {"model": "up", "tools": [NESTED, CHAT["tools"][1] | strict_of_responses()]}


def strict_of_responses() -> dict[str, Any]:
    return {"function": {"name": "f", "strict": False}}


def test_a_request_of_the_chat_wire_says_the_same_on_the_responses_wire() -> None:
    assert to_responses(CHAT) == RESPONSES | {"model": "up", "store": False}


@pytest.mark.parametrize(("flat", "nested"), CHOICES)
def test_a_choice_of_custom_tools_is_the_same_on_both_wires(flat: Any, nested: Any) -> None:
    assert to_chat(RESPONSES | {"tool_choice": flat})["tool_choice"] == nested
    assert to_responses(CHAT | {"tool_choice": nested})["tool_choice"] == flat


@pytest.mark.parametrize("shape", [None, {"type": "text"}])
def test_a_custom_tool_without_a_grammar_takes_any_text(shape: Any) -> None:
    member = {} if shape is None else {"format": shape}
    flat = {"type": "custom", "name": "s", "format": {"type": "text"}}
    nested = {"type": "custom", "custom": {"name": "s", "format": {"type": "text"}}}
    assert to_chat(RESPONSES | {"tools": [{"type": "custom", "name": "s"} | member]})["tools"] == [nested]
    assert to_responses(CHAT | {"tools": [{"type": "custom", "custom": {"name": "s"} | member}]})["tools"] == [flat]


SCHEMA = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
TOLD = "A query.\n\n`input` must match this lark grammar:\nstart: x"


def asked(*parts: Part, tools: tuple[Tool, ...] = ()) -> ChatRequest:
    return ChatRequest("openai_chat", "m", (Message("assistant", parts),), b"{}", tools=tools)


def test_other_models_are_offered_a_function_that_takes_the_text() -> None:
    sql = Tool("sql", "A query.", free_text={"type": "grammar", **GRAMMAR})
    plain, web = Tool("f", "F."), Tool("web_search", builtin={})
    bare = Tool("s", free_text={"type": "text"})
    tools = as_functions(asked(tools=(sql, plain, web, bare))).tools
    assert tools == (Tool("sql", TOLD, SCHEMA), plain, web, Tool("s", None, SCHEMA))


def test_calls_of_before_become_calls_of_that_function() -> None:
    call, other = ToolCall("c1", "sql", 'SELECT "1"', custom=True), ToolCall("c2", "f", "{}")
    (message,) = as_functions(asked(call, Text("and"), other)).messages
    assert message.parts == (ToolCall("c1", "sql", '{"input":"SELECT \\"1\\""}'), Text("and"), other)


@pytest.mark.parametrize(
    ("upstream", "path"),
    [
        (openai_chat.UPSTREAM, "tools.0.function.parameters"),
        (openai_responses.UPSTREAM, "tools.0.parameters"),
        (anthropic_messages.UPSTREAM, "tools.0.input_schema"),
        (gemini.UPSTREAM, "tools.0.functionDeclarations.0.parametersJsonSchema"),
        (bedrock_converse.UPSTREAM, "toolConfig.tools.0.toolSpec.inputSchema.json"),
    ],
)
def test_every_wire_carries_it_as_a_function_to_a_model_without_custom_tools(upstream: Any, path: str) -> None:
    source = RESPONSES if upstream is openai_chat.UPSTREAM else CHAT
    client = openai_responses.CLIENT if source is RESPONSES else openai_chat.CLIENT
    found = orjson.loads(encoded(upstream, client.decode_request(orjson.dumps(source)), PLAIN))
    for step in path.split("."):
        found = found[int(step)] if step.isdecimal() else found[step]
    assert found == SCHEMA


TOOLS = (Tool("sql", free_text={"type": "text"}), Tool("f"))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [('{"input": "SELECT 1"}', "SELECT 1"), ("SELECT 1", "SELECT 1"), ('{"sql": 1}', '{"sql": 1}'), ("[1]", "[1]")],
)
def test_a_call_of_the_function_is_a_call_of_the_custom_tool(arguments: str, text: str) -> None:
    parts = (Text("a"), ToolCall("c1", "sql", arguments), ToolCall("c2", "f", '{"input": "x"}'))
    response = ChatResponse("u", "m", 1, (Choice(0, parts, FinishReason.TOOL_CALLS),), None)
    (choice,) = restore_custom_tools(response, TOOLS).choices
    assert choice.parts == (parts[0], ToolCall("c1", "sql", text, custom=True), parts[2])


def test_an_answer_stays_as_it_is_where_no_custom_tool_was_offered() -> None:
    response = ChatResponse("u", "m", 1, (Choice(0, (ToolCall("c", "sql", "{}"),), None),), None)
    assert restore_custom_tools(response, TOOLS[1:]) is response


def test_a_streamed_call_of_the_function_is_told_when_its_text_is_whole() -> None:
    freeing = CustomToolStream(TOOLS)
    end: tuple[Event, ...] = (Finished(FinishReason.TOOL_CALLS), Ended())
    other = (ToolCallStarted("c2", "f", 1, 1), ToolCallDelta("{}", 1, 1))
    pieces = (ToolCallDelta('{"input": "SEL', 0, 0), *other, ToolCallDelta('ECT 1"}', 0, 0))
    told = [*freeing.events((TextDelta("a", 0), ToolCallStarted("c1", "sql", 0, 0), *pieces)), *freeing.events(end)]
    opened = ToolCallStarted("c1", "sql", 0, 0, custom=True)
    assert told == [TextDelta("a", 0), opened, *other, ToolCallDelta("SELECT 1", 0, 0), *end]


def test_a_custom_call_that_the_wire_knows_streams_as_it_comes() -> None:
    events: list[Event] = [ToolCallStarted("c1", "sql", 0, 0, custom=True), ToolCallDelta("SELECT", 0, 0), Ended()]
    assert list(CustomToolStream(TOOLS).events(events)) == events
