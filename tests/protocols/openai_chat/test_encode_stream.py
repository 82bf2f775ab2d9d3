"""Tests of chunks to a caller, forwarded and built, up to every kind of end."""

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
from gateway.protocols.openai_chat import CLIENT, UPSTREAM
from gateway.protocols.openai_chat.rename import Renamer

GOLDEN = Path(__file__).parents[2] / "golden" / "openai_chat"
STAMP = Stamp(response_id="chatcmpl-nxn-1", model="nexevo/fast", created_s=5)
EXTENSION = Extension("gen-nxn-1", "gpt-5", (Tried("gpt-5", "p", "served"),), "miss", "0.001")
STREAMS = sorted(path.stem for path in GOLDEN.glob("*.sse"))


def encoder(include_usage: bool = False, choices: int = 1) -> StreamEncoder:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True, "n": choices}
    body["stream_options"] = {"include_usage": include_usage}
    return CLIENT.stream_encoder(CLIENT.decode_request(orjson.dumps(body)), STAMP)


def payloads(out: bytes) -> list[bytes]:
    events = out.split(b"\n\n")
    assert events.pop() == b""
    assert all(event.startswith(b"data: ") for event in events)
    return [event.removeprefix(b"data: ") for event in events]


def chunks(out: bytes) -> list[Any]:
    *found, done = payloads(out)
    assert done == b"[DONE]"
    return [orjson.loads(chunk) for chunk in found]


def forwarded(name: str, include_usage: bool, choices: int = 1) -> bytes:
    decoder, out = UPSTREAM.stream_decoder(), encoder(include_usage, choices)
    frames = decoder.feed((GOLDEN / f"{name}.sse").read_bytes()) + decoder.flush()
    return b"".join(out.forward(frame) for frame in frames) + out.finish(EXTENSION)


def encoded(events: list[Event], include_usage: bool = False, choices: int = 1) -> list[Any]:
    out = encoder(include_usage, choices)
    return chunks(b"".join(out.encode(event) for event in events) + out.finish(EXTENSION))


def test_a_forwarded_chunk_differs_in_its_names_and_unasked_usage_only() -> None:
    source = payloads((GOLDEN / "text.sse").read_bytes())
    names = (b'"id":"chatcmpl-up"', b'"id":"chatcmpl-nxn-1"'), (b'"model":"gpt-up"', b'"model":"nexevo/fast"')
    expected = [chunk for chunk in source if b'"choices":[]' not in chunk]
    for old, new in (*names, (b',"usage":null', b"")):
        expected = [chunk.replace(old, new) for chunk in expected]
    extension = b',"nexevo":' + orjson.dumps(EXTENSION.as_json()) + b"}"
    expected[-2] = expected[-2].removesuffix(b"}") + extension
    assert payloads(forwarded("text", include_usage=False)) == expected


def test_asked_usage_is_forwarded_as_it_came() -> None:
    source = payloads((GOLDEN / "text.sse").read_bytes())
    sent = chunks(forwarded("text", include_usage=True))
    assert [chunk["usage"] for chunk in sent] == [orjson.loads(chunk)["usage"] for chunk in source[:-1]]
    assert (sent[-1]["choices"], sent[-1]["nexevo"]) == ([], EXTENSION.as_json())


@pytest.mark.parametrize("include_usage", [True, False])
@pytest.mark.parametrize("name", STREAMS)
def test_a_forwarded_golden_keeps_everything_but_the_edited_members(name: str, include_usage: bool) -> None:
    decoder = UPSTREAM.stream_decoder()
    frames = decoder.feed((GOLDEN / f"{name}.sse").read_bytes()) + decoder.flush()
    source = [orjson.loads(frame.frame) for frame in frames if frame.frame]
    if not include_usage:
        # What is left out is the usage's own chunk; Azure's results for the prompt have no choice either, and stay.
        source = [chunk for chunk in source if chunk["choices"] or not chunk.get("usage")]
    sent = chunks(forwarded(name, include_usage, choices=2 if name == "choices_and_logprobs" else 1))
    edited = {"id", "model", "nexevo", "usage"}
    assert [{k: v for k, v in chunk.items() if k not in edited} for chunk in sent] == [
        {k: v for k, v in chunk.items() if k not in edited} for chunk in source
    ]
    assert [chunk.get("usage") for chunk in sent] == [chunk.get("usage") if include_usage else None for chunk in source]


def test_content_leaves_at_once_and_the_finish_waits_for_the_bill() -> None:
    decoder, out = UPSTREAM.stream_decoder(), encoder()
    sizes = [len(out.forward(frame)) > 0 for frame in decoder.feed((GOLDEN / "text.sse").read_bytes())]
    assert sizes == [True, True, True, False, False, False]


def test_the_finish_of_one_choice_does_not_hold_back_another() -> None:
    sent = chunks(forwarded("choices_and_logprobs", include_usage=False, choices=2))
    assert [chunk["choices"][0]["finish_reason"] for chunk in sent] == [None, None, None, None, "stop", None, "length"]
    assert ["nexevo" in chunk for chunk in sent] == [False] * 6 + [True]


@pytest.mark.parametrize(
    "chunk",
    [
        b'{"id":"a","model":"b","choices":[{"delta":{"tool_calls":[{"id":"call","model":"x"}]}}],"usage":null}',
        b'{"id":"a","model":"b","choices":[{"delta":{"content":"x","usage":null}}]}',
        b'{"id":"a","model":"b","choices":[],"usage":null,"extra":{"usage":null}}',
        b'{"id":"a","model":"b","choices":[{"delta":{"usage":null}}],"usage":null,"x":1}',
        b'{"id":"a","model":"b","choices":[],"\\u0075sage":null}',
        b'{"id":"a","model":"b","choices":[],"id":"c","\\u006dodel":"d"}',
        b'{"id":"a","model":"b", "choices": [], "usage": null}',
        b'{"id":"a","model":"b"}',
        b'{"id":"z","model":"b","usage":null}',
        b'{"choices":[]}',
        b'{"id":"a","model":"b","choices":[],"id":"c"}',
        b'{"id":"a","model":"b","choices":[],"model":"c"}',
        b'{"id":"a","model":"b","usage":{"x":1},"choices":[],"usage":null}',
        b'{"usage":null,"model":"b","id":"a","choices":[]}',
    ],
)
def test_a_chunk_after_one_that_opens_alike_is_edited_as_exactly_as_the_first(chunk: bytes) -> None:
    renamer = Renamer(STAMP, keep_usage=False)
    renamer.rename(b'{"id":"a","model":"b","choices":[]}')
    expected = {name: value for name, value in orjson.loads(chunk).items() if name != "usage"}
    named = expected | {"id": "chatcmpl-nxn-1", "model": "nexevo/fast"}
    assert [orjson.loads(renamer.rename(chunk)), orjson.loads(renamer.rename(chunk))] == [named, named]


def test_events_become_well_formed_chunks() -> None:
    events: list[Event] = [
        Started("up", "m"),
        ThinkingDelta("hm", 0),
        RedactedThinkingDelta("zzz", 1),
        OpaqueDelta("gemini", "{}", 2),
        TextDelta("Hi", 3),
        ToolCallStarted("call_a", "weather", 0, 4),
        ToolCallDelta("{}", 0, 4),
        ToolCallStarted("call_b", "sql", 1, 5, custom=True),
        ToolCallDelta("SELECT 1", 1, 5),
        Finished(FinishReason.TOOL_CALLS),
        UsageReported(Usage(input=1, output=2)),
        Ended(),
    ]
    sent = encoded(events)
    assert [chunk["choices"][0]["delta"] for chunk in sent] == [
        {"role": "assistant", "content": None},
        {"reasoning_content": "hm"},
        {"content": "Hi"},
        {
            "tool_calls": [
                {"index": 0, "id": "call_a", "type": "function", "function": {"name": "weather", "arguments": ""}}
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {"tool_calls": [{"index": 1, "id": "call_b", "type": "custom", "custom": {"name": "sql", "input": ""}}]},
        {"tool_calls": [{"index": 1, "custom": {"input": "SELECT 1"}}]},
        {},
    ]
    assert sent[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert sent[-1]["nexevo"] == EXTENSION.as_json()
    assert {(chunk["id"], chunk["model"], chunk["created"], chunk["object"]) for chunk in sent} == {
        ("chatcmpl-nxn-1", "nexevo/fast", 5, "chat.completion.chunk")
    }


def test_sources_are_numbered_so_that_sdks_can_add_them_up() -> None:
    page = Citation("openai_responses", '{"type": "url_citation", "url": "https://a.test", "title": "A"}')
    events: list[Event] = [Started("x", "y"), TextDelta("see", 0), CitationAdded(page, 0), CitationAdded(page, 0)]
    added = [choice["delta"].get("annotations") for chunk in encoded(events) for choice in chunk["choices"]]
    assert [source["index"] for sources in added if sources for source in sources] == [0, 1]


def test_a_role_opens_the_text_where_text_comes() -> None:
    opening, *_ = encoded([TextDelta("Hi", 0)])
    assert opening["choices"][0]["delta"] == {"role": "assistant", "content": ""}


def test_usage_comes_last_and_alone_where_it_was_asked_for() -> None:
    events: list[Event] = [
        TextDelta("Hi", 0),
        UsageReported(Usage(input=3, cache_read=2, output=1)),
        Finished(FinishReason.STOP),
    ]
    last = encoded(events, include_usage=True)[-1]
    assert (last["choices"], last["usage"]["prompt_tokens"], last["usage"]["total_tokens"]) == ([], 5, 6)
    assert "nexevo" in last


def test_a_golden_made_anew_reads_as_it_did() -> None:
    # Perplexity counts anew in each chunk, and its pages are numbered on their way.
    for name in (each for each in STREAMS if each != "perplexity"):
        decoder, out = UPSTREAM.stream_decoder(), encoder(include_usage=True, choices=2)
        frames = decoder.feed((GOLDEN / f"{name}.sse").read_bytes()) + decoder.flush()
        events = [event for frame in frames for event in frame.events]
        anew = b"".join(out.encode(event) for event in events) + out.finish(EXTENSION)
        again = UPSTREAM.stream_decoder().feed(anew)
        found = [event for frame in again for event in frame.events]
        assert found[1:] == events[1:], name


def test_a_stream_cut_short_ends_every_open_choice_with_length() -> None:
    out = encoder(choices=2)
    sent = out.encode(TextDelta("Hi", 0)) + out.encode(Finished(FinishReason.STOP, 0)) + out.cut_short(EXTENSION)
    ends = [(c["index"], c["finish_reason"]) for chunk in chunks(sent) for c in chunk["choices"] if c["finish_reason"]]
    assert ends == [(0, "stop"), (1, "length")]
    assert "nexevo" in chunks(sent)[-1]


def test_a_forwarded_stream_cut_short_is_well_formed() -> None:
    decoder, out = UPSTREAM.stream_decoder(), encoder()
    frames = decoder.feed((GOLDEN / "text.sse").read_bytes().split(b"data: [DONE]")[0])[:2]
    sent = chunks(b"".join(out.forward(frame) for frame in frames) + out.cut_short(EXTENSION))
    assert [chunk["choices"][0]["finish_reason"] for chunk in sent] == [None, None, "length"]


def test_a_failure_is_an_error_event_with_its_status_and_no_end_mark() -> None:
    out = encoder()
    sent = (
        out.encode(TextDelta("Hi", 0))
        + out.encode(Failed(UpstreamTimeout("x")))
        + out.fail(UpstreamTimeout("Silence."))
    )
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
