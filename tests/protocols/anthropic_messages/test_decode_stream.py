"""Tests of a provider's events, whole and cut, in order and out of order."""

from pathlib import Path

import orjson
import pytest

from gateway.canonical.codec import Decoded
from gateway.canonical.events import (
    CitationAdded,
    Ended,
    Event,
    Failed,
    Finished,
    OpaqueDelta,
    RedactedThinkingDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.parts import Citation
from gateway.canonical.response import FinishReason
from gateway.canonical.usage import Usage
from gateway.errors import UnreadableAnswer
from gateway.framing.sse import sse_event
from gateway.protocols.anthropic_messages import UPSTREAM

GOLDEN = Path(__file__).parents[2] / "golden" / "anthropic_messages"
STREAMS = sorted(path.stem for path in GOLDEN.glob("*.sse"))
STARTED = Started("msg_up", "claude-up", usage=Usage(input=12, output=1))
PROTOCOL = "anthropic_messages"


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.sse").read_bytes()


def decoded(*chunks: bytes) -> list[Decoded]:
    decoder = UPSTREAM.stream_decoder()
    return [frame for chunk in chunks for frame in decoder.feed(chunk)] + decoder.flush()


def events(*chunks: bytes) -> list[Event]:
    return [event for frame in decoded(*chunks) for event in frame.events]


def stream(*values: object) -> bytes:
    return b"".join(sse_event(orjson.dumps(value)) for value in values)


def failure(*values: object) -> tuple[str, list[Event]]:
    """Returns the last event's error, which must be one, and the events before it."""
    *before, last = events(stream(*values))
    assert isinstance(last, Failed)
    return last.error.message, before


START = {"type": "message_start", "message": {"id": "msg_up", "model": "m", "usage": {"input_tokens": 1}}}
TEXT = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}


def more(text: str, index: int = 0) -> dict[str, object]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}


def test_text_streams_piece_by_piece() -> None:
    assert events(golden("text")) == [
        STARTED,
        TextDelta("Grüße", 0),
        TextDelta(", ", 0),
        TextDelta("世界 🌍", 0),
        Finished(FinishReason.STOP),
        UsageReported(Usage(input=12, output=9)),
        Ended(),
    ]


def test_calls_have_an_index_each_and_those_without_pieces_their_input() -> None:
    assert events(golden("tools"))[2:-3] == [
        ToolCallStarted("toolu_1", "weather", 0, 1),
        ToolCallDelta('{"city": "P', 0, 1),
        ToolCallDelta('aris"}', 0, 1),
        ToolCallStarted("toolu_2", "now", 1, 2),
        ToolCallDelta("{}", 1, 2),
        ToolCallStarted("toolu_3", "time", 2, 3),
        ToolCallDelta('{"zone":"UTC"}', 2, 3),
    ]


def test_thoughts_come_with_their_signature_and_its_issuer() -> None:
    assert events(golden("thinking"))[1:-1] == [
        ThinkingDelta("Hm, ", 0),
        ThinkingDelta("yes.", 0),
        ThinkingDelta("", 0, signature="EqQB+/=", signed_by=PROTOCOL),
        RedactedThinkingDelta("RW5j", 1, signed_by=PROTOCOL),
        TextDelta("Yes.", 2),
        Finished(FinishReason.STOP),
        UsageReported(Usage(input=12, output=30, reasoning=25)),
    ]


def test_lifetimes_of_cache_writes_are_remembered_from_the_start() -> None:
    usage = Usage(input=3, cache_read=5000, cache_write_5m=100, cache_write_1h=200, output=2)
    assert events(golden("cached"))[-3:] == [
        Finished(FinishReason.STOP_SEQUENCE, stop_sequence="END"),
        UsageReported(usage),
        Ended(),
    ]


def test_server_tools_are_this_wires_own_and_citations_point_to_their_text() -> None:
    source = (
        '{"type":"web_search_result_location","cited_text":"so","url":"https://example.com","title":"T",'
        '"encrypted_index":"i"}'
    )
    found = events(golden("server_tool"))
    assert [type(event) for event in found[1:4]] == [OpaqueDelta, OpaqueDelta, OpaqueDelta]
    assert found[4:7] == [
        TextDelta("It says so", 2),
        CitationAdded(Citation(PROTOCOL, source), 2),
        Finished(FinishReason.PAUSE),
    ]


def test_a_refusal_ends_the_message() -> None:
    assert events(golden("refusal"))[1] == Finished(FinishReason.REFUSAL)


def test_kinds_that_are_not_known_yet_mean_nothing_and_are_forwarded() -> None:
    frames = decoded(golden("unknown"))
    assert [frame.frame.partition(b"\n")[0] for frame in frames[:3]] == [
        b"event: message_start",
        b"event: message_note",
        b"event: content_block_start",
    ]
    assert [event for event in events(golden("unknown")) if not isinstance(event, OpaqueDelta)][1:3] == [
        TextDelta("ok", 1),
        Finished(FinishReason.STOP),
    ]


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_means_the_same_however_it_is_cut(name: str) -> None:
    data = golden(name)
    assert decoded(*[data[i : i + 1] for i in range(len(data))]) == decoded(data)


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_was_cut_anywhere_is_a_failure_at_its_end(name: str) -> None:
    data = golden(name)
    whole = events(data)
    for end in range(0, data.index(b'"message_stop"'), 7):
        *before, last = events(data[:end])
        assert isinstance(last, Failed)
        assert before == whole[: len(before)]


@pytest.mark.parametrize(
    "bad",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b"data: {}\n\n",
        b'data: {"type":"a\\nb"}\n\n',
        stream(START),
        stream(more("x", index=3)),
        stream(TEXT),
        stream({"type": "content_block_stop", "index": 9}),
        stream({"type": "content_block_start", "index": -1, "content_block": {"type": "text"}}),
        stream({"type": "message_delta", "delta": {"stop_reason": 3}}),
        stream({"type": "message_delta", "delta": {"stop_reason": "stop_sequence", "stop_sequence": 3}}),
    ],
)
def test_garbage_is_a_failure_in_its_place_and_keeps_what_came_before(bad: bytes) -> None:
    found = events(stream(START, TEXT, more("kept")) + bad + stream(more("after")))
    assert found[1] == TextDelta("kept", 0)
    assert len(found) == 3
    assert isinstance(found[2], Failed)
    assert isinstance(found[2].error, UnreadableAnswer)


@pytest.mark.parametrize("first", [TEXT, {"type": "message_start"}, {"type": "message_start", "message": None}])
def test_nothing_can_be_said_before_the_message_starts(first: object) -> None:
    message, before = failure(first, TEXT)
    assert (message.startswith("The provider sent an answer that cannot be read: "), before) == (True, [])


def test_a_providers_error_is_that_error_after_what_it_said() -> None:
    message, before = failure(START, TEXT, more("x"), {"type": "error", "error": {"type": "overloaded_error"}})
    assert message == "The provider is overloaded or its quota is used up."
    assert before[1:] == [TextDelta("x", 0)]


def test_a_frame_without_end_is_a_failure() -> None:
    (failed,) = events(b"data: " + b"x" * (17 * 1024 * 1024))[:1]
    assert isinstance(failed, Failed)


def test_usage_in_several_reports_replaces_what_it_repeats_and_zero_is_a_report() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 5, "cache_read_input_tokens": 2}}}
    first = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 4}}
    second = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 0}}
    reported = [event.usage for event in events(stream(start, first, second)) if isinstance(event, UsageReported)]
    assert reported == [Usage(input=5, cache_read=2, output=4), Usage(input=5, cache_read=2, output=0)]


def test_comments_and_other_line_ends_are_made_regular() -> None:
    data = b': hello\r\nid: 3\r\nevent: ping\r\ndata: {"type": "ping"}\r\n\r\n'
    assert decoded(data)[0].frame == b'event: ping\ndata: {"type": "ping"}\n\n'
