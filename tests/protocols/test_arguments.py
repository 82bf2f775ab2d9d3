"""Tests that a call's arguments become the object that a wire requires, for every text that a model writes."""

import pytest

from gateway.canonical.arguments import ObjectStream, with_objects, written_object
from gateway.canonical.events import Event, Finished, ToolCallDelta, ToolCallStarted
from gateway.canonical.parts import Part, Text, ToolCall
from gateway.canonical.response import ChatResponse, Choice, FinishReason

END = Finished(FinishReason.TOOL_CALLS)
SPELT = [("", "{}"), (" ", "{}"), ("null", "{}"), ("[]", "{}"), ('"{\\"a\\":1}"', '{"a":1}'), ("3", "3"), ("{", "{")]


@pytest.mark.parametrize("arguments", ["", "  ", "{}", "null", "[]", '""', '"{}"'])
def test_no_arguments_are_an_empty_object(arguments: str) -> None:
    assert written_object(arguments) == "{}"


@pytest.mark.parametrize("arguments", ['{"a":1}', ' {"a":1} ', '"{\\"a\\":1}"'])
def test_an_object_is_found_in_every_spelling(arguments: str) -> None:
    assert written_object(arguments) == '{"a":1}'


def test_an_objects_digits_are_kept() -> None:
    assert written_object('{"a": 123456789012345678901234}') == '{"a": 123456789012345678901234}'


@pytest.mark.parametrize("arguments", ["3", "[1]", "true", "{", "SELECT 1", '"x"'])
def test_anything_else_is_no_object(arguments: str) -> None:
    assert written_object(arguments) is None


def whole(*parts: Part) -> tuple[Part, ...]:
    response = ChatResponse("r", "m", 1, (Choice(0, parts, FinishReason.TOOL_CALLS),), None)
    return with_objects(response).choices[0].parts


def streamed(*events: Event) -> list[Event]:
    stream = ObjectStream()
    return [changed for event in events for changed in stream.events([event])]


@pytest.mark.parametrize(("written", "read"), SPELT)
def test_an_answers_arguments_are_the_object_that_they_spell(written: str, read: str) -> None:
    assert whole(Text("x"), ToolCall("c", "f", written)) == (Text("x"), ToolCall("c", "f", read))


@pytest.mark.parametrize(("written", "read"), SPELT)
def test_a_streams_arguments_are_the_object_that_they_spell(written: str, read: str) -> None:
    started = ToolCallStarted("c", "f", 0, 2)
    pieces = [ToolCallDelta(character, 0, 2) for character in written]
    assert streamed(started, *pieces, END) == [started, ToolCallDelta(read, 0, 2), END]


def test_an_object_streams_as_it_comes() -> None:
    started, pieces = ToolCallStarted("c", "f", 0, 0), [ToolCallDelta(piece, 0, 0) for piece in ('{"a"', ":", "1}")]
    assert streamed(started, *pieces, END) == [started, *pieces, END]


@pytest.mark.parametrize(
    "pieces", [["{}", '{"a"', ":1}"], ["{", "}", "{}", '{"a":1}'], ['{}{"a":1}'], [" { } ", '{"a":1}']]
)
def test_an_empty_object_before_the_arguments_is_none_of_them(pieces: list[str]) -> None:
    started = ToolCallStarted("c", "f", 0, 0)
    _, *told, _ = streamed(started, *[ToolCallDelta(piece, 0, 0) for piece in pieces], END)
    assert "".join(each.arguments for each in told if isinstance(each, ToolCallDelta)) == '{"a":1}'
    assert written_object("".join(pieces)) == '{"a":1}'


@pytest.mark.parametrize(("text", "told"), [("{}", "{}"), ("{} ", "{}"), ("{", "{"), ("{}x", "{}x")])
def test_an_empty_object_alone_is_told_at_the_end(text: str, told: str) -> None:
    started = ToolCallStarted("c", "f", 0, 0)
    assert streamed(started, ToolCallDelta(text, 0, 0), END) == [started, ToolCallDelta(told, 0, 0), END]


def test_calls_that_stream_side_by_side_are_told_apart() -> None:
    begun = [ToolCallStarted("c", "f", 0, 0), ToolCallStarted("d", "g", 1, 1)]
    pieces = [ToolCallDelta("nu", 0, 0), ToolCallDelta('{"a":1}', 1, 1), ToolCallDelta("ll", 0, 0)]
    assert streamed(*begun, *pieces, END) == [*begun, pieces[1], ToolCallDelta("{}", 0, 0), END]


def test_free_text_is_no_object() -> None:
    assert whole(ToolCall("c", "f", "null", custom=True)) == (ToolCall("c", "f", "null", custom=True),)
    events: list[Event] = [ToolCallStarted("c", "f", 0, 0, custom=True), ToolCallDelta("null", 0, 0), END]
    assert streamed(*events) == events
