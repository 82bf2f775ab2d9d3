"""Tests with streams whose items are numbered, named or listed otherwise than OpenAI's: each is said once and kept."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.canonical.codec import Decoded
from gateway.canonical.events import Event, TextDelta, ToolCallDelta, ToolCallStarted
from gateway.canonical.parts import Text
from gateway.canonical.response import Extension, FinishReason, Stamp
from gateway.canonical.tries import Tried
from gateway.framing.sse import SSEDecoder
from gateway.protocols.openai_responses import CLIENT
from gateway.protocols.openai_responses import UPSTREAM as RESPONSES
from tests.protocols.clones import Json, events, named, read, responses

STAMP = Stamp(response_id="resp_nxn-1", model="m", created_s=5)
EXTENSION = Extension("gen-nxn-1", "m", (Tried("m", "p", "served"),), "miss", "0")
MESSAGE: Json = {"id": "i", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
CALL: Json = {"id": "i", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}


def added(index: int, item: Json) -> bytes:
    return named({"type": "response.output_item.added", "output_index": index, "item": item | {"arguments": ""}})


def done(index: int, item: Json) -> bytes:
    return named({"type": "response.output_item.done", "output_index": index, "item": item})


def text(index: int, piece: str, item_id: str = "i") -> bytes:
    told = {"output_index": index, "item_id": item_id, "content_index": 0, "delta": piece}
    return named({"type": "response.output_text.delta", **told})


def arguments(index: int, piece: str, item_id: str = "i") -> bytes:
    told = {"output_index": index, "item_id": item_id, "delta": piece}
    return named({"type": "response.function_call_arguments.delta", **told})


def content(*frames: bytes) -> list[Event]:
    return [e for e in events(RESPONSES, *frames) if isinstance(e, TextDelta | ToolCallStarted | ToolCallDelta)]


@pytest.mark.parametrize("opening", [[added(0, MESSAGE | {"content": []})], []], ids=["opened", "not opened"])
def test_a_text_whose_item_has_another_number_when_it_is_done_is_said_once(opening: list[bytes]) -> None:
    assert content(*opening, text(0, "Hi"), done(1, MESSAGE)) == [TextDelta("Hi", 0)]


def test_a_call_whose_item_has_another_number_when_it_is_done_is_called_once() -> None:
    frames = added(0, CALL), arguments(0, "{}"), done(1, CALL)
    assert content(*frames) == [ToolCallStarted("c", "f", 0, 0), ToolCallDelta("{}", 0, 0)]


def test_items_with_one_number_are_told_apart_by_their_ids() -> None:
    other = CALL | {"id": "j", "call_id": "d", "name": "g"}
    assert content(added(0, CALL), added(0, other), arguments(0, "{1"), arguments(0, "{2", "j"), done(0, other)) == [
        ToolCallStarted("c", "f", 0, 0),
        ToolCallStarted("d", "g", 1, 1),
        ToolCallDelta("{1", 0, 0),
        ToolCallDelta("{2", 1, 1),
    ]


def test_items_with_one_id_are_told_apart_by_their_numbers() -> None:
    other = MESSAGE | {"content": [{"type": "output_text", "text": "there"}]}
    assert content(done(0, MESSAGE), done(1, other)) == [TextDelta("Hi", 0), TextDelta("there", 1)]
    assert content(added(0, CALL), added(1, CALL), arguments(0, "a"), arguments(1, "b"))[2:] == [
        ToolCallDelta("a", 0, 0),
        ToolCallDelta("b", 1, 1),
    ]


def test_an_item_whose_id_changes_is_known_by_its_number() -> None:
    frames = added(0, CALL), arguments(0, "{}", "x"), done(0, CALL | {"id": "y"})
    assert content(*frames) == [ToolCallStarted("c", "f", 0, 0), ToolCallDelta("{}", 0, 0)]


def last_response(*frames: bytes) -> Any:
    out = CLIENT.stream_encoder(CLIENT.decode_request(b'{"model":"m","input":"hi","stream":true}'), STAMP)
    decoded: list[Decoded] = RESPONSES.stream_decoder("n1").feed(b"".join(frames))
    stream = b"".join(map(out.forward, decoded)) + out.finish(EXTENSION)
    return [orjson.loads(frame.data) for frame in SSEDecoder().feed(stream)[:-1]][-1]["response"]


@pytest.mark.parametrize("output", [{"output": []}, {"output": None}, {}])
@pytest.mark.parametrize("end", [[done(0, MESSAGE)], []], ids=["done", "still open"])
def test_a_last_event_without_items_gets_those_that_streamed(output: Json, end: list[bytes]) -> None:
    part = {"type": "response.content_part.added", "output_index": 0, "item_id": "i", "content_index": 0}
    opening = named(part | {"part": {"type": "output_text", "text": ""}})
    last = named({"type": "response.completed", "response": {"id": "r", "status": "completed", **output}})
    said = last_response(added(0, MESSAGE | {"content": []}), opening, text(0, "Hi"), *end, last)["output"]
    assert [part["text"] for item in said for part in item["content"]] == ["Hi"]


def test_a_last_event_without_items_repeats_an_item_with_another_number_once() -> None:
    last = named({"type": "response.completed", "response": responses()})
    assert len(last_response(added(0, MESSAGE | {"content": []}), text(0, "Hi"), done(1, MESSAGE), last)["output"]) == 1


def test_a_last_event_with_items_keeps_its_own() -> None:
    other = MESSAGE | {"id": "z", "content": []}
    last = named({"type": "response.completed", "response": responses(other)})
    assert [item["content"] for item in last_response(done(0, MESSAGE), last)["output"]] == [[]]


@pytest.mark.parametrize("output", [{"output": None}, {}])
def test_a_response_in_progress_has_a_list_of_items(output: Json) -> None:
    created = named({"type": "response.created", "response": {"id": "r", "status": "in_progress", **output}})
    out = CLIENT.stream_encoder(CLIENT.decode_request(b'{"model":"m","input":"hi","stream":true}'), STAMP)
    (frame,) = RESPONSES.stream_decoder("n1").feed(created)
    (event,) = SSEDecoder().feed(out.forward(frame))
    assert orjson.loads(event.data)["response"]["output"] == []


@pytest.mark.parametrize("standing", [None, "Hi", 7, {"type": "output_text"}])
@pytest.mark.parametrize("said", [None, 7, [], {"a": 1}])
def test_a_part_of_odd_types_costs_no_answer(standing: Any, said: Any) -> None:
    part = {"type": "response.content_part.added", "output_index": 0, "item_id": "i", "content_index": 0}
    opening = named(part | {"part": {"type": "output_text", "text": said}})
    last = named({"type": "response.completed", "response": {"id": "r", "status": "completed"}})
    item = last_response(added(0, MESSAGE | {"content": standing}), opening, text(0, "Hi"), last)["output"][0]
    assert item["content"] == [{"type": "output_text", "text": "Hi"}]


EMPTY_CALL = CALL | {"id": "e", "call_id": "", "name": "", "arguments": ""}


def test_a_call_that_says_nothing_is_none() -> None:
    assert content(added(0, EMPTY_CALL), done(0, EMPTY_CALL)) == []
    choice = read(RESPONSES, responses(MESSAGE, EMPTY_CALL)).choices[0]
    assert (choice.parts, choice.finish_reason) == ((Text("Hi"),), FinishReason.STOP)


def test_a_call_begins_when_its_name_comes() -> None:
    frames = added(0, CALL | {"name": ""}), arguments(0, "{}"), done(0, CALL)
    assert content(*frames) == [ToolCallStarted("c", "f", 0, 0), ToolCallDelta("{}", 0, 0)]
