"""Tests of chunks to a caller, forwarded and built, in both framings, up to every kind of end."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
from gateway.errors import UpstreamTimeout
from gateway.protocols.gemini import CLIENT, UPSTREAM
from gateway.protocols.gemini.rename import Renamer

GOLDEN = Path(__file__).parents[2] / "golden" / "gemini"
AT = "/v1beta/models/asked:streamGenerateContent"
STAMP = Stamp(response_id="nxn-1", model="nexevo/fast", created_s=5)
EXTENSION = Extension("gen-nxn-1", "gemini-2.5-flash", (Tried("gemini-2.5-flash", "p", "served"),), "miss", "0.001")
STREAMS = sorted(path.stem for path in GOLDEN.glob("*.sse"))
NAMES = {"modelVersion": "nexevo/fast", "responseId": "nxn-1"}


def encoder(choices: int = 1, alt: str = "sse") -> StreamEncoder:
    codec = CLIENT.at(AT, {"alt": alt})
    body = {"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"candidateCount": choices}}
    return codec.stream_encoder(codec.decode_request(orjson.dumps(body)), STAMP)


def chunks(out: bytes) -> list[Any]:
    events = out.split(b"\r\n\r\n")
    assert events.pop() == b""
    assert all(event.startswith(b"data: ") and b"\n" not in event for event in events)
    return [orjson.loads(event.removeprefix(b"data: ")) for event in events]


def forwarded(name: str, choices: int = 1, alt: str = "sse") -> bytes:
    decoder, out = UPSTREAM.stream_decoder(), encoder(choices, alt)
    frames = decoder.feed((GOLDEN / name).read_bytes()) + decoder.flush()
    return b"".join(out.forward(frame) for frame in frames) + out.finish(EXTENSION)


def encoded(*events: Event, choices: int = 1) -> list[Any]:
    out = encoder(choices)
    return chunks(b"".join(out.encode(event) for event in events) + out.finish(EXTENSION))


def parts(chunk: Any) -> Any:
    return chunk["candidates"][0]["content"]["parts"]


@pytest.mark.parametrize("name", STREAMS)
def test_a_forwarded_stream_differs_in_its_names_only(name: str) -> None:
    source = (GOLDEN / f"{name}.sse").read_bytes()
    expected = source.replace(b'"gemini-up"', b'"nexevo/fast"').replace(b'"resp-up"', b'"nxn-1"')
    extension = b',"nexevo":' + orjson.dumps(EXTENSION.as_json()) + b"}\r\n\r\n"
    assert forwarded(f"{name}.sse", choices=2) == expected.removesuffix(b"}\r\n\r\n") + extension


def test_a_stream_is_forwarded_from_either_framing_to_either() -> None:
    source = orjson.loads((GOLDEN / "array.json").read_bytes())
    expected = [chunk | NAMES for chunk in source]
    expected[-1]["nexevo"] = EXTENSION.as_json()
    assert chunks(forwarded("array.json")) == expected
    assert orjson.loads(forwarded("array.json", alt="json")) == expected


def test_content_leaves_at_once_and_the_finish_waits_for_the_bill() -> None:
    decoder, out = UPSTREAM.stream_decoder(), encoder()
    frames = decoder.feed((GOLDEN / "text.sse").read_bytes()) + decoder.flush()
    assert [len(out.forward(frame)) > 0 for frame in frames] == [True, True, False, False]


@pytest.mark.parametrize(
    "chunk",
    [
        b'{"a":1,"modelVersion":"b","responseId":"a"}',
        b'{"candidates":[{"modelVersion":"x"}],"modelVersion":"b","responseId":"a"}',
        b'{"modelVersion":"x","a":1,"modelVersion":"b","responseId":"a"}',
        b'{"\\u006dodelVersion":"x","modelVersion":"b","responseId":"a"}',
        b'{"a":{"b":1,"modelVersion":"b","responseId":"a"}}',
        b'{"modelVersion":"b","responseId":"other"}',
        b'{"responseId":"a","modelVersion":"b"}',
        b'{"modelVersion":"b","responseId":"a","more":1}',
        b'{ "modelVersion": "b", "responseId": "a" }',
        b'{"a":1}',
    ],
)
def test_a_chunk_after_one_that_closes_alike_is_edited_as_exactly_as_the_first(chunk: bytes) -> None:
    renamer = Renamer(STAMP)
    renamer.rename(b'{"x":[],"modelVersion":"b","responseId":"a"}')
    expected = orjson.loads(chunk) | NAMES
    assert [orjson.loads(renamer.rename(chunk)), orjson.loads(renamer.rename(chunk))] == [expected, expected]


def test_events_become_well_formed_chunks() -> None:
    sent = encoded(
        Started("up", "m", usage=Usage(input=3)),
        ThinkingDelta("hm", 0),
        ThinkingDelta("", 0, signature="T3du", signed_by="gemini"),
        OpaqueDelta("openai_chat", "{}", 1),
        OpaqueDelta("gemini", '{"executableCode":{"code":"1"}}', 2),
        TextDelta("Hi ", 3),
        TextDelta("", 3),
        TextDelta("you", 3, signature="VGV4dA=="),
        RefusalDelta("no", 4),
        CitationAdded(Citation("gemini", '{"groundingMetadata":{"webSearchQueries":["q"]}}'), 3),
        CitationAdded(Citation("openai_chat", "{}"), 3),
        UsageReported(Usage(input=1, output=5, reasoning=2)),
        Finished(FinishReason.STOP),
        Ended(),
    )
    assert [parts(chunk) for chunk in sent] == [
        [{"text": "hm", "thought": True}],
        [{"text": "", "thought": True, "thoughtSignature": "T3du"}],
        [{"executableCode": {"code": "1"}}],
        [{"text": "Hi "}],
        [{"text": "you", "thoughtSignature": "VGV4dA=="}],
        [{"text": "no"}],
        [{"text": ""}],
    ]
    assert all({name: chunk[name] for name in NAMES} == NAMES for chunk in sent)
    assert sent[-1] == {
        "candidates": [
            {
                "content": {"parts": [{"text": ""}], "role": "model"},
                "finishReason": "STOP",
                "index": 0,
                "groundingMetadata": {"webSearchQueries": ["q"]},
            }
        ],
        **NAMES,
        "usageMetadata": {
            "promptTokenCount": 1,
            "candidatesTokenCount": 3,
            "totalTokenCount": 6,
            "thoughtsTokenCount": 2,
        },
        "nexevo": EXTENSION.as_json(),
    }


def test_interleaved_calls_leave_whole_and_in_order() -> None:
    (sent,) = encoded(
        ToolCallStarted("a", "f", 0, 0, signature="U2ln"),
        ToolCallDelta('{"x"', 0, 0),
        ToolCallStarted("b", "g", 1, 1),
        ToolCallDelta("{", 1, 1),
        ToolCallDelta(":1}", 0, 0),
        ToolCallDelta("}", 1, 1),
        ToolCallStarted("c", "sql", 2, 2, custom=True),
        ToolCallDelta("SELECT 1", 2, 2),
        Finished(FinishReason.TOOL_CALLS),
    )
    assert parts(sent) == [
        {"functionCall": {"id": "a", "name": "f", "args": {"x": 1}}, "thoughtSignature": "U2ln"},
        {"functionCall": {"id": "b", "name": "g", "args": {}}},
        {"functionCall": {"id": "c", "name": "sql", "args": {"input": "SELECT 1"}}},
    ]
    assert sent["candidates"][0]["finishReason"] == "STOP"


def test_usage_that_comes_after_the_finish_is_in_the_last_chunk() -> None:
    last = encoded(TextDelta("Hi", 0), Finished(FinishReason.STOP), UsageReported(Usage(input=3, cache_read=2)))[-1]
    assert last["usageMetadata"] == {
        "promptTokenCount": 5,
        "candidatesTokenCount": 0,
        "totalTokenCount": 5,
        "cachedContentTokenCount": 2,
    }


def test_candidates_end_each_for_itself() -> None:
    sent = encoded(
        TextDelta("a", 0, 0),
        ToolCallStarted("c", "f", 0, 0, choice=1),
        Finished(FinishReason.STOP, 0),
        TextDelta("b", 0, 1),
        Finished(FinishReason.LENGTH, 1),
        choices=2,
    )
    ends = [(c["candidates"][0]["index"], c["candidates"][0].get("finishReason")) for c in sent]
    assert ends == [(0, None), (0, "STOP"), (1, None), (1, "MAX_TOKENS")]
    assert [list(parts(chunk)[0]) for chunk in sent] == [["text"], ["text"], ["text"], ["functionCall"]]
    assert ["nexevo" in chunk for chunk in sent] == [False, False, False, True]


def test_an_encrypted_thought_is_a_thought_that_says_nothing() -> None:
    first, _ = encoded(RedactedThinkingDelta("zzz", 0, signed_by="anthropic_messages"), Finished(FinishReason.STOP))
    assert parts(first)[0].keys() == {"text", "thought", "thoughtSignature"}


def test_log_probabilities_come_with_their_text() -> None:
    scored = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}
    logprobs = {"content": [scored | {"top_logprobs": [scored]}], "refusal": None}
    first, _ = encoded(TextDelta("Hi", 0, logprobs=logprobs), Finished(FinishReason.STOP))
    chosen = [{"token": "Hi", "logProbability": -0.5}]
    assert first["candidates"][0]["logprobsResult"] == {
        "chosenCandidates": chosen,
        "topCandidates": [{"candidates": chosen}],
    }


@pytest.mark.parametrize("name", [name for name in STREAMS if name != "blocked"])
def test_a_golden_made_anew_reads_as_it_did(name: str) -> None:
    decoder, out = UPSTREAM.stream_decoder(), encoder(choices=2)
    frames = decoder.feed((GOLDEN / f"{name}.sse").read_bytes()) + decoder.flush()
    source = [event for frame in frames for event in frame.events]
    anew = b"".join(out.encode(event) for event in source) + out.finish(EXTENSION)
    again = UPSTREAM.stream_decoder()
    found = [event for frame in [*again.feed(anew), *again.flush()] for event in frame.events]

    def told(events: list[Event]) -> Sequence[Event]:
        calls = [event for event in events if isinstance(event, ToolCallDelta)]
        return calls + [e for e in events if isinstance(e, TextDelta | ThinkingDelta | OpaqueDelta | Finished | Ended)]

    def names(events: list[Event]) -> list[tuple[str, str, str | None]]:
        return [(event.id, event.name, event.signature) for event in events if isinstance(event, ToolCallStarted)]

    assert names(found) == names(source)
    assert [repr(event).split("part=")[0] for event in told(found)] == [
        repr(event).split("part=")[0] for event in told(source)
    ]
    assert [event for event in found if isinstance(event, UsageReported)][-1:] == [
        event for event in source if isinstance(event, UsageReported)
    ][-1:]


def test_a_stream_cut_short_ends_every_open_candidate() -> None:
    out = encoder(choices=2)
    sent = out.encode(TextDelta("Hi", 0)) + out.encode(Finished(FinishReason.STOP, 0)) + out.cut_short(EXTENSION)
    ends = [
        (c["index"], c["finishReason"]) for chunk in chunks(sent) for c in chunk["candidates"] if "finishReason" in c
    ]
    assert ends == [(0, "STOP"), (1, "MAX_TOKENS")]
    assert "nexevo" in chunks(sent)[-1]


def test_a_call_cut_short_is_not_shown_as_one() -> None:
    out = encoder()
    out.encode(ToolCallStarted("c", "f", 0, 0))
    out.encode(ToolCallDelta('{"rm": "/', 0, 0))
    (last,) = chunks(out.cut_short(EXTENSION))
    assert (parts(last), last["candidates"][0]["finishReason"]) == ([{"text": ""}], "MAX_TOKENS")


@pytest.mark.parametrize(("frames", "finish"), [(2, "MAX_TOKENS"), (3, "STOP")])
def test_a_forwarded_stream_cut_short_ends_as_far_as_it_came(frames: int, finish: str) -> None:
    decoder, out = UPSTREAM.stream_decoder(), encoder()
    read = decoder.feed((GOLDEN / "text.sse").read_bytes())[:frames]
    sent = chunks(b"".join(out.forward(frame) for frame in read) + out.cut_short(EXTENSION))
    assert (len(sent), sent[-1]["candidates"][0]["finishReason"]) == (3, finish)
    assert sent[-1]["usageMetadata"]["totalTokenCount"] == 7 + frames


@pytest.mark.parametrize("alt", ["sse", "json"])
def test_a_failure_is_an_error_in_the_place_of_a_chunk(alt: str) -> None:
    out = encoder(alt=alt)
    sent = (
        out.encode(TextDelta("Hi", 0))
        + out.encode(Failed(UpstreamTimeout("x")))
        + out.fail(UpstreamTimeout("Silence."))
    )
    last = (orjson.loads(sent) if alt == "json" else chunks(sent))[-1]
    assert (last["error"]["code"], last["error"]["message"], last["error"]["status"]) == (
        504,
        "Silence.",
        "DEADLINE_EXCEEDED",
    )


@pytest.mark.parametrize("alt", ["sse", "json"])
def test_a_stream_that_said_nothing_still_ends(alt: str) -> None:
    out = encoder(alt=alt).finish(EXTENSION)
    (only,) = orjson.loads(out) if alt == "json" else chunks(out)
    assert (only["candidates"][0]["finishReason"], only["nexevo"]) == ("STOP", EXTENSION.as_json())
