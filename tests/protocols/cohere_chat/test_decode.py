"""Tests of Cohere's answers, whole and streamed, and of its errors: our goldens, and real traffic where there is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.canonical.events import (
    CitationAdded,
    Ended,
    Event,
    Failed,
    Finished,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.parts import Opaque, Text, Thinking, ToolCall
from gateway.canonical.response import FinishReason
from gateway.canonical.usage import Usage
from gateway.errors import (
    CredentialRefused,
    GatewayError,
    InvalidRequest,
    UnreadableAnswer,
    UpstreamError,
    UpstreamOverloaded,
)
from gateway.protocols.cohere_chat import UPSTREAM
from tests.cuttings import cut, cuttings
from tests.recorded import body, files, read_recording

GOLDEN = Path(__file__).parents[2] / "golden" / "cohere_chat"
STREAMS = sorted(GOLDEN.glob("*.sse"))


def events_of(chunks: Iterable[bytes], answer_id: str = "") -> list[Event]:
    decoder = UPSTREAM.stream_decoder(answer_id)
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)] + decoder.flush()
    return [event for frame in frames for event in frame.events]


def golden(name: str) -> list[Event]:
    return events_of([(GOLDEN / name).read_bytes()])


def test_a_streamed_text() -> None:
    assert golden("text.sse") == [
        Started("c-up", ""),
        TextDelta("Grüße", 0),
        TextDelta(" aus ", 0),
        TextDelta("Bern 🏔", 0),
        Finished(FinishReason.STOP),
        UsageReported(Usage(input=12, output=7)),
        Ended(),
    ]


def test_a_streamed_thought_is_a_part_of_its_own() -> None:
    assert golden("thinking.sse")[1:5] == [
        ThinkingDelta("The capital ", 0),
        ThinkingDelta("is Bern.", 0),
        TextDelta("Bern.", 1),
        Finished(FinishReason.LENGTH),
    ]


def test_a_plan_is_reasoning_and_calls_follow_it() -> None:
    assert golden("tools.sse")[1:-2] == [
        ThinkingDelta("I will ask ", 0),
        ThinkingDelta("for both.", 0),
        ToolCallStarted("weather_1", "weather", 0, 1),
        ToolCallDelta('{"city":', 0, 1),
        ToolCallDelta('"Bern"}', 0, 1),
        ToolCallStarted("time_2", "time", 1, 2),
        ToolCallDelta("{}", 1, 2),
        Finished(FinishReason.TOOL_CALLS),
    ]


def test_a_source_belongs_to_the_text_that_is_open() -> None:
    (cited,) = (event for event in golden("citations.sse") if isinstance(event, CitationAdded))
    assert (cited.part, orjson.loads(cited.citation.json_text)["text"]) == (0, "Bern")
    assert golden("citations.sse")[-3] == Finished(FinishReason.STOP_SEQUENCE)


def test_a_call_that_the_model_could_not_write_is_an_end() -> None:
    assert golden("invalid_call.sse")[-2:] == [Finished(FinishReason.MALFORMED_TOOL_CALL), Ended()]


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_a_stream_means_the_same_however_it_is_cut_and_fails_where_it_ends_early(path: Path) -> None:
    stream = path.read_bytes()
    for places in cuttings(stream):
        assert events_of(cut(stream, places)) == golden(path.name)
    last = stream.rindex(b"event: message-end")
    for end in range(0, last + 20, 7):
        *_, failed = events_of([stream[:end]])
        assert isinstance(failed, Failed)
        assert failed.error.message == "The provider's stream was cut."


def told(*values: Any) -> list[Event]:
    return events_of([b"".join(b"data: " + orjson.dumps(value) + b"\n\n" for value in values)])


def test_an_error_ends_a_stream() -> None:
    end = {"finish_reason": "ERROR", "error": "overloaded", "usage": {"tokens": {"input_tokens": 3}}}
    reported, failed = told({"type": "message-end", "delta": end})
    assert reported == UsageReported(Usage(input=3))
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UpstreamError)
    assert failed.error.retryable
    (failed,) = told({"message": "too many tokens: the prompt is too long"})
    assert isinstance(failed, Failed)
    assert (failed.error.status, failed.error.code) == (400, "context_length_exceeded")


@pytest.mark.parametrize(
    "value",
    [
        {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": "{"}}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": 7}}}},
        {"type": "content-delta", "index": 0, "delta": "x"},
    ],
)
def test_an_event_that_cannot_be_read_fails_the_stream(value: Any) -> None:
    (failed,) = told(value)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UnreadableAnswer)


def test_a_servers_own_frame_means_nothing() -> None:
    assert events_of([b'event: keepalive\ndata: {"n":1}\n\n' + (GOLDEN / "text.sse").read_bytes()]) == golden(
        "text.sse"
    )


def test_an_event_that_is_not_known_means_nothing() -> None:
    start, end = {"type": "message-start", "id": "c"}, {"type": "message-end", "delta": {"finish_reason": "NEWS"}}
    assert told(start, {"type": "news"}, end) == [Started("c", ""), Finished(FinishReason.STOP), Ended()]


def test_a_whole_answer() -> None:
    response = UPSTREAM.decode_response((GOLDEN / "answer.json").read_bytes())
    (choice,) = response.choices
    thought, text = choice.parts
    assert isinstance(text, Text)
    assert (thought, text.text, len(text.citations)) == (Thinking("It is Bern."), "Bern is warm.", 1)
    assert (response.upstream_id, choice.finish_reason) == ("c-up", FinishReason.STOP)
    assert response.usage == Usage(input=12, output=7)


def test_a_whole_answer_of_calls_with_a_plan_and_without_billed_units() -> None:
    response = UPSTREAM.decode_response((GOLDEN / "answer_tools.json").read_bytes())
    assert response.choices[0].parts == (
        Thinking("I will ask."),
        ToolCall("weather_1", "weather", '{"city":"Bern"}'),
    )
    assert response.choices[0].finish_reason is FinishReason.TOOL_CALLS
    assert response.usage == Usage(input=12, output=7)


def test_a_block_that_no_other_wire_has_stays_as_it_came() -> None:
    message = {"content": [{"type": "document", "document": {"id": "d"}}, {"type": "text", "text": ""}]}
    response = UPSTREAM.decode_response(orjson.dumps({"message": message, "finish_reason": "COMPLETE"}))
    assert response.choices[0].parts == (Opaque("cohere_chat", '{"type":"document","document":{"id":"d"}}'),)


def test_an_answer_without_a_message_cannot_be_read_and_keeps_its_usage() -> None:
    with pytest.raises(UnreadableAnswer) as caught:
        UPSTREAM.decode_response(b'{"usage": {"billed_units": {"input_tokens": 5, "output_tokens": 1}}}')
    assert caught.value.usage == Usage(input=5, output=1)


@pytest.mark.parametrize(
    ("status", "message", "kind", "code", "retryable"),
    [
        (400, "invalid request: temperature must be at most 1", InvalidRequest, None, False),
        (422, "too many tokens: size limit exceeded by 9 tokens", InvalidRequest, "context_length_exceeded", False),
        (498, "blocked input", InvalidRequest, "content_filter", False),
        (401, "invalid api token", CredentialRefused, "upstream_error", False),
        (404, "model 'command-x' was removed", UpstreamError, "upstream_error", True),
        (429, "try again in 30 seconds", UpstreamOverloaded, "upstream_overloaded", True),
        (500, "internal server error", UpstreamError, "upstream_error", True),
    ],
)
def test_an_error_is_said_in_our_words_with_its_status(
    status: int, message: str, kind: type[GatewayError], code: str | None, retryable: bool
) -> None:
    error = UPSTREAM.decode_error(status, {}, orjson.dumps({"id": "x", "message": message}))
    assert (type(error), error.code) == (kind, code)
    if isinstance(error, UpstreamError):
        assert (error.retryable, error.retry_after_s) == (retryable, 30 if status == 429 else None)


def recordings(*, stream: bool) -> list[Any]:
    read = [(path.stem, read_recording(path)) for path in files("cohere/cohere-chat/*.json")]
    answers = [
        (name, recording)
        for name, recording in read
        if recording["request"]["path"] == "/v2/chat" and recording["response"]["status"] == 200
    ]
    return [pytest.param(recording, id=name) for name, recording in answers if recording["stream"] is stream]


@pytest.mark.parametrize("recording", recordings(stream=True))
def test_a_recorded_stream_means_what_it_says(recording: Any) -> None:
    stream = body(recording)
    told = [orjson.loads(line[5:]) for line in stream.splitlines() if line.startswith(b"data: {")]
    contents = [value["delta"]["message"]["content"] for value in told if value["type"] == "content-delta"]
    events = events_of([stream])
    assert isinstance(events[-1], Ended)
    text = "".join(content.get("text", "") for content in contents)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == text
    called = sum(value["type"] == "tool-call-start" for value in told)
    assert sum(isinstance(event, ToolCallStarted) for event in events) == called
    for places in cuttings(stream):
        assert events_of(cut(stream, places)) == events


@pytest.mark.parametrize("recording", recordings(stream=False))
def test_a_recorded_answer_means_what_it_says(recording: Any) -> None:
    told = orjson.loads(body(recording))
    response = UPSTREAM.decode_response(body(recording))
    parts = response.choices[0].parts
    text = "".join(block.get("text", "") for block in told["message"].get("content", []))
    assert "".join(part.text for part in parts if isinstance(part, Text)) == text
    calls = [call["function"]["arguments"] for call in told["message"].get("tool_calls", [])]
    assert [part.arguments for part in parts if isinstance(part, ToolCall)] == calls
    assert response.usage is not None
    assert response.usage.prompt == told["usage"]["billed_units"]["input_tokens"]
