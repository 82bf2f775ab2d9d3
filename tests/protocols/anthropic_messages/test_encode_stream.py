"""Tests of events to a caller, forwarded and built, up to every kind of end."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anthropic
import orjson
import pytest

from gateway.canonical.codec import StreamEncoder
from gateway.canonical.events import (
    CitationAdded,
    Ended,
    Event,
    Failed,
    Finished,
    OpaqueDelta,
    RedactedThinkingDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.parts import Citation
from gateway.canonical.response import Extension, FinishReason, Stamp
from gateway.canonical.tries import Tried
from gateway.canonical.usage import Usage
from gateway.errors import UpstreamOverloaded, UpstreamTimeout
from gateway.protocols.anthropic_messages import CLIENT, UPSTREAM

GOLDEN = Path(__file__).parents[2] / "golden" / "anthropic_messages"
STREAMS = sorted(path.stem for path in GOLDEN.glob("*.sse"))
STAMP = Stamp(response_id="msg_nxn-1", model="nexevo/fast", created_s=5)
EXTENSION = Extension("gen-nxn-1", "gpt-5", (Tried("gpt-5", "p", "served"),), "miss", "0.001")
BODY = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}], "stream": True}
STARTED = Started("up", "gpt")
CALL_A, CALL_B = ToolCallStarted("a", "f", 0, 1), ToolCallStarted("b", "g", 1, 2)
END: list[Event] = [Finished(FinishReason.TOOL_CALLS), UsageReported(Usage(input=7, output=3)), Ended()]


def encoder() -> StreamEncoder:
    return CLIENT.stream_encoder(CLIENT.decode_request(orjson.dumps(BODY)), STAMP)


def sent(out: bytes) -> list[tuple[str, Any]]:
    """Returns each event's name and data. Every event must have both, with the same type in both."""
    events = out.split(b"\n\n")
    assert events.pop() == b""
    found = []
    for event in events:
        name, data = event.split(b"\n", 1)
        value = orjson.loads(data.removeprefix(b"data: "))
        assert name == b"event: " + value["type"].encode()
        found.append((value["type"], value))
    return found


def encoded(*events: Event) -> list[tuple[str, Any]]:
    out = encoder()
    return sent(b"".join(out.encode(event) for event in events) + out.finish(EXTENSION))


def read(events: Iterable[tuple[str, Any]]) -> list[Any]:
    """Reads the blocks as a strict client does: never two open, consecutive indexes, all closed."""
    blocks: list[Any] = []
    is_open = False
    for name, value in events:
        if name == "content_block_start":
            assert not is_open
            assert value["index"] == len(blocks)
            blocks.append([value["content_block"]])
            is_open = True
        elif name in {"content_block_delta", "content_block_stop"}:
            assert is_open
            assert value["index"] == len(blocks) - 1
            if name == "content_block_delta":
                blocks[-1].append(value["delta"])
            is_open = name == "content_block_delta"
    assert not is_open
    return blocks


def inputs(*events: Event) -> list[tuple[str, str]]:
    """Returns the ids of calls and their joined input, in the order of the blocks."""
    calls = [block for block in read(encoded(STARTED, *events, *END)) if block[0]["type"] == "tool_use"]
    return [(opened["id"], "".join(delta["partial_json"] for delta in deltas)) for opened, *deltas in calls]


def forwarded(name: str) -> bytes:
    decoder, out = UPSTREAM.stream_decoder(), encoder()
    frames = decoder.feed((GOLDEN / f"{name}.sse").read_bytes()) + decoder.flush()
    return b"".join(out.forward(frame) for frame in frames) + out.finish(EXTENSION)


@pytest.mark.parametrize("name", STREAMS)
def test_a_forwarded_stream_differs_in_its_names_and_the_extension_only(name: str) -> None:
    expected = (GOLDEN / f"{name}.sse").read_bytes().replace(b": a comment\n", b"")
    expected = expected.replace(b'"id":"msg_up"', b'"id":"msg_nxn-1"').replace(b'"claude-up"', b'"nexevo/fast"')
    extension = b'{"type":"message_stop","nexevo":' + orjson.dumps(EXTENSION.as_json()) + b"}"
    assert forwarded(name) == expected.replace(b'{"type":"message_stop"}', extension)


def test_content_leaves_at_once_and_the_stop_waits_for_the_bill() -> None:
    decoder, out = UPSTREAM.stream_decoder(), encoder()
    sizes = [len(out.forward(frame)) > 0 for frame in decoder.feed((GOLDEN / "text.sse").read_bytes())]
    assert sizes == [True] * 8 + [False]


def test_a_bridged_stream_has_every_event_in_its_place() -> None:
    events = encoded(STARTED, TextDelta("a", 0), TextDelta("b", 0), Finished(FinishReason.STOP), Ended())
    assert [name for name, _ in events] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[-1][1]["nexevo"] == EXTENSION.as_json()


def test_the_start_bears_our_names_and_an_estimate_of_the_prompt() -> None:
    message = encoded(STARTED, *END)[0][1]["message"]
    assert (message["id"], message["model"], message["role"]) == ("msg_nxn-1", "nexevo/fast", "assistant")
    assert message["usage"]["input_tokens"] == -(-len(orjson.dumps(BODY)) // 3)


def test_the_start_bears_the_providers_own_count_where_it_gives_one() -> None:
    message = encoded(Started("u", "m", usage=Usage(input=5, cache_read=2)), *END)[0][1]["message"]
    assert (message["usage"]["input_tokens"], message["usage"]["cache_read_input_tokens"]) == (5, 2)


def test_the_true_totals_come_in_the_message_delta() -> None:
    usage = Usage(input=7, cache_read=4, cache_write_5m=2, cache_write_1h=1, output=3, reasoning=2)
    delta = encoded(STARTED, Finished(FinishReason.LENGTH), UsageReported(usage), Ended())[-2][1]
    assert delta["delta"] == {"stop_reason": "max_tokens", "stop_sequence": None}
    assert delta["usage"] == {
        "input_tokens": 7,
        "cache_creation_input_tokens": 3,
        "cache_read_input_tokens": 4,
        "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 1},
        "output_tokens": 3,
        "output_tokens_details": {"thinking_tokens": 2},
    }


def test_a_provider_that_never_counts_is_estimated_and_zero_is_no_estimate() -> None:
    ended = Finished(FinishReason.STOP)
    assert encoded(STARTED, TextDelta("four letters", 0), ended)[-2][1]["usage"]["output_tokens"] == 4
    assert encoded(STARTED, TextDelta("x", 0), ended, UsageReported(Usage()))[-2][1]["usage"]["output_tokens"] == 0


def test_calls_that_come_one_after_the_other_are_never_kept_waiting() -> None:
    out = encoder()
    steps: list[Event] = [
        STARTED,
        CALL_A,
        ToolCallDelta('{"x":', 0, 1),
        ToolCallDelta("1}", 0, 1),
        CALL_B,
        ToolCallDelta("{}", 1, 2),
    ]
    assert all(out.encode(step) for step in steps)


def test_interleaved_calls_come_out_whole_and_in_order() -> None:
    pieces: list[Event] = [
        CALL_A,
        CALL_B,
        ToolCallDelta('{"a":', 0, 1),
        ToolCallDelta('{"b":', 1, 2),
        ToolCallDelta("1}", 0, 1),
        ToolCallDelta("2}", 1, 2),
    ]
    assert inputs(*pieces) == [("a", '{"a":1}'), ("b", '{"b":2}')]


def test_a_waiting_call_goes_on_as_soon_as_the_one_before_it_is_complete() -> None:
    out = encoder()
    for event in (STARTED, CALL_A, CALL_B, ToolCallDelta('{"b":2}', 1, 2)):
        out.encode(event)
    released = sent(out.encode(ToolCallDelta("{}", 0, 1)))
    assert [name for name, _ in released] == [
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
    ]


def test_calls_that_never_complete_are_written_at_the_end() -> None:
    pieces: list[Event] = [CALL_A, ToolCallDelta("{", 0, 1), CALL_B, ToolCallDelta("{", 1, 2), TextDelta("x", 3)]
    assert inputs(*pieces) == [("a", "{"), ("b", "{")]
    assert read(encoded(STARTED, *pieces))[2][1] == {"type": "text_delta", "text": "x"}


def test_blanks_behind_a_closed_call_are_left_out() -> None:
    pieces: list[Event] = [CALL_A, ToolCallDelta("{}", 0, 1), TextDelta("x", 3), ToolCallDelta("\n", 0, 1)]
    assert inputs(*pieces) == [("a", "{}")]


def test_free_text_of_a_custom_tool_becomes_a_member() -> None:
    call = ToolCallStarted("c", "sql", 0, 1, custom=True)
    pieces: list[Event] = [call, ToolCallDelta('SELECT "é', 0, 1), ToolCallDelta('"\n', 0, 1)]
    ((identity, joined),) = inputs(*pieces)
    assert (identity, orjson.loads(joined)) == ("c", {"input": 'SELECT "é"\n'})


def test_a_thought_of_another_wire_bears_the_mark_of_its_issuer() -> None:
    pieces: list[Event] = [
        ThinkingDelta("hm", 0),
        ThinkingDelta("", 0, signature="s", signed_by="gemini"),
        TextDelta("x", 1),
    ]
    assert read(encoded(STARTED, *pieces))[0] == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "hm"},
        {"type": "signature_delta", "signature": "nxn:gemini:s"},
    ]


def test_each_kind_of_content_is_a_block_of_its_own() -> None:
    own = Citation("anthropic_messages", '{"type":"x"}')
    events = encoded(
        STARTED,
        RedactedThinkingDelta("RW5j", 0, signed_by="anthropic_messages"),
        RefusalDelta("no", 1),
        TextDelta("", 2),
        CitationAdded(own, 2),
        CitationAdded(Citation("openai_chat", "{}"), 3),
        OpaqueDelta("openai_chat", "{}", 4),
        OpaqueDelta("anthropic_messages", '{"type":"server_tool_use"}', 5),
    )
    assert read(events) == [
        [{"type": "redacted_thinking", "data": "RW5j"}],
        [{"type": "text", "text": ""}, {"type": "text_delta", "text": "no"}],
        [{"type": "text", "text": ""}, {"type": "citations_delta", "citation": {"type": "x"}}],
        [{"type": "server_tool_use"}],
    ]


def test_an_answer_split_over_choices_is_one_that_calls_tools() -> None:
    call = ToolCallStarted("c", "f", 0, 0, choice=1)
    ends: list[Event] = [Finished(FinishReason.TOOL_CALLS, choice=1), Finished(FinishReason.STOP)]
    events = encoded(STARTED, TextDelta("plan", 0), call, ToolCallDelta("{}", 0, 0, choice=1), *ends)
    assert [block[0]["type"] for block in read(events)] == ["text", "tool_use"]
    assert events[-2][1]["delta"]["stop_reason"] == "tool_use"


def test_a_stream_without_content_is_still_a_message() -> None:
    names = [name for name, _ in encoded()]
    assert names == ["message_start", "ping", "message_delta", "message_stop"]


def test_what_comes_without_a_start_is_given_one() -> None:
    assert encoded(TextDelta("x", 0))[0][0] == "message_start"


def test_the_providers_failure_says_nothing_by_itself() -> None:
    assert encoder().encode(Failed(UpstreamTimeout("late"))) == b""


@pytest.mark.parametrize("places", [3, 5, 7])
def test_a_forwarded_stream_that_is_cut_short_closes_what_is_open(places: int) -> None:
    decoder, out = UPSTREAM.stream_decoder(), encoder()
    frames = decoder.feed((GOLDEN / "text.sse").read_bytes())[:places]
    events = sent(b"".join(out.forward(frame) for frame in frames) + out.cut_short(EXTENSION))
    assert len(read(events)) == 1
    assert [name for name, _ in events[-2:]] == ["message_delta", "message_stop"]
    assert events[-2][1]["delta"]["stop_reason"] == "max_tokens"
    assert events[-2][1]["usage"]["input_tokens"] == 12


def test_a_bridged_stream_that_is_cut_short_closes_what_is_open_and_counts_what_was_said() -> None:
    out = encoder()
    start = b"".join(out.encode(event) for event in (STARTED, TextDelta("x" * 30, 0)))
    events = sent(start + out.cut_short(EXTENSION))
    assert read(events)[0][-1] == {"type": "text_delta", "text": "x" * 30}
    assert (events[-2][1]["delta"]["stop_reason"], events[-2][1]["usage"]["output_tokens"]) == ("max_tokens", 10)


def test_a_message_that_had_ended_is_not_cut_short() -> None:
    decoder, out = UPSTREAM.stream_decoder(), encoder()
    frames = decoder.feed((GOLDEN / "text.sse").read_bytes())
    events = sent(b"".join(out.forward(frame) for frame in frames[:-1]) + out.cut_short(EXTENSION))
    assert [value["delta"]["stop_reason"] for name, value in events if name == "message_delta"] == ["end_turn"]
    again = encoder()
    out_bytes = b"".join(again.encode(event) for event in (STARTED, TextDelta("x", 0), *END))
    assert sent(out_bytes + again.cut_short(EXTENSION))[-2][1]["usage"]["output_tokens"] == 3


def test_a_failure_is_the_wires_error_event_with_its_status() -> None:
    assert sent(encoder().fail(UpstreamOverloaded("busy"))) == [
        ("error", {"type": "error", "error": {"type": "overloaded_error", "message": "busy", "status": 503}})
    ]


def test_the_official_sdk_raises_on_a_failure(served: Any) -> None:
    out = encoder()
    body = out.encode(STARTED) + out.encode(TextDelta("x", 0)) + b": NX\n\n" + out.fail(UpstreamOverloaded("busy"))
    client = served(body, "text/event-stream")
    with (
        pytest.raises(anthropic.APIStatusError, match="busy"),
        client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]) as stream,
    ):
        stream.get_final_message()


def test_the_official_sdk_accumulates_a_bridged_stream_with_keep_alives(served: Any) -> None:
    out = encoder()
    events: list[Event] = [
        STARTED,
        ThinkingDelta("hm", 0),
        CALL_A,
        CALL_B,
        ToolCallDelta('{"b":2}', 1, 2),
        ToolCallDelta("{}", 0, 1),
    ]
    body = b": NX\n\n".join([out.encode(event) for event in [*events, *END]]) + out.finish(EXTENSION)
    client = served(body, "text/event-stream")
    with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]) as stream:
        message = stream.get_final_message()
    assert [(block.name, block.input) for block in message.content[1:]] == [("f", {}), ("g", {"b": 2})]
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("tool_use", 7, 3)
