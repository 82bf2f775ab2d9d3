"""Tests of a provider's events, golden and broken, and of their meaning."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

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
from gateway.canonical.response import FinishReason
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError, InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.protocols.openai_responses import UPSTREAM

GOLDEN = Path(__file__).parents[2] / "golden" / "openai_responses"
OWN = "openai_responses"
STARTED = Started("resp_up", "gpt-up", 1700000000)
USED = UsageReported(Usage(input=12, cache_read=8, output=9, reasoning=4))
COUNTED = UsageReported(replace(USED.usage, uses=(("web_search", 1),)))
STOPPED: list[Event] = [USED, Finished(FinishReason.STOP), Ended()]
CALLED: list[Event] = [USED, Finished(FinishReason.TOOL_CALLS), Ended()]


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.sse").read_bytes()


def decoded(data: bytes) -> list[Event]:
    decoder = UPSTREAM.stream_decoder()
    return [event for frame in decoder.feed(data) + decoder.flush() for event in frame.events]


def failure(data: bytes) -> GatewayError:
    *_, last = decoded(data)
    assert isinstance(last, Failed)
    return last.error


def event(kind: str, **members: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps({"type": kind, **members}))


def done(item: dict[str, Any], index: int = 0) -> bytes:
    return event("response.output_item.done", output_index=index, item=item)


def completed(**members: Any) -> bytes:
    return event("response.completed", response={"id": "resp_up", "status": "completed", "output": []} | members)


def scored(token: str) -> dict[str, Any]:
    entry = {"token": token, "bytes": list(token.encode()), "logprob": -0.5}
    return {"content": [entry | {"top_logprobs": [entry]}], "refusal": None}


CITED = Citation(
    OWN, '{"type":"url_citation","start_index":5,"end_index":8,"title":"Oslo","url":"https://example.com/oslo"}'
)
SEARCHED = '{"id":"ws_0","type":"web_search_call","status":"completed","action":{"type":"search","query":"oslo"}}'
MEANINGS: dict[str, list[Event]] = {
    "text": [TextDelta("Hel", 0), TextDelta("lo", 0), TextDelta(" there", 0), *STOPPED],
    "tools": [
        TextDelta("Let me see.", 0),
        ToolCallStarted("call_a", "weather", 0, 1),
        ToolCallDelta('{"city":', 0, 1),
        ToolCallDelta('"Oslo"}', 0, 1),
        ToolCallStarted("call_b", "time", 1, 2),
        ToolCallDelta("{}", 1, 2),
        *CALLED,
    ],
    "reasoning": [
        ThinkingDelta("**First**", 0),
        ThinkingDelta("\n\nThink.", 0),
        ThinkingDelta("**Then**", 1),
        ThinkingDelta("\n\nMore.", 1),
        ThinkingDelta("", 1, signature="gAAAAenc1", signed_by=OWN),
        TextDelta("42", 2),
        *STOPPED,
    ],
    "encrypted_reasoning": [
        RedactedThinkingDelta("gAAAAenc2", 0, signed_by=OWN),
        ToolCallStarted("call_a", "weather", 0, 1),
        ToolCallDelta("{}", 0, 1),
        *CALLED,
    ],
    "open_reasoning": [ThinkingDelta("We need", 0), ThinkingDelta("  42.", 0), TextDelta("42", 1), *STOPPED],
    "refusal": [RefusalDelta("I can", 0), RefusalDelta("not.", 0), *STOPPED],
    "custom_tool": [
        ToolCallStarted("call_c", "sql", 0, 0, custom=True),
        ToolCallDelta("SELECT ", 0, 0),
        ToolCallDelta("1", 0, 0),
        ToolCallStarted("call_d", "find", 1, 1),
        ToolCallDelta("{}", 1, 1),
        *CALLED,
    ],
    "logprobs_incomplete": [
        TextDelta("Hi", 0, logprobs=scored("Hi")),
        TextDelta("!", 0, logprobs=scored("!")),
        USED,
        Finished(FinishReason.LENGTH),
        Ended(),
    ],
    "web_search": [
        OpaqueDelta(OWN, SEARCHED, 0),
        TextDelta("Oslo [1]", 1),
        CitationAdded(CITED, 1),
        COUNTED,
        *STOPPED[1:],
    ],
}


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_a_golden_stream_has_its_meaning(name: str) -> None:
    assert decoded(golden(name)) == [STARTED, *MEANINGS[name]]


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_frames_are_the_providers_events_without_its_comments(name: str) -> None:
    decoder = UPSTREAM.stream_decoder()
    data = golden(name).replace(b"\n\n", b"\n\n: ping\n\n")
    assert b"".join(frame.frame for frame in decoder.feed(data)) == golden(name)


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_a_stream_that_is_cut_before_its_last_event_never_ends_cleanly(name: str) -> None:
    whole = golden(name)
    last = whole.rindex(b"event: ")
    assert failure(whole[:last]).message == "The provider's stream was cut."
    assert decoded(whole[:last])[:-1] == [STARTED, *MEANINGS[name][:-3]]


def test_a_last_event_without_its_blank_line_is_an_end() -> None:
    assert isinstance(decoded(golden("text").rstrip())[-1], Ended)


def test_a_failed_response_keeps_what_came_before_and_says_why() -> None:
    *before, last = decoded(golden("failed"))
    assert before == [STARTED, TextDelta("Hal", 0)]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamOverloaded)


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({"code": "server_error", "message": "x"}, UpstreamError),
        ({"code": "rate_limit_exceeded", "message": "x"}, UpstreamOverloaded),
        (
            {"error": {"type": "invalid_request_error", "code": "bad", "message": "No.", "param": "input"}},
            InvalidRequest,
        ),
        ({"error": {"type": "server_error", "message": "x"}}, UpstreamError),
        ({"type": None, "error": {"type": "rate_limit_error", "message": "x"}}, UpstreamOverloaded),
    ],
)
def test_an_error_event_of_either_shape_is_a_failure(members: dict[str, Any], kind: type[GatewayError]) -> None:
    assert type(failure(event("error", **members))) is kind


@pytest.mark.parametrize(
    "garbage",
    [
        b"data: nonsense\n\n",
        b"data: []\n\n",
        b'data: {"type": 5}\n\n',
        b'data: {"type": "a\\nevent: b"}\n\n',
        b'data: {"delta": "x"}\n\n',
        event("response.output_text.delta", delta=5),
        event("response.output_item.added", item=[]),
        event("response.created", response="x"),
        done({"type": "message", "content": 5}),
    ],
)
def test_garbage_fails_in_its_place_and_nothing_follows(garbage: bytes) -> None:
    before = event("response.output_text.delta", output_index=0, content_index=0, delta="Hi")
    said, failed = decoded(before + garbage + golden("text"))
    assert said == TextDelta("Hi", 0)
    assert isinstance(failed, Failed)


def test_a_last_event_that_cannot_be_read_is_no_end() -> None:
    assert isinstance(decoded(completed(output={}))[-1], Failed)


def test_an_event_without_a_type_has_the_name_of_its_line() -> None:
    assert decoded(b'event: response.output_text.delta\ndata: {"delta": "Hi"}\n\n')[0] == TextDelta("Hi", 0)


def test_what_was_not_streamed_is_said_when_its_item_is_done() -> None:
    cited = orjson.loads(CITED.json_text)
    items: list[dict[str, Any]] = [
        {"type": "reasoning", "summary": [{"text": "a"}], "content": [{"text": "b"}], "encrypted_content": "gA"},
        {
            "type": "message",
            "content": [
                {"type": "output_text", "text": "Hi", "annotations": [cited]},
                {"type": "refusal", "refusal": "No."},
                {"type": "new"},
            ],
        },
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "ctc", "name": "s", "input": "x"},
    ]
    meaning: list[Event] = [
        ThinkingDelta("a", 0),
        ThinkingDelta("b", 1),
        ThinkingDelta("", 1, signature="gA", signed_by=OWN),
        TextDelta("Hi", 2),
        CitationAdded(CITED, 2),
        RefusalDelta("No.", 3),
        OpaqueDelta(OWN, '{"type":"new"}', 4),
        ToolCallStarted("c", "f", 0, 5),
        ToolCallDelta("{}", 0, 5),
        ToolCallStarted("ctc", "s", 1, 6, custom=True),
        ToolCallDelta("x", 1, 6),
    ]
    by_item = b"".join(done(item, index) for index, item in enumerate(items))
    assert decoded(by_item)[:-1] == meaning
    assert [*decoded(completed(output=items))[1:-2]] == meaning
    started = Started("resp_up", "", None)
    assert decoded(completed(output=items))[0] == started


def test_a_call_whose_input_comes_before_it_opens_says_it_when_done() -> None:
    item = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    data = event("response.function_call_arguments.delta", output_index=0, delta="{}") + done(item)
    assert decoded(data)[:-1] == [ToolCallStarted("c", "f", 0, 0), ToolCallDelta("{}", 0, 0)]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, FinishReason.CONTENT_FILTER),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_messages"}}, FinishReason.PAUSE),
        ({"status": "in_progress"}, FinishReason.STOP),
    ],
)
def test_an_end_has_its_reason(members: dict[str, Any], reason: FinishReason) -> None:
    data = event("response.incomplete", response={"id": "resp_up", "output": []} | members)
    assert decoded(data)[-2:] == [Finished(reason), Ended()]


def test_an_event_over_several_lines_is_forwarded_on_one() -> None:
    data = b'data: {"type": "response.output_text.delta",\ndata: "delta": "Hi"}\n\n'
    (decoded,) = UPSTREAM.stream_decoder().feed(data)
    assert decoded.frame == (
        b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta": "Hi"}\n\n'
    )


def test_a_done_mark_is_no_end_by_itself() -> None:
    assert failure(b"data: [DONE]\n\n").message == "The provider's stream was cut."


def test_a_frame_that_is_too_large_fails() -> None:
    assert "too large" in failure(b"data: " + b"x" * (17 * 1024 * 1024)).message
