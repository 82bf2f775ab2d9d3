"""Tests of chunks to a caller, up to every kind of end."""

from typing import Any

import orjson
import pytest

from gateway.canonical.codec import Decoded, StreamEncoder
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
from gateway.errors import UpstreamTimeout
from gateway.protocols.openai_completions import CLIENT

EXTENSION = Extension("gen-nxn-1", "gpt-5", (Tried("gpt-5", "p", "served"),), "miss", "0.001")
STOPPED = Finished(FinishReason.STOP)


def encoder(**members: Any) -> StreamEncoder:
    request = CLIENT.decode_request(orjson.dumps({"model": "m", "prompt": "Once upon", "stream": True} | members))
    return CLIENT.stream_encoder(request, Stamp("cmpl-nxn-1", "nexevo/fast", 5, request.echo))


def payloads(out: bytes) -> list[bytes]:
    events = out.split(b"\n\n")
    assert events.pop() == b""
    assert all(event.startswith(b"data: ") for event in events)
    return [event.removeprefix(b"data: ") for event in events]


def chunks(out: bytes) -> list[Any]:
    *found, done = payloads(out)
    assert done == b"[DONE]"
    return [orjson.loads(chunk) for chunk in found]


def encoded(*events: Event, **members: Any) -> list[Any]:
    out = encoder(**members)
    return chunks(b"".join(out.encode(event) for event in events) + out.finish(EXTENSION))


def texts(found: list[Any]) -> list[tuple[int, str]]:
    return [(choice["index"], choice["text"]) for chunk in found for choice in chunk["choices"]]


def test_a_piece_of_text_is_a_chunk_and_the_last_one_has_the_end_and_the_bill() -> None:
    sent = encoded(Started("up", "m"), TextDelta(" a", 0), TextDelta(" time", 0), STOPPED, Ended())
    names = {"id": "cmpl-nxn-1", "object": "text_completion", "created": 5, "model": "nexevo/fast"}
    assert sent == [
        names | {"choices": [{"text": " a", "index": 0, "logprobs": None, "finish_reason": None}]},
        names | {"choices": [{"text": " time", "index": 0, "logprobs": None, "finish_reason": None}]},
        names
        | {
            "choices": [{"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}],
            "nexevo": EXTENSION.as_json(),
        },
    ]


def test_content_leaves_at_once_and_the_finish_waits_for_the_bill() -> None:
    out = encoder()
    assert [len(out.encode(event)) > 0 for event in (TextDelta("Hi", 0), STOPPED, Ended())] == [True, False, False]


def test_the_finish_of_one_choice_does_not_hold_back_another() -> None:
    out = encoder(n=2)
    assert [len(out.encode(event)) > 0 for event in (STOPPED, TextDelta("Hi", 0, 1))] == [False, True]


def test_reasoning_calls_and_what_only_other_wires_know_are_not_in_the_text() -> None:
    unsaid: tuple[Event, ...] = (
        ThinkingDelta("hm", 0),
        RedactedThinkingDelta("zzz", 1),
        ToolCallStarted("call_a", "weather", 0, 2),
        ToolCallDelta("{}", 0, 2),
        CitationAdded(Citation("gemini", "{}"), 3),
        OpaqueDelta("gemini", "{}", 4),
        TextDelta("", 5),
    )
    assert texts(encoded(*unsaid, TextDelta("Hi", 5), STOPPED)) == [(0, "Hi"), (0, "")]


def test_a_refusal_is_text_for_its_reader() -> None:
    assert texts(encoded(RefusalDelta("I cannot.", 0), STOPPED))[0] == (0, "I cannot.")


def test_an_echo_is_in_the_first_chunk_of_each_choice_and_there_alone() -> None:
    said = (TextDelta(" a", 0, 0), TextDelta(" us", 0, 1), TextDelta(" time", 0, 0))
    sent = encoded(*said, STOPPED, Finished(FinishReason.STOP, 1), echo=True, n=2)
    assert texts(sent) == [(0, "Once upon a"), (1, "Once upon us"), (0, " time"), (0, ""), (1, "")]


def test_an_echo_comes_even_where_the_model_says_nothing() -> None:
    assert texts(encoded(STOPPED, echo=True)) == [(0, "Once upon")]


def test_offsets_of_log_probabilities_go_on_from_chunk_to_chunk_of_a_choice() -> None:
    def scored(text: str, choice: int) -> TextDelta:
        logprobs: Any = {"content": [{"token": text, "logprob": -1.0, "bytes": None, "top_logprobs": []}]}
        return TextDelta(text, 0, choice, logprobs)

    sent = encoded(scored("Hi", 0), scored("Hello", 1), scored(" you", 0), scored("!", 1), n=2, logprobs=0)
    found = [choice["logprobs"] for chunk in sent for choice in chunk["choices"]]
    assert [logprobs["text_offset"] for logprobs in found] == [[0], [0], [2], [5]]
    assert found[2] == {"tokens": [" you"], "token_logprobs": [-1.0], "top_logprobs": None, "text_offset": [2]}


def test_log_probabilities_without_text_are_not_lost() -> None:
    half = {"token": "\\xe2", "logprob": -1.0, "bytes": [0xE2], "top_logprobs": []}
    opening, *_ = encoded(TextDelta("", 0, logprobs={"content": [half]}), logprobs=0)
    assert opening["choices"][0]["logprobs"]["tokens"] == ["\\xe2"]


def test_usage_comes_last_and_alone_where_it_was_asked_for() -> None:
    counted = UsageReported(Usage(input=3, cache_read=2, output=1))
    *_, finish, last = encoded(TextDelta("Hi", 0), counted, STOPPED, stream_options={"include_usage": True})
    assert (last["choices"], last["usage"]["prompt_tokens"], last["usage"]["total_tokens"]) == ([], 5, 6)
    assert ("nexevo" in finish, "nexevo" in last) == (False, True)


def test_usage_that_was_not_asked_for_is_not_shown() -> None:
    assert not any("usage" in chunk for chunk in encoded(TextDelta("Hi", 0), UsageReported(Usage(input=3)), STOPPED))


def test_a_stream_cut_short_ends_every_open_choice_with_length() -> None:
    out = encoder(n=2)
    sent = chunks(out.encode(TextDelta("Hi", 0)) + out.encode(STOPPED) + out.cut_short(EXTENSION))
    ends = [(each["index"], each["finish_reason"]) for chunk in sent for each in chunk["choices"]]
    assert ends == [(0, None), (0, "stop"), (1, "length")]
    assert sent[-1]["nexevo"] == EXTENSION.as_json()


def test_a_failure_is_an_error_event_with_its_status_and_no_end_mark() -> None:
    out = encoder()
    failed = UpstreamTimeout("Silence.")
    sent = out.encode(TextDelta("Hi", 0)) + out.encode(Failed(failed)) + out.fail(failed)
    *_, last = payloads(sent)
    assert orjson.loads(last) == {
        "error": {
            "message": "Silence.",
            "type": "upstream_error",
            "param": None,
            "code": "upstream_timeout",
            "status": 504,
        }
    }
    assert b"[DONE]" not in sent


def test_nothing_is_forwarded_since_no_provider_speaks_this_wire() -> None:
    with pytest.raises(NotImplementedError):
        encoder().forward(Decoded((), b"{}"))
