"""Tests that what a model said is read back in each spelling in which its answer is read and forwarded."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from gateway.canonical.codec import ClientCodec
from gateway.canonical.parts import Part, Text, Thinking, ToolCall
from gateway.canonical.target import Profile, Target
from gateway.errors import InvalidRequest
from gateway.protocols import anthropic_messages, openai_chat, openai_responses
from gateway.protocols.gemini.address import Address
from gateway.protocols.gemini.codec import GeminiClient

Json = dict[str, Any]

CODECS: Mapping[str, ClientCodec] = {
    "chat": openai_chat.CLIENT,
    "responses": openai_responses.CLIENT,
    "messages": anthropic_messages.CLIENT,
    "gemini": GeminiClient(Address("m", "generateContent")),
}
SPOKEN = Text("hi")
ABSENT = object()


def body(wire: str, content: object) -> Json:
    """A conversation whose second turn is an answer with this content."""
    said = {} if content is ABSENT else {"parts" if wire == "gemini" else "content": content}
    hi = {"role": "user", "content": "x"}
    if wire == "gemini":
        turns = [{"role": "user", "parts": [{"text": "x"}]}, {"role": "model", **said}]
        return {"contents": turns}
    turns = [hi, {"role": "assistant", **said}]
    return {"model": "m", "input": turns} if wire == "responses" else {"model": "m", "max_tokens": 9, "messages": turns}


def called(wire: str, arguments: object) -> Json:
    """A conversation whose second turn is a call with these arguments."""
    match wire:
        case "chat":
            function = {"name": "f", "arguments": arguments}
            asked = body(wire, None)
            asked["messages"][1]["tool_calls"] = [{"id": "c", "type": "function", "function": function}]
            return asked
        case "responses":
            call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments}
            return {"model": "m", "input": [{"role": "user", "content": "x"}, call]}
        case "messages":
            return body(wire, [{"type": "tool_use", "id": "c", "name": "f", "input": arguments}])
        case _:
            return body(wire, [{"functionCall": {"id": "c", "name": "f", "args": arguments}}])


def answered(wire: str, asked: Json) -> tuple[Part, ...]:
    messages = CODECS[wire].decode_request(orjson.dumps(asked)).messages
    return tuple(part for message in messages if message.role == "assistant" for part in message.parts)


@pytest.mark.parametrize("wire", CODECS)
@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, ()), (ABSENT, ()), ([], ()), ([None, {}], ()), ("hi", (SPOKEN,)), (["hi"], (SPOKEN,))],
)
def test_content_that_an_answer_may_have(wire: str, content: object, expected: tuple[Part, ...]) -> None:
    assert answered(wire, body(wire, content)) == expected


@pytest.mark.parametrize(("wire", "kind"), [("chat", "text"), ("responses", "output_text"), ("messages", "text")])
def test_a_part_alone_is_content(wire: str, kind: str) -> None:
    assert answered(wire, body(wire, {"type": kind, "text": "hi"})) == (SPOKEN,)
    assert answered("gemini", body("gemini", {"text": "hi"})) == (SPOKEN,)


@pytest.mark.parametrize(("wire", "path"), [("chat", "messages"), ("responses", "input"), ("messages", "messages")])
def test_content_that_none_is_names_its_place(wire: str, path: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        answered(wire, body(wire, 5))
    assert (caught.value.param, caught.value.code) == (f"{path}[1].content", "invalid_type")


@pytest.mark.parametrize("wire", ["chat", "responses", "messages"])
def test_what_the_user_says_is_not_null(wire: str) -> None:
    asked = body(wire, "hi")
    asked["input" if wire == "responses" else "messages"][0]["content"] = None
    with pytest.raises(InvalidRequest):
        answered(wire, asked)


@pytest.mark.parametrize("wire", CODECS)
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (None, ("", "{}")),
        ("", ("", "{}")),
        ({"q": "a"}, ('{"q":"a"}', '{"q":"a"}')),
        ('{"q":"a"}', ('{"q":"a"}', '{"q":"a"}')),
        ([], ("[]", "[]")),
        ("null", ("null", "null")),
    ],
)
def test_arguments_that_an_answer_may_have(wire: str, arguments: object, expected: tuple[str, str]) -> None:
    written = expected[wire in {"messages", "gemini"}]
    assert answered(wire, called(wire, arguments)) == (ToolCall("c", "f", written),)


@pytest.mark.parametrize(("wire", "written"), [("chat", ""), ("responses", ""), ("messages", "{}"), ("gemini", "{}")])
def test_a_call_may_leave_its_arguments_out(wire: str, written: str) -> None:
    sent = orjson.dumps(called(wire, "GONE"))
    for member in (b',"arguments":"GONE"', b',"input":"GONE"', b',"args":"GONE"'):
        sent = sent.replace(member, b"")
    assert answered(wire, orjson.loads(sent)) == (ToolCall("c", "f", written),)


@pytest.mark.parametrize("wire", CODECS)
def test_arguments_that_are_none(wire: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        answered(wire, called(wire, 5))
    assert caught.value.code == "invalid_type"


def test_thoughts_of_a_responses_item() -> None:
    item = {"type": "reasoning", "id": "rs", "summary": {"type": "summary_text", "text": "t"}, "content": None}
    asked = {"model": "m", "input": [{"role": "user", "content": "x"}, item]}
    assert answered("responses", asked) == (Thinking("t"),)


@pytest.mark.parametrize("content", [None, "hi", {"type": "text", "text": "hi"}, ["hi"], []])
@pytest.mark.parametrize("thought", [[], [{"type": "thinking", "thinking": "t", "signature": ""}]])
def test_an_answer_is_forwarded_as_it_came(content: object, thought: list[Json]) -> None:
    asked = body("messages", content)
    earlier = [{"role": "assistant", "content": [*thought, {"type": "text", "text": "a"}]}, asked["messages"][0]]
    asked["messages"][1:1] = earlier
    asked |= {"max_tokens": 4_000, "thinking": {"type": "enabled", "budget_tokens": 2_000}}
    request = anthropic_messages.CLIENT.decode_request(orjson.dumps(asked))
    target = Target("up", Profile("claude", thinking="budget"), 8_000)
    sent = orjson.loads(anthropic_messages.UPSTREAM.encode_request(request, target))["messages"]
    assert sent[1]["content"] == [{"type": "text", "text": "a"}]
    assert sent[3] in (asked["messages"][3], {"role": "assistant", "content": [content]})
