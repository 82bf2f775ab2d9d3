"""Tests of the cache markers that a target takes of a prompt, and of those that it keeps."""

from typing import Any

import pytest

from gateway.canonical.parts import CacheLifetime, Message, Text, ToolCall, ToolResult
from gateway.canonical.request import ChatRequest, Tool
from gateway.errors import InvalidRequest
from tests.providers.constraints.asking import STRICTLY, said, shaped

SHORT, LONG = CacheLifetime.FIVE_MINUTES, CacheLifetime.ONE_HOUR
CLAUDES = pytest.mark.parametrize("dialect", ["anthropic_messages", "bedrock_converse"])


def marked(role: str, *texts: str, lifetime: CacheLifetime = SHORT) -> Message:
    return said(role, *(Text(text, cache=lifetime) for text in texts))


def sent(dialect: str, *messages: Message, **fields: Any) -> ChatRequest:
    return shaped(dialect, *messages, generation="claude_budget", **fields)


def marks(request: ChatRequest) -> list[str]:
    parts = [part for message in request.messages for part in message.parts]
    return [part.text for part in parts if isinstance(part, Text) and part.cache is not None]


@CLAUDES
def test_the_last_marker_ahead_of_the_turns_stays_and_the_last_ones_of_all(dialect: str) -> None:
    system, turns = marked("system", "s1", "s2"), [marked("user", f"u{number}") for number in range(5)]
    request = sent(dialect, turns[0], system, *turns[1:], tools=(Tool("f", cache=SHORT),))
    assert marks(request) == ["s2", "u2", "u3", "u4"]
    assert request.tools == (Tool("f"),)


@CLAUDES
def test_without_instructions_the_last_four_stay(dialect: str) -> None:
    assert marks(sent(dialect, marked("user", *"abcdef"))) == ["c", "d", "e", "f"]


@CLAUDES
def test_as_many_as_the_target_takes_stay_as_they_are(dialect: str) -> None:
    whole = [marked("system", "a", lifetime=LONG), marked("user", "b", "c", "d")]
    assert list(sent(dialect, *whole).messages) == whole


@CLAUDES
def test_an_hour_behind_five_minutes_is_five_minutes(dialect: str) -> None:
    request = sent(dialect, marked("user", "u", lifetime=LONG), marked("system", "s"))
    assert list(request.messages) == [marked("user", "u"), marked("system", "s")]


def test_what_stands_in_a_result_stands_ahead_of_the_results_own_marker() -> None:
    result = ToolResult("c", (Text("x", cache=SHORT), Text("y")), cache=LONG)
    history = [said("user", "hi"), said("assistant", ToolCall("c", "f", "{}")), said("tool", result)]
    (answer,) = sent("anthropic_messages", *history).messages[2].parts
    assert answer == ToolResult("c", (Text("x", cache=SHORT), Text("y")), cache=SHORT)


@CLAUDES
@pytest.mark.parametrize(
    "messages", [[marked("user", *"abcde")], [marked("system", "s"), marked("user", "u", lifetime=LONG)]]
)
def test_markers_that_do_not_fit_are_refused_where_all_is_required(dialect: str, messages: list[Message]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        sent(dialect, *messages, routing=STRICTLY)
    assert caught.value.param == "cache_control"
