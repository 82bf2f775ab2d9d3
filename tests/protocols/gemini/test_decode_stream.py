"""Tests that providers' streams become events: each chunk's meaning, for every cut, and the check for completeness."""

import re
from pathlib import Path

import pytest

from gateway.canonical.codec import Decoded
from gateway.canonical.events import (
    CitationAdded,
    Ended,
    Event,
    Failed,
    Finished,
    OpaqueDelta,
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
from gateway.errors import InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.protocols.gemini import UPSTREAM, json_array
from gateway.protocols.gemini.json_array import JsonArrayDecoder

GOLDEN = Path(__file__).parents[2] / "golden" / "gemini"
STREAMS = sorted(path.name for path in GOLDEN.iterdir() if path.suffix == ".sse" or path.name == "array.json")
CHUNK = b'data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"responseId":"r","modelVersion":"m"}\n\n'
LAST = b'data: {"candidates":[{"finishReason":"STOP"}]}\n\n'


def decoded(*pieces: bytes) -> list[Decoded]:
    decoder = UPSTREAM.stream_decoder("resp-up")
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    return frames + decoder.flush()


def events(*pieces: bytes) -> list[Event]:
    return [event for frame in decoded(*pieces) for event in frame.events]


def golden(name: str) -> list[Event]:
    """Returns the events, without the usage reports that every chunk has."""
    found = events((GOLDEN / f"{name}.sse").read_bytes())
    return [event for event in found if not isinstance(event, UsageReported | Started)]


def failure(*pieces: bytes) -> UpstreamError | InvalidRequest:
    *_, last = events(*pieces)
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamError | InvalidRequest)
    return last.error


def test_text_comes_in_pieces_with_its_usage() -> None:
    assert events((GOLDEN / "text.sse").read_bytes()) == [
        Started("resp-up", "gemini-up", usage=Usage(input=7, output=1)),
        TextDelta("Hel", 0),
        UsageReported(Usage(input=7, output=1)),
        TextDelta("lo", 0),
        UsageReported(Usage(input=7, output=2)),
        TextDelta("!", 0),
        UsageReported(Usage(input=7, output=3)),
        Finished(FinishReason.STOP),
        Ended(),
    ]


def test_thoughts_calls_and_signatures_keep_their_places() -> None:
    assert golden("thinking_and_calls") == [
        ThinkingDelta("Let me see.", 0),
        TextDelta("Looking.", 1),
        ToolCallStarted("fc-1", "weather", 0, 2, signature="U2lnbmVk/+8="),
        ToolCallDelta('{"city":"Bern"}', 0, 2),
        ToolCallStarted("call_resp-up_1", "time", 1, 3),
        ToolCallDelta("{}", 1, 3),
        TextDelta("", 4, signature="VGhl+2VuZA=="),
        Finished(FinishReason.TOOL_CALLS),
        Ended(),
    ]


def test_a_blocked_prompt_ends_filtered() -> None:
    assert golden("blocked") == [Finished(FinishReason.CONTENT_FILTER), Ended()]


def test_candidates_are_told_apart() -> None:
    assert golden("candidates") == [
        TextDelta("a", 0, 0),
        TextDelta("b", 0, 1),
        TextDelta("A", 0, 0),
        TextDelta("B", 0, 1),
        Finished(FinishReason.LENGTH, 0),
        Finished(FinishReason.STOP, 1),
        Ended(),
    ]


def test_sources_belong_to_the_text() -> None:
    sources = (
        '{"groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://example.com","title":"e"}}],'
        '"webSearchQueries":["q"]}}'
    )
    assert golden("sources")[2] == CitationAdded(Citation("gemini", sources), 0)


def test_work_of_the_providers_own_tools_stays_as_it_is() -> None:
    assert golden("own_tools")[:3] == [
        OpaqueDelta("gemini", '{"executableCode":{"language":"PYTHON","code":"print(1)"}}', 0),
        OpaqueDelta("gemini", '{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1\\n"}}', 1),
        TextDelta("One.", 2),
    ]


def test_log_probabilities_come_with_their_text() -> None:
    hi, yo = {"token": "Hi", "logprob": -0.25}, {"token": "Yo", "logprob": -2.5}
    scored = {
        "content": [hi | {"bytes": [72, 105], "top_logprobs": [hi | {"bytes": [72, 105]}, yo | {"bytes": [89, 111]}]}]
    }
    assert golden("logprobs")[0] == TextDelta("Hi", 0, logprobs=scored | {"refusal": None})


def test_arguments_in_pieces_are_put_together() -> None:
    assert golden("partial_arguments") == [
        ToolCallStarted("fc-9", "write", 0, 0, signature="UGFydA=="),
        ToolCallDelta('{"text":"Hello","lines":[{"bold":true},null],"a b":2}', 0, 0),
        Finished(FinishReason.TOOL_CALLS),
        Ended(),
    ]


@pytest.mark.parametrize("path", ["", "$", "$.a[3]", "$[0]", "$.t.x"])
def test_a_piece_that_fits_nowhere_is_garbage(path: str) -> None:
    head = b'data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","willContinue":true,"partialArgs":'
    pieces = b'[{"jsonPath":"$.t","stringValue":"s"},{"jsonPath":"%b","numberValue":1}]}}]}}]}\n\n' % path.encode()
    assert "cannot be read" in failure(head + pieces).message


def test_an_array_means_what_its_elements_mean() -> None:
    found = events((GOLDEN / "array.json").read_bytes())
    assert [event.text for event in found if isinstance(event, TextDelta)] == ['Braces } " \\ {', " lo"]
    assert found[-2:] == [Finished(FinishReason.STOP), Ended()]


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_means_the_same_however_it_is_cut(name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    whole = decoded(data)
    assert all(decoded(data[:place], data[place:]) == whole for place in range(1, len(data)))
    assert decoded(*(data[place : place + 1] for place in range(len(data)))) == whole


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_without_its_end_is_cut(name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    end = b"blockReason" if name == "blocked.sse" else b"finishReason"
    messages = {failure(data[:place]).message for place in range(data.rindex(end))}
    assert messages == {"The provider's stream was cut."}


def test_what_follows_a_finish_is_not_lost() -> None:
    assert events(LAST, CHUNK)[-3:] == [TextDelta("Hi", 0), Finished(FinishReason.STOP), Ended()]


@pytest.mark.parametrize(
    "garbage",
    [
        b"data: {bad\n\n",
        b"data: null\n\n",
        b'data: {"candidates":[{"finishReason":3}]}\n\n',
        b'data: {"candidates":3}\n\n',
    ],
)
def test_garbage_is_a_failure_in_its_place(garbage: bytes) -> None:
    found = events(CHUNK, garbage, CHUNK)
    assert [type(event) for event in found] == [Started, TextDelta, Failed]
    assert "cannot be read" in failure(CHUNK, garbage, CHUNK).message


@pytest.mark.parametrize("garbage", [b'[{"a":1},x', b'[{"candidates":3}]', b'{"a"', b'[{"a":"'])
def test_garbage_in_an_array_is_a_failure(garbage: bytes) -> None:
    assert isinstance(failure(garbage), UpstreamError)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (b'{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}', UpstreamOverloaded),
        (b'{"error":{"code":400,"message":"x"}}', InvalidRequest),
        (b'{"error":"x"}', UpstreamError),
    ],
)
@pytest.mark.parametrize("frame", [b"data: %b\r\n\r\n", b"[%b]", b"%b"])
def test_an_error_in_a_stream_is_that_error(frame: bytes, error: bytes, kind: type[Exception]) -> None:
    assert type(failure(frame % error)) is kind


@pytest.mark.parametrize("nothing", [b"", b"\r\n", b": comment\n\n"])
def test_a_stream_of_nothing_is_cut(nothing: bytes) -> None:
    assert failure(nothing).message == "The provider's stream was cut."


def test_a_comment_means_nothing() -> None:
    assert events(CHUNK, b": ping\n\n", LAST)[-2:] == [Finished(FinishReason.STOP), Ended()]


@pytest.mark.parametrize("opening", [b"data: ", b'[{"a":"'])
def test_an_event_without_an_end_is_refused_in_time(opening: bytes) -> None:
    assert "too large" in failure(opening, b"x" * (16 * 1024 * 1024 + 1)).message


def test_an_array_is_read_without_looking_back() -> None:
    decoder = JsonArrayDecoder()
    assert [decoder.feed(piece) for piece in (b"[", b'{"a":"\\', b'"}', b'"}', b" , ", b"{}]")] == [
        [],
        [],
        [],
        [b'{"a":"\\"}"}'],
        [],
        [b"{}"],
    ]


class CountedPattern:
    """A pattern that adds up the bytes of the texts that it was given, as far as they were joined."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern
        self.text_bytes = 0

    def match(self, text: bytes, start: int) -> re.Match[bytes] | None:
        self.text_bytes += len(text)
        return self._pattern.match(text, start)


@pytest.mark.parametrize("value", [b"x" * 1_000_000, b'\\"\\\\' * 250_000])
def test_an_object_in_many_pieces_is_joined_once(monkeypatch: pytest.MonkeyPatch, value: bytes) -> None:
    plain, quoted = CountedPattern(json_array._PLAIN), CountedPattern(json_array._QUOTED)
    monkeypatch.setattr(json_array, "_PLAIN", plain)
    monkeypatch.setattr(json_array, "_QUOTED", quoted)
    whole, piece_bytes = b'{"a":{"b":"' + value + b'"}}', 1_001
    decoder = JsonArrayDecoder()
    pieces = [(b"[" + whole)[start : start + piece_bytes] for start in range(0, len(whole) + 1, piece_bytes)]
    assert [one for piece in pieces for one in decoder.feed(piece)] == [whole]
    assert plain.text_bytes + quoted.text_bytes < 1.1 * len(whole)
