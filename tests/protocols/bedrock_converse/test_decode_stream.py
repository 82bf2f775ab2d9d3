"""Tests that ConverseStream's messages become events: our goldens, and every way in which a stream can break."""

from collections.abc import Iterable

import pytest

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
from gateway.errors import (
    GatewayError,
    InvalidRequest,
    UnreadableAnswer,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTimeout,
)
from gateway.protocols.bedrock_converse import UPSTREAM
from local.providers.event_stream import message
from tests.cuttings import cut, cuttings
from tests.protocols.bedrock_converse.streams import event, exception, golden

WIRE = "bedrock_converse"
STARTED = Started("", "")
USAGE = UsageReported(Usage(input=100, output=20))
SOURCE = Citation(WIRE, '{"title":"policy","location":{"documentChar":{"documentIndex":0,"start":0,"end":58}}}')

MEANINGS: dict[str, list[Event]] = {
    "text": [
        STARTED,
        TextDelta("Grüße, ", 0),
        TextDelta('a "role" {[', 0),
        Finished(FinishReason.STOP),
        USAGE,
        Ended(),
    ],
    "tools": [
        STARTED,
        TextDelta("Let me see.", 0),
        ToolCallStarted("tooluse_a", "weather", 0, 1),
        ToolCallDelta('{"city":', 0, 1),
        ToolCallDelta('"Bern"}', 0, 1),
        ToolCallStarted("tooluse_b", "time", 1, 2),
        Finished(FinishReason.TOOL_CALLS),
        USAGE,
        Ended(),
    ],
    "thinking": [
        STARTED,
        ThinkingDelta("Let me ", 0),
        ThinkingDelta("think.", 0),
        ThinkingDelta("", 0, signature="EpYF+sig/==", signed_by=WIRE),
        RedactedThinkingDelta("cmVkYWN0ZWQ=", 1, signed_by=WIRE),
        TextDelta("42", 2),
        Finished(FinishReason.STOP),
        UsageReported(Usage(input=46, output=1293)),
        Ended(),
    ],
    "citations": [
        STARTED,
        TextDelta("According to it, ", 0),
        CitationAdded(SOURCE, 1),
        TextDelta("20 days.", 1),
        Finished(FinishReason.STOP),
        USAGE,
        Ended(),
    ],
    "stop_sequence": [
        STARTED,
        TextDelta("one two", 0),
        Finished(FinishReason.STOP_SEQUENCE, stop_sequence=" three"),
        UsageReported(Usage(input=1200, cache_read=900, cache_write_5m=200, cache_write_1h=100, output=3)),
        Ended(),
    ],
    "guardrail": [
        STARTED,
        TextDelta("{ADDRESS}", 0),
        Finished(FinishReason.CONTENT_FILTER),
        UsageReported(Usage()),
        Ended(),
    ],
    "server_tool": [
        STARTED,
        OpaqueDelta(
            WIRE, '{"start":{"toolUse":{"toolUseId":"srv_1","name":"nova_grounding","type":"server_tool_use"}}}', 0
        ),
        OpaqueDelta(WIRE, '{"delta":{"toolUse":{"input":"{\\"q\\":1}"}}}', 0),
        OpaqueDelta(WIRE, '{"start":{"toolResult":{"toolUseId":"srv_1"}}}', 1),
        OpaqueDelta(WIRE, '{"delta":{"toolResult":[{"text":"found"}]}}', 1),
        TextDelta("Found.", 2),
        OpaqueDelta(WIRE, '{"delta":{"sparkle":{"y":2}}}', 2),
        Finished(FinishReason.STOP),
        USAGE,
        Ended(),
    ],
}
BEGINNING = golden("text")[:2]


def decoded(chunks: Iterable[bytes]) -> list[Event]:
    decoder = UPSTREAM.stream_decoder()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)] + decoder.flush()
    return [event for frame in frames for event in frame.events]


def failure(*chunks: bytes) -> GatewayError:
    """Returns the one error at the end, after the events before it."""
    *before, last = decoded([*BEGINNING, *chunks])
    assert before == [STARTED, TextDelta("Grüße, ", 0)]
    assert isinstance(last, Failed)
    return last.error


@pytest.mark.parametrize("name", MEANINGS)
def test_a_stream_means_its_events(name: str) -> None:
    assert decoded(golden(name)) == MEANINGS[name]


@pytest.mark.parametrize("name", MEANINGS)
def test_a_stream_means_the_same_however_it_is_cut(name: str) -> None:
    data = b"".join(golden(name))
    for places in cuttings(data):
        assert decoded(cut(data, places)) == MEANINGS[name]


def test_a_frame_is_the_messages_own_bytes() -> None:
    messages = golden("tools")
    assert [frame.frame for frame in UPSTREAM.stream_decoder().feed(b"".join(messages))] == messages


@pytest.mark.parametrize("name", MEANINGS)
def test_a_stream_without_its_last_message_is_cut(name: str) -> None:
    *before, last = decoded(golden(name)[:-1])
    assert before == [event for event in MEANINGS[name] if not isinstance(event, UsageReported | Ended)]
    assert isinstance(last, Failed)
    assert last.error.message == "The provider's stream was cut."


def test_nothing_is_a_cut_stream() -> None:
    (only,) = decoded([])
    assert isinstance(only, Failed)


def test_nothing_follows_the_end() -> None:
    assert decoded([*golden("text"), b"trailing garbage of any length", *golden("tools")]) == MEANINGS["text"]


def test_metadata_without_usage_is_the_end_without_a_report() -> None:
    assert decoded([*golden("text")[:-1], event("metadata", {"metrics": {"latencyMs": 1}})])[-2:] == [
        Finished(FinishReason.STOP),
        Ended(),
    ]


def test_a_plain_stop_after_a_call_is_a_call() -> None:
    messages = [*golden("tools")[:-2], event("messageStop", {"stopReason": "end_turn"}), golden("tools")[-1]]
    assert decoded(messages) == MEANINGS["tools"]


@pytest.mark.parametrize(
    ("kind", "error", "retryable"),
    [
        ("throttlingException", UpstreamOverloaded, True),
        ("serviceUnavailableException", UpstreamOverloaded, True),
        ("modelTimeoutException", UpstreamTimeout, True),
        ("modelStreamErrorException", UpstreamError, True),
        ("internalServerException", UpstreamError, True),
        ("somethingNewException", UpstreamError, True),
    ],
)
def test_an_exception_inside_the_stream_is_a_failure_in_our_words(kind: str, error: type, retryable: bool) -> None:
    failed = failure(exception(kind, {"message": "canary"}))
    assert type(failed) is error
    assert isinstance(failed, UpstreamError)
    assert failed.retryable == retryable
    assert "canary" not in failed.message


def test_a_validation_exception_inside_the_stream_is_the_callers_fault() -> None:
    failed = failure(exception("validationException", {"message": "Input is too long for requested model."}))
    assert (type(failed), failed.code) == (InvalidRequest, "context_length_exceeded")


def test_an_error_of_the_stream_itself_is_a_failure() -> None:
    headers = {":message-type": "error", ":error-code": "InternalServerException", ":error-message": "canary"}
    assert failure(message(headers, b"")).message == "The provider failed while serving the request."


@pytest.mark.parametrize(
    "broken",
    [
        event("contentBlockDelta", b"{"),
        event("contentBlockDelta", b"[]"),
        event("contentBlockDelta", {"delta": {"text": "x"}}),
        event("contentBlockDelta", {"contentBlockIndex": -1, "delta": {"text": "x"}}),
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": 7}}),
        event("contentBlockDelta", {"contentBlockIndex": 5, "delta": {"toolUse": {"input": "{}"}}}),
        event("contentBlockStart", {"contentBlockIndex": 1, "start": 3}),
        event("messageStop", {"stopReason": {}}),
    ],
)
def test_what_cannot_be_read_is_a_failure_in_its_place(broken: bytes) -> None:
    assert isinstance(failure(broken, *golden("text")), UnreadableAnswer)


def test_a_damaged_message_is_a_failure_in_its_place() -> None:
    whole = golden("text")[2]
    assert failure(whole[:-1] + bytes([whole[-1] ^ 1])).message == "The provider's stream was damaged on its way."


def test_bytes_of_another_protocol_are_a_failure() -> None:
    (only,) = decoded([b"<html>502 Bad Gateway</html>"])
    assert isinstance(only, Failed)
