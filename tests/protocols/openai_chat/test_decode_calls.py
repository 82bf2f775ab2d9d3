"""Tests of calls in the pieces in which providers stream them: named late, named in pieces, or saying nothing."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.canonical.events import Event, TextDelta, ToolCallDelta, ToolCallStarted
from gateway.canonical.parts import ToolCall
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.tries import Tried
from gateway.protocols.openai_chat import CLIENT
from gateway.protocols.openai_chat import UPSTREAM as CHAT
from tests.protocols.clones import Json, chat, chunk, events, forwarded, read

STAMP = Stamp("chatcmpl-nxn-n1", "m", 5)
EXTENSION = Extension("gen-nxn-n1", "m", (Tried("m", "p", "served"),), "miss", "0")
EMPTY: list[Any] = [
    None,
    {"index": 1, "id": "", "type": "function", "function": {"name": "", "arguments": ""}},
    {"index": 1, "id": None, "function": {"name": None, "arguments": None}},
    {"index": 1, "function": {}},
    {"index": 1, "custom": {"name": "", "input": ""}},
]
CALL: Json = {"id": "c", "type": "function", "function": {"name": "pick", "arguments": "{}"}}
END = b"data: [DONE]\n\n"


def piece(index: int = 0, identity: str | None = None, **function: Any) -> bytes:
    return chunk({"tool_calls": [{"index": index, "id": identity, "function": function}]})


def calls(*frames: bytes) -> list[Event]:
    found = events(CHAT, *frames, END)
    return [event for event in found if isinstance(event, TextDelta | ToolCallStarted | ToolCallDelta)]


STARTED = ToolCallStarted("c", "pick", 0, 0)


@pytest.mark.parametrize("first", [{}, {"name": ""}, {"name": None}, {"name": "", "arguments": ""}])
def test_a_call_begins_when_its_name_comes(first: Json) -> None:
    frames = piece(0, "c", **first), piece(name="pick", arguments='{"q"'), piece(arguments=":1}")
    assert calls(*frames) == [STARTED, ToolCallDelta('{"q"', 0, 0), ToolCallDelta(":1}", 0, 0)]


def test_arguments_before_the_name_are_kept() -> None:
    assert calls(piece(0, "c", arguments="{"), piece(arguments="}"), piece(name="pick")) == [
        STARTED,
        ToolCallDelta("{}", 0, 0),
    ]


def test_a_name_in_pieces_is_put_together() -> None:
    assert calls(piece(0, "c", name="pi", arguments=""), piece(name="ck"), piece(arguments="{}")) == [
        STARTED,
        ToolCallDelta("{}", 0, 0),
    ]


@pytest.mark.parametrize("again", ["pick", ""])
def test_a_name_that_is_repeated_is_said_once(again: str) -> None:
    frames = (
        piece(0, "c", name="pick", arguments=""),
        piece(name=again, arguments="{"),
        piece(name=again, arguments="}"),
    )
    assert calls(*frames) == [STARTED, ToolCallDelta("{", 0, 0), ToolCallDelta("}", 0, 0)]


def test_a_call_without_arguments_begins_before_what_follows_it() -> None:
    assert calls(piece(0, "c", name="pick"), chunk({"content": "x"})) == [STARTED, TextDelta("x", 1)]
    assert calls(piece(0, "c", name="pick"), piece(1, "d", name="g")) == [STARTED, ToolCallStarted("d", "g", 1, 1)]
    assert calls(piece(0, "c", name="pick"), chunk({}, "tool_calls")) == [STARTED]


def test_calls_are_numbered_as_they_begin() -> None:
    frames = piece(0, "x"), piece(1, "c", name="pick", arguments="{}")
    assert calls(*frames) == [STARTED, ToolCallDelta("{}", 0, 0)]


def test_a_call_that_never_says_its_name_keeps_its_arguments() -> None:
    assert calls(piece(0, "c", arguments="{}")) == [ToolCallStarted("c", "", 0, 0), ToolCallDelta("{}", 0, 0)]


@pytest.mark.parametrize("empty", EMPTY)
def test_a_call_that_says_nothing_is_none(empty: Any) -> None:
    body = chat({"tool_calls": [CALL, empty]})
    assert read(CHAT, body).choices[0].parts == (ToolCall("c", "pick", "{}"),)
    for frames in (
        [piece(0, "c", name="pick"), chunk({"tool_calls": [empty]})],
        [chunk({"tool_calls": [empty, CALL]})],
    ):
        assert [event for event in calls(*frames) if isinstance(event, ToolCallStarted)] == [STARTED]


@pytest.mark.parametrize("empty", EMPTY)
def test_a_call_that_says_nothing_is_not_forwarded(empty: Any) -> None:
    body = orjson.dumps(chat({"tool_calls": [CALL, empty]}))
    said = orjson.loads(CLIENT.forward_response(body, STAMP, EXTENSION))["choices"][0]["message"]
    assert said["tool_calls"] == [CALL]
    alone = orjson.dumps(chat({"content": "x", "tool_calls": [empty]}))
    assert orjson.loads(CLIENT.forward_response(alone, STAMP, EXTENSION))["choices"][0]["message"]["tool_calls"] is None
    (frame,) = forwarded(CHAT, chunk({"tool_calls": [CALL | {"index": 0}, empty]}))
    assert orjson.loads(frame)["choices"][0]["delta"]["tool_calls"] == [CALL | {"index": 0}]


def test_an_empty_piece_of_an_open_call_is_forwarded_as_it_came() -> None:
    opening, more = chunk({"tool_calls": [CALL | {"index": 0}]}), piece(arguments="")
    assert forwarded(CHAT, opening, more) == [opening[6:-2], more[6:-2]]


def test_a_first_function_call_beside_empty_ones_is_called() -> None:
    said = {"tool_calls": [None], "function_call": {"name": "pick", "arguments": "{}"}}
    assert read(CHAT, chat(said)).choices[0].parts == (ToolCall("call_n1_0", "pick", "{}"),)
