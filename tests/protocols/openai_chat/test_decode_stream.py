"""Tests that a provider's chunks become events: our goldens, every dialect, and every way in which a stream breaks."""

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
    RefusalDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
    delivered_bytes,
)
from gateway.canonical.parts import Citation
from gateway.canonical.response import FinishReason
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError, InvalidRequest, UnreadableAnswer, UpstreamError, UpstreamOverloaded
from gateway.framing.sse import FRAME_BYTES_MAX
from gateway.protocols.openai_chat import UPSTREAM

GOLDEN = Path(__file__).parents[2] / "golden" / "openai_chat"
STARTED = Started("chatcmpl-up", "gpt-up", 1700000000)
USAGE = UsageReported(Usage(input=100, output=20, reasoning=5))
LOGPROBS = {
    "content": [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}],
    "refusal": None,
}

BEGUN = Started("chatcmpl-up", "up-1", 1700000000)
COUNTED = UsageReported(Usage(input=100, output=20))
CACHED = UsageReported(Usage(input=36, cache_read=64, output=20))
PLAIN = (TextDelta("Bern", 0), TextDelta(" is warm.", 0))
THOUGHT = (ThinkingDelta("Hm.", 0), TextDelta("Bern", 1), TextDelta(" is warm.", 1))
STOP = Finished(FinishReason.STOP)


def page(title: str) -> Citation:
    told = f'{{"start_index":0,"end_index":0,"title":"{title}","url":"https://a.example/bern"}}'
    return Citation("openai_chat", f'{{"type":"url_citation","url_citation":{told}}}')


MEANINGS: dict[str, list[Event]] = {
    "azure": [BEGUN, *PLAIN, Finished(FinishReason.CONTENT_FILTER), COUNTED, Ended()],
    "groq": [BEGUN, *THOUGHT, STOP, COUNTED, Ended()],
    "mistral": [BEGUN, *THOUGHT, Finished(FinishReason.LENGTH), COUNTED, Ended()],
    "openrouter": [BEGUN, *THOUGHT, STOP, COUNTED, Ended()],
    "moonshot": [BEGUN, *THOUGHT, STOP, CACHED, Ended()],
    "minimax": [BEGUN, *THOUGHT, STOP, COUNTED, Ended()],
    "perplexity": [
        BEGUN,
        PLAIN[0],
        COUNTED,
        PLAIN[1],
        COUNTED,
        CitationAdded(page("Bern"), 0),
        STOP,
        COUNTED,
        Ended(),
    ],
    "xai": [BEGUN, *THOUGHT, STOP, UsageReported(Usage(input=100, output=25, reasoning=5)), Ended()],
    "together": [BEGUN, *PLAIN, STOP, COUNTED, Ended()],
    "cerebras": [BEGUN, *THOUGHT, STOP, COUNTED, Ended()],
    "zhipu": [BEGUN, *THOUGHT, Finished(FinishReason.CONTENT_FILTER), CACHED, Ended()],
    "qwen": [BEGUN, *THOUGHT, Finished(FinishReason.LENGTH), COUNTED, Ended()],
    "text": [
        STARTED,
        TextDelta("Grüße, ", 0),
        TextDelta('a "model" {[', 0),
        Finished(FinishReason.STOP),
        USAGE,
        Ended(),
    ],
    "tools": [
        STARTED,
        ToolCallStarted("call_a", "weather", 0, 0),
        ToolCallStarted("call_b", "time", 1, 1),
        ToolCallDelta("{", 1, 1),
        ToolCallDelta('{"city":"Bern"}', 0, 0),
        ToolCallDelta("}", 1, 1),
        Finished(FinishReason.TOOL_CALLS),
        USAGE,
        Ended(),
    ],
    "tools_without_index": [
        STARTED,
        ToolCallStarted("call_a", "weather", 0, 0),
        ToolCallDelta('{"city":', 0, 0),
        ToolCallStarted("call_b", "time", 1, 1),
        ToolCallDelta("{", 1, 1),
        ToolCallDelta('"Bern"}', 0, 0),
        ToolCallDelta("}", 1, 1),
        Finished(FinishReason.TOOL_CALLS),
        USAGE,
        Ended(),
    ],
    "tools_same_index": [
        STARTED,
        ToolCallStarted("call_a", "weather", 0, 0),
        ToolCallDelta("{}", 0, 0),
        ToolCallStarted("call_b", "time", 1, 1),
        ToolCallDelta("{", 1, 1),
        ToolCallDelta("}", 1, 1),
        Finished(FinishReason.TOOL_CALLS),
        USAGE,
        Ended(),
    ],
    "reasoning": [
        STARTED,
        ThinkingDelta("Let me ", 0),
        ThinkingDelta("think.", 0),
        TextDelta("42", 1),
        Finished(FinishReason.STOP),
        UsageReported(Usage(input=5, cache_read=16, output=27, reasoning=25)),
        Ended(),
    ],
    "choices_and_logprobs": [
        STARTED,
        TextDelta("Hi", 0, 0, LOGPROBS),
        TextDelta("Yo", 0, 1),
        Finished(FinishReason.STOP, 0),
        TextDelta("!", 0, 1),
        Finished(FinishReason.LENGTH, 1),
        USAGE,
        Ended(),
    ],
    "refusal": [
        STARTED,
        RefusalDelta("I cannot ", 0),
        RefusalDelta("help.", 0),
        Finished(FinishReason.STOP),
        USAGE,
        Ended(),
    ],
    "custom_tool": [
        STARTED,
        ToolCallStarted("call_c", "sql", 0, 0, custom=True),
        ToolCallDelta("SELECT 1", 0, 0),
        Finished(FinishReason.TOOL_CALLS),
        USAGE,
        Ended(),
    ],
    "legacy_function": [
        STARTED,
        ToolCallStarted("call_n1_0", "joke", 0, 0),
        ToolCallDelta("{}", 0, 0),
        Finished(FinishReason.TOOL_CALLS),
        USAGE,
        Ended(),
    ],
    "without_done": [STARTED, TextDelta("Hi", 0), Finished(FinishReason.STOP), USAGE, Ended()],
}


def decode(stream: bytes) -> list[Decoded]:
    decoder = UPSTREAM.stream_decoder("n1")
    return decoder.feed(stream) + decoder.flush()


def events(stream: bytes) -> list[Event]:
    return [event for decoded in decode(stream) for event in decoded.events]


def failure(found: list[Decoded]) -> GatewayError:
    """Returns the error of the one frame, which must be a failure."""
    ((event,),) = [decoded.events for decoded in found]
    assert isinstance(event, Failed)
    return event.error


# Streams that are whole without the wire's last mark.
UNMARKED = {"without_done", "minimax", "perplexity"}


@pytest.mark.parametrize("name", MEANINGS)
def test_a_golden_stream_means_its_events(name: str) -> None:
    assert events((GOLDEN / f"{name}.sse").read_bytes()) == MEANINGS[name]


def test_every_golden_stream_has_its_meaning_here() -> None:
    assert {path.stem for path in GOLDEN.glob("*.sse")} == MEANINGS.keys()


@pytest.mark.parametrize("name", MEANINGS)
def test_a_golden_stream_means_the_same_cut_at_every_byte(name: str) -> None:
    stream = (GOLDEN / f"{name}.sse").read_bytes()
    decoder = UPSTREAM.stream_decoder("n1")
    found = [decoded for place in range(len(stream)) for decoded in decoder.feed(stream[place : place + 1])]
    assert found + decoder.flush() == decode(stream)


@pytest.mark.parametrize("name", [name for name in MEANINGS if name not in UNMARKED])
def test_a_stream_cut_anywhere_before_its_finish_and_usage_is_an_error(name: str) -> None:
    stream = (GOLDEN / f"{name}.sse").read_bytes()
    whole_from = stream.rindex(b"}\n") + 1
    for end in range(0, whole_from, 7):
        decoder = UPSTREAM.stream_decoder("n1")
        decoder.feed(stream[:end])
        assert type(failure(decoder.flush()[-1:])) is UpstreamError


def test_a_stream_without_a_word_is_an_error() -> None:
    assert failure(decode(b"data: [DONE]\n\n")).message == "The provider's stream was cut."


def test_usage_without_a_choice_is_no_whole_stream() -> None:
    usage, *rest = decode(b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":0}}\n\n')
    assert usage.events == [UsageReported(Usage(input=1))]
    assert failure(rest).message == "The provider's stream was cut."


def test_sound_counts_as_its_tokens_and_not_as_its_text() -> None:
    # A second of sound is 20 tokens, of three bytes as text is counted.
    pieces = [{"id": "audio_1", "transcript": "Grüße"}, {"data": "A" * 64_000}, {"data": "AAAA"}, {"expires_at": 9}]
    frames = [{"choices": [{"index": 0, "delta": {"audio": piece}, "finish_reason": None}]} for piece in pieces]
    stream = b"".join(b"data: " + orjson.dumps(frame) + b"\n\n" for frame in frames)
    decoder = UPSTREAM.stream_decoder("n1")
    found = [event for decoded in decoder.feed(stream) for event in decoded.events if isinstance(event, OpaqueDelta)]
    assert [delivered_bytes(event) for event in found] == [7, 60, 1, 0]


def test_bytes_after_the_end_mean_nothing() -> None:
    stream = (GOLDEN / "text.sse").read_bytes()
    assert events(stream + b"data: garbage\n\n") == MEANINGS["text"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"data: {\n\n",
        b"data: [1]\n\n",
        b"data: null\n\n",
        b"data: <html>\n\n",
        b'data: {"choices":{}}\n\n',
        b'data: {"choices":[{"delta":"x"}]}\n\n',
        b'data: {"choices":[{"delta":{"content":5}}]}\n\n',
        b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{"}}]}}]}\n\n',
    ],
)
def test_garbage_fails_the_stream_in_its_place(garbage: bytes) -> None:
    sound = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
    first, *rest = UPSTREAM.stream_decoder("n1").feed(sound + garbage + sound)
    assert first.frame == sound[6:-2]
    assert isinstance(failure(rest), UnreadableAnswer)


def test_an_event_without_end_is_an_upstream_error() -> None:
    decoder = UPSTREAM.stream_decoder("n1")
    assert failure(decoder.feed(b"data: " + b"x" * FRAME_BYTES_MAX)).message == (
        "The provider sent a stream event that is too large."
    )
    assert decoder.flush() == []


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b'data: {"error":{"message":"Slow down","type":"rate_limit_error"}}\n\n', UpstreamOverloaded),
        (b'event: error\ndata: {"error":{"message":"m","status_code":400}}\n\n', InvalidRequest),
        (b'event: error\ndata: {"message":"boom"}\n\n', UpstreamError),
        (b'data: {"id":"x","choices":[],"error":{"code":429,"message":"m"}}\n\n', UpstreamOverloaded),
        (b'data: {"error":"boom"}\n\n', UpstreamError),
    ],
)
def test_an_error_in_the_stream_ends_it_as_failed(frame: bytes, kind: type) -> None:
    found = decode(frame + b"data: [DONE]\n\n")
    assert [decoded.frame for decoded in found] == [b""]
    (event,) = found[0].events
    assert isinstance(event, Failed)
    assert type(event.error) is kind


def test_zero_cached_tokens_are_a_count() -> None:
    (decoded,) = UPSTREAM.stream_decoder("n1").feed(
        b'data: {"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,'
        b'"prompt_tokens_details":{"cached_tokens":0}}}\n\n'
    )
    assert decoded.events == [UsageReported(Usage())]


def test_empty_usage_is_no_report() -> None:
    (decoded,) = UPSTREAM.stream_decoder("n1").feed(b'data: {"choices":[],"usage":{}}\n\n')
    assert decoded.events == []


def test_indices_are_put_right_in_the_frame_where_a_provider_has_none() -> None:
    frames = b"".join(decoded.frame for decoded in decode((GOLDEN / "tools_without_index.sse").read_bytes()))
    assert [frames.count(b'"index":%d,"delta"' % 0), frames.count(b'"index":1}')] == [3, 2]


def test_content_in_parts_is_text_and_thinking() -> None:
    stream = (
        b'data: {"id":"i","model":"m","choices":[{"index":0,"delta":{"content":['
        b'{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"yes"}]}}]}\n\n'
    )
    (decoded,) = UPSTREAM.stream_decoder("n1").feed(stream)
    assert decoded.events == [Started("i", "m"), ThinkingDelta("hm", 0), TextDelta("yes", 1)]


def test_half_a_character_is_scored_without_text() -> None:
    stream = b'data: {"choices":[{"delta":{"content":""},"logprobs":{"content":[{"token":"\\\\xf0"}]}}]}\n\n'
    (decoded,) = UPSTREAM.stream_decoder("n1").feed(stream)
    assert decoded.events[1:] == [TextDelta("", 0, 0, {"content": [{"token": "\\xf0"}]})]


def test_reasoning_under_both_names_is_said_once() -> None:
    stream = b'data: {"choices":[{"delta":{"reasoning":"hm","reasoning_content":"hm"}}]}\n\n'
    (decoded,) = UPSTREAM.stream_decoder("n1").feed(stream)
    assert decoded.events[1:] == [ThinkingDelta("hm", 0)]


def test_a_repaired_frame_keeps_what_else_it_says() -> None:
    stream = (
        b'data: {"choices":[{"delta":{"content":"x","tool_calls":[{"id":"a","function":{"name":"f"}}]},'
        b'"logprobs":{"content":[{"token":"x"}]}}]}\n\n'
    )
    (decoded,) = UPSTREAM.stream_decoder("n1").feed(stream)
    assert b'"content":"x"' in decoded.frame
    assert b'"index":0' in decoded.frame
