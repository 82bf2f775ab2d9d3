"""Tests of events to a caller, forwarded and built, up to every kind of end, as the official SDK reads them."""

import re
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest
from msgspec.structs import replace

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
from gateway.canonical.parts import Citation, RedactedThinking, Text, Thinking, ToolCall
from gateway.canonical.response import Extension, FinishReason, Stamp
from gateway.canonical.tries import Tried
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError, InvalidRequest, RateLimited, UpstreamOverloaded, UpstreamTimeout
from gateway.framing.sse import SSEDecoder, sse_event
from gateway.protocols.openai_responses import CLIENT, UPSTREAM
from tests.protocols.openai_responses.sdk import EVENT, Reading, Server, read

GOLDEN = Path(__file__).parents[2] / "golden" / "openai_responses"
STAMP = Stamp(response_id="resp_nxn-1", model="nexevo/fast", created_s=5)
EXTENSION = Extension("gen-nxn-1", "gpt-5", (Tried("gpt-5", "p", "served"),), "miss", "0.001")
STREAMS = sorted(path.stem for path in GOLDEN.glob("*.sse") if path.stem != "failed")
DONE = b"data: [DONE]\n\n"
USED = Usage(input=3, cache_read=2, output=4, reasoning=1)
ENDING: tuple[Event, ...] = (Finished(FinishReason.STOP), UsageReported(USED), Ended())


def encoder(**members: Any) -> StreamEncoder:
    body = {"model": "m", "input": "hi", "stream": True} | members
    return CLIENT.stream_encoder(CLIENT.decode_request(orjson.dumps(body)), STAMP)


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.sse").read_bytes()


def forwarded(name: str) -> bytes:
    decoder, out = UPSTREAM.stream_decoder(), encoder()
    return b"".join(out.forward(frame) for frame in decoder.feed(golden(name))) + out.finish(EXTENSION)


def encoded(*found: Event, **members: Any) -> bytes:
    out = encoder(**members)
    return b"".join(out.encode(event) for event in found) + out.finish(EXTENSION)


def sse_events(stream: bytes) -> list[Any]:
    """Returns the events' JSON. Each must have its own name, its own place, and the SDK's type."""
    blocks = stream.removesuffix(DONE).split(b"\n\n")
    assert blocks.pop() == b""
    found = []
    for number, block in enumerate(blocks):
        name, data = block.split(b"\ndata: ")
        event = orjson.loads(data)
        assert (b"event: " + event["type"].encode(), number) == (name, event["sequence_number"])
        EVENT.validate_python(event)
        found.append(event)
    return found


def kinds(stream: bytes) -> list[str]:
    return [event["type"].removeprefix("response.") for event in sse_events(stream)]


def events_of(name: str) -> list[Event]:
    decoder = UPSTREAM.stream_decoder()
    return [event for frame in decoder.feed(golden(name)) + decoder.flush() for event in frame.events]


@pytest.mark.parametrize("name", STREAMS)
def test_a_forwarded_golden_differs_in_its_names_and_in_what_the_caller_asked_only(name: str) -> None:
    expected = golden(name).replace(b'"response":{"id":"resp_up"', b'"response":{"id":"resp_nxn-1"')
    expected = expected.replace(b'"model":"gpt-up"', b'"model":"nexevo/fast"')
    expected = expected.replace(b'"store":false', b'"store":true')
    expected = re.sub(rb'"(item_id|id)":"(msg|rs|fc|ctc|ws)_', rb'"\1":"\2_nxn-', expected)
    extension = b',"nexevo":' + orjson.dumps(EXTENSION.as_json()) + b"}"
    assert forwarded(name) == expected.removesuffix(b"}\n\n") + extension + b"\n\n" + DONE


@pytest.mark.parametrize(
    ("members", "store", "previous"),
    [
        ({}, True, None),
        ({"store": False}, False, None),
        ({"nexevo": {"previous_response_id": "resp_nxn-0"}}, True, "resp_nxn-0"),
    ],
)
def test_every_event_of_a_forwarded_stream_says_what_the_caller_asked_to_keep(
    members: dict[str, Any], store: bool, previous: str | None
) -> None:
    body = {"model": "m", "input": "hi", "stream": True} | members
    request = CLIENT.decode_request(orjson.dumps(body))
    out = CLIENT.stream_encoder(request, replace(STAMP, echo=request.echo))
    frames = UPSTREAM.stream_decoder().feed(golden("text"))
    found = sse_events(b"".join(out.forward(frame) for frame in frames) + out.finish(EXTENSION))
    responses = [event["response"] for event in found if "response" in event]
    assert len(responses) == 3
    assert {(each["store"], each["previous_response_id"]) for each in responses} == {(store, previous)}


def test_ids_of_items_that_interleave_are_ours_in_each_event_however_it_is_spaced() -> None:
    deltas = [
        b'{"type": "response.output_text.delta", "item_id": "%b", "output_index": %d, "delta": "\\"item_id\\":1"}'
        % each
        for each in ((b"msg_a", 0), (b"msg_b", 1), (b"msg_a", 0), (b"msg_a", 0))
    ]
    out, name = encoder(), "response.output_text.delta"
    forwarded = [out.forward(Decoded((), sse_event(data, name))) for data in deltas]
    assert forwarded == [sse_event(data.replace(b"msg_", b"msg_nxn-"), name) for data in deltas]


def test_all_but_the_last_event_leave_at_once() -> None:
    decoder, out = UPSTREAM.stream_decoder(), encoder()
    assert [len(out.forward(frame)) > 0 for frame in decoder.feed(golden("text"))] == [True] * 10 + [False]


@pytest.mark.parametrize("name", STREAMS)
def test_a_golden_made_anew_is_read_by_the_sdk_as_the_original(name: str, sdk: Server) -> None:
    assert sdk.stream(encoded(*events_of(name))) == read_golden(name, sdk)


def read_golden(name: str, sdk: Server) -> Reading:
    original = read(sdk.raw_stream(golden(name))[-1].response)
    return original if name != "open_reasoning" else shown_as_summary(original)


def shown_as_summary(original: Reading) -> Reading:
    """Moves reasoning that a model shows itself to the summary, where every client looks for it."""
    original.thinking = ["We need  42."]
    return original


@pytest.mark.parametrize("name", STREAMS)
def test_a_golden_made_anew_means_what_it_meant(name: str) -> None:
    decoder = UPSTREAM.stream_decoder()
    frames = decoder.feed(encoded(*events_of(name)))
    again = [event for frame in frames for event in frame.events]
    assert [shown(event) for event in again[1:]] == [shown(event) for event in events_of(name)[1:]]


def shown(event: Event) -> str:
    """Returns an event without its part's ordinal, which omitted parts change."""
    return repr(event).replace(f"part={getattr(event, 'part', '')}", "")


def test_text_comes_in_the_full_sequence() -> None:
    stream = encoded(Started("up", "m"), TextDelta("Hel", 0), TextDelta("lo", 0), *ENDING)
    assert kinds(stream) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert stream.endswith(DONE)


@pytest.mark.parametrize(
    ("delta", "name", "place", "opening"),
    [
        (TextDelta("Hi", 0), "content_part", "content", {"type": "output_text", "text": "", "annotations": []}),
        (ThinkingDelta("Hi", 0), "reasoning_summary_part", "summary", {"type": "summary_text", "text": ""}),
    ],
)
def test_an_item_opens_empty_and_a_part_without_its_text(
    delta: Event, name: str, place: str, opening: dict[str, Any]
) -> None:
    found = {event["type"]: event for event in sse_events(encoded(Started("up", "m"), delta, *ENDING))}
    assert found["response.output_item.added"]["item"][place] == []
    assert found[f"response.{name}.added"]["part"] | opening == found[f"response.{name}.added"]["part"]


def test_a_part_opens_without_the_log_probabilities_of_its_first_text() -> None:
    scores = [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}]
    scored = TextDelta("Hi", 0, logprobs={"content": scores})
    found = {event["type"]: event for event in sse_events(encoded(Started("up", "m"), scored, *ENDING))}
    assert found["response.content_part.added"]["part"]["logprobs"] == []
    assert found["response.content_part.done"]["part"]["logprobs"] == scores


def test_every_event_that_holds_the_response_has_the_same_id_and_the_callers_model() -> None:
    stream = encoded(Started("up", "m"), TextDelta("Hi", 0), *ENDING, instructions="Be brief.", store=False)
    responses = [event["response"] for event in sse_events(stream) if "response" in event]
    assert {(r["id"], r["model"], r["instructions"], r["store"]) for r in responses} == {
        ("resp_nxn-1", "nexevo/fast", "Be brief.", False)
    }
    assert [response["status"] for response in responses] == ["in_progress", "in_progress", "completed"]


def test_the_extension_stands_in_the_last_event_only() -> None:
    found = sse_events(encoded(TextDelta("Hi", 0), *ENDING))
    assert [event.get("nexevo") for event in found[-2:]] == [None, EXTENSION.as_json()]


def test_parallel_calls_may_interleave(sdk: Server) -> None:
    stream = encoded(
        Started("up", "m"),
        TextDelta("Let me see.", 0),
        ToolCallStarted("call_a", "weather", 0, 1),
        ToolCallStarted("call_b", "time", 1, 2),
        ToolCallDelta('{"a":', 0, 1),
        ToolCallDelta("{}", 1, 2),
        ToolCallDelta("1}", 0, 1),
        ToolCallDelta("ignored", 7, 9),
        Finished(FinishReason.TOOL_CALLS),
    )
    found = Reading(text="Let me see.", calls=[("call_a", "weather", '{"a":1}'), ("call_b", "time", "{}")])
    assert sdk.stream(stream) == found
    added = [event["item"] for event in sse_events(stream) if event["type"] == "response.output_item.added"]
    assert [item.get("call_id") for item in added] == [None, "call_a", "call_b"]
    assert [item["id"] for item in added] == ["msg_nxn-1-0", "fc_nxn-1-1", "fc_nxn-1-2"]


def test_thinking_is_reasoning_with_a_late_signature_and_never_content(sdk: Server) -> None:
    stream = encoded(
        ThinkingDelta("Let", 0),
        ThinkingDelta(" me", 0),
        ThinkingDelta("", 0, signature="s1", signed_by="anthropic_messages"),
        ThinkingDelta("More", 1),
        ThinkingDelta("", 1, signature="s2", signed_by="anthropic_messages"),
        ThinkingDelta("", 2, signature="s3", signed_by="anthropic_messages"),
        ThinkingDelta("", 3, signature="s4", signed_by="anthropic_messages"),
        RedactedThinkingDelta("d", 4, signed_by="anthropic_messages"),
        TextDelta("42", 5),
        *ENDING,
    )
    assert sdk.stream(stream) == Reading(text="42", thinking=["Let me", "More"], usage=(5, 2, 4, 1))
    done = [event["item"] for event in sse_events(stream) if event["type"] == "response.output_item.done"]
    assert [item.get("encrypted_content") for item in done] == [
        "nxn:anthropic_messages:s1",
        "nxn:anthropic_messages:s2",
        "nxn:anthropic_messages:s3",
        "nxn:anthropic_messages:s4",
        "nxn-redacted:anthropic_messages:d",
        None,
    ]
    assert all(None not in item.values() for item in done)


def test_thinking_that_a_caller_replays_goes_back_to_its_issuer_only() -> None:
    stream = encoded(
        ThinkingDelta("Hm", 0),
        ThinkingDelta("", 0, signature="s:1", signed_by="anthropic_messages"),
        RedactedThinkingDelta("d", 1, signed_by="anthropic_messages"),
        TextDelta("Hi", 2),
        ToolCallStarted("c", "f", 0, 3),
        ToolCallDelta("{}", 0, 3),
        Finished(FinishReason.TOOL_CALLS),
    )
    output = sse_events(stream)[-1]["response"]["output"]
    (message,) = CLIENT.decode_request(orjson.dumps({"model": "m", "input": output})).messages
    assert message.parts == (
        Thinking("Hm", "s:1", "anthropic_messages"),
        RedactedThinking("d", "anthropic_messages"),
        Text("Hi"),
        ToolCall("c", "f", "{}"),
    )


def test_a_new_text_part_is_a_new_part_of_the_same_message() -> None:
    stream = encoded(TextDelta("a", 0), TextDelta("b", 1), RefusalDelta("c", 2), *ENDING)
    (message,) = sse_events(stream)[-1]["response"]["output"]
    assert [part.get("text", part.get("refusal")) for part in message["content"]] == ["a", "b", "c"]


def test_choices_that_a_provider_split_one_answer_over_are_joined(sdk: Server) -> None:
    stream = encoded(
        TextDelta("Plan.", 0, 0),
        Finished(FinishReason.STOP, 0),
        TextDelta("Go.", 0, 1),
        ToolCallStarted("c1", "f", 0, 1, 1),
        ToolCallStarted("c2", "g", 0, 1, 2),
        ToolCallDelta("{}", 0, 1, 1),
        ToolCallDelta("[]", 0, 1, 2),
        Finished(FinishReason.TOOL_CALLS, 1),
        Finished(FinishReason.LENGTH, 2),
    )
    assert sdk.stream(stream) == Reading(text="Plan.Go.", calls=[("c1", "f", "{}"), ("c2", "g", "[]")])


def test_a_citation_is_an_annotation_of_the_text_that_is_open() -> None:
    citation = Citation(
        "openai_responses", '{"type":"url_citation","url":"u","title":"t","start_index":0,"end_index":1}'
    )
    stream = encoded(CitationAdded(citation, 0), TextDelta("a", 0), CitationAdded(citation, 0), *ENDING)
    assert kinds(stream).count("output_text.annotation.added") == 1
    (message,) = sse_events(stream)[-1]["response"]["output"]
    assert [annotation["url"] for annotation in message["content"][0]["annotations"]] == ["u"]


def test_a_custom_call_streams_its_input(sdk: Server) -> None:
    stream = encoded(
        ToolCallStarted("c", "sql", 0, 0, custom=True),
        ToolCallDelta("SELECT 1", 0, 0),
        Finished(FinishReason.TOOL_CALLS),
    )
    assert sdk.stream(stream).calls == [("c", "sql", "SELECT 1")]
    assert "custom_tool_call_input.delta" in kinds(stream)


def test_a_call_within_a_namespace_gets_its_two_names_back() -> None:
    find = {"type": "function", "name": "find"}
    tools = [{"type": "namespace", "name": "crm", "description": "Customers.", "tools": [find]}]
    stream = encoded(ToolCallStarted("c", "crm__find", 0, 0), *ENDING, tools=tools)
    (call,) = sse_events(stream)[-1]["response"]["output"]
    assert (call["namespace"], call["name"]) == ("crm", "find")


def test_log_probabilities_stand_in_deltas_and_in_the_whole() -> None:
    entry = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    found = sse_events(encoded(TextDelta("Hi", 0, logprobs={"content": [entry], "refusal": None}), *ENDING))
    assert [event["logprobs"] for event in found if "logprobs" in event] == [[entry], [entry]]
    assert found[-1]["response"]["output"][0]["content"][0]["logprobs"] == [entry]


def test_what_the_wire_has_no_word_for_is_left_out() -> None:
    assert kinds(encoded(OpaqueDelta("gemini", "{}", 0), *ENDING)) == ["created", "in_progress", "completed"]


@pytest.mark.parametrize(
    ("reason", "last", "details"),
    [
        (FinishReason.LENGTH, "incomplete", {"reason": "max_output_tokens"}),
        (FinishReason.REFUSAL, "incomplete", {"reason": "content_filter"}),
        (FinishReason.PAUSE, "completed", None),
        (FinishReason.ERROR, "failed", None),
    ],
)
def test_a_finish_reason_is_a_last_event(reason: FinishReason, last: str, details: Any) -> None:
    found = sse_events(encoded(TextDelta("Hi", 0), Finished(reason)))
    assert found[-1]["type"] == f"response.{last}"
    assert (found[-1]["response"]["status"], found[-1]["response"]["incomplete_details"]) == (last, details)
    assert found[-2]["item"]["status"] == ("completed" if last == "completed" else "incomplete")


def test_usage_that_a_provider_reports_up_front_is_told_at_the_end() -> None:
    found = sse_events(encoded(Started("up", "m", usage=Usage(input=7)), TextDelta("Hi", 0)))
    assert found[-1]["response"]["usage"]["input_tokens"] == 7


def test_a_stream_cut_short_is_incomplete_and_repeats_what_was_said(sdk: Server) -> None:
    out = encoder()
    said: list[Event] = [
        ThinkingDelta("Hm", 0),
        TextDelta("Hel", 1),
        ToolCallStarted("c", "f", 0, 2),
        ToolCallDelta('{"a', 0, 2),
    ]
    stream = b"".join(out.encode(event) for event in said) + out.cut_short(EXTENSION)
    assert sdk.stream(stream) == Reading(
        text="Hel", thinking=["Hm"], calls=[("c", "f", '{"a')], status="incomplete", reason="max_output_tokens"
    )
    last = sse_events(stream)[-1]
    assert ([item.get("status") for item in last["response"]["output"]], last["nexevo"]) == (
        [None, "completed", "incomplete"],
        EXTENSION.as_json(),
    )


@pytest.mark.parametrize("name", STREAMS)
def test_a_forwarded_stream_cut_short_anywhere_is_whole_for_the_sdk(name: str, sdk: Server) -> None:
    """Cuts the stream after each of its events: the last event must repeat the content so far."""
    frames = UPSTREAM.stream_decoder().feed(golden(name))
    for count in range(2, len(frames)):
        out = encoder()
        stream = b"".join(out.forward(frame) for frame in frames[:count]) + out.cut_short(EXTENSION)
        found = sdk.stream(stream)
        said = [event for frame in frames[:count] for event in frame.events]
        assert found.text == "".join(event.text for event in said if isinstance(event, TextDelta))
        assert found.refusal == "".join(event.text for event in said if isinstance(event, RefusalDelta))
        arguments = "".join(event.arguments for event in said if isinstance(event, ToolCallDelta))
        assert "".join(call[2] for call in found.calls) == arguments
        assert (found.status, found.reason) == ("incomplete", "max_output_tokens")
        for kind in (b"output_item", b"content_part", b"reasoning_summary_part"):
            opened, closed = (stream.count(b"event: response.%s.%s\n" % (kind, step)) for step in (b"added", b"done"))
            assert opened == closed


def test_a_forwarded_stream_cut_short_goes_on_with_the_providers_ids_and_numbers() -> None:
    frames = UPSTREAM.stream_decoder().feed(golden("text"))
    out = encoder()
    found = sse_events(b"".join(out.forward(frame) for frame in frames[:6]) + out.cut_short(EXTENSION))
    assert [event["type"] for event in found[6:]] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.incomplete",
    ]
    response = found[-1]["response"]
    assert (response["id"], response["model"], response["created_at"]) == ("resp_nxn-1", "nexevo/fast", 1700000000)
    assert (found[-2]["item"]["id"], found[-2]["item"]["status"]) == ("msg_nxn-0", "incomplete")


def test_a_stream_cut_short_after_its_end_keeps_its_end() -> None:
    frames = UPSTREAM.stream_decoder().feed(golden("text"))
    out = encoder()
    forwarded_whole = b"".join(out.forward(frame) for frame in frames) + out.cut_short(EXTENSION)
    assert forwarded_whole == forwarded("text")


def test_a_stream_cut_short_before_it_began_is_still_a_stream() -> None:
    assert kinds(encoder().cut_short(EXTENSION)) == ["created", "in_progress", "incomplete"]


def test_the_sdk_raises_on_a_failure(sdk: Server) -> None:
    out = encoder()
    said: list[Event] = [Started("up", "m"), TextDelta("Hi", 0), Failed(UpstreamTimeout("x"))]
    stream = b"".join(out.encode(event) for event in said) + out.fail(UpstreamTimeout("Silence."))
    assert sse_events(stream)[-1] == {
        "type": "error",
        "code": "upstream_timeout",
        "message": "Silence.",
        "param": None,
        "error": {
            "message": "Silence.",
            "type": "upstream_error",
            "param": None,
            "code": "upstream_timeout",
            "status": 504,
        },
        "sequence_number": 6,
    }
    with pytest.raises(openai.APIError, match="Silence"):
        sdk.stream(stream)
    with pytest.raises(openai.APIError, match="Silence"):
        sdk.raw_stream(stream)


def test_a_forwarded_stream_that_fails_goes_on_with_the_providers_numbers() -> None:
    frames = UPSTREAM.stream_decoder().feed(golden("failed"))
    out = encoder()
    stream = b"".join(out.forward(frame) for frame in frames) + out.fail(UpstreamTimeout("Silence."))
    assert kinds(stream)[-3:] == ["output_item.done", "failed", "error"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UpstreamTimeout("x"), "server_error"),
        (UpstreamOverloaded("x"), "server_is_overloaded"),
        (RateLimited("x"), "rate_limit_exceeded"),
        (InvalidRequest("x", code="context_length_exceeded"), "context_length_exceeded"),
    ],
)
def test_a_stream_that_fails_says_response_failed_with_what_was_said(error: GatewayError, code: str) -> None:
    out = encoder()
    said: list[Event] = [Started("up", "m"), TextDelta("Hi", 0)]
    stream = b"".join(out.encode(event) for event in said) + out.fail(error)
    # The service says codes that its SDK's types do not list, and agents act on them.
    *_, before, last, final = [orjson.loads(frame.data) for frame in SSEDecoder().feed(stream)]
    assert [event["type"] for event in (before, last, final)] == [
        "response.output_text.delta",
        "response.failed",
        "error",
    ]
    failed = last["response"]
    assert (failed["status"], failed["error"]["code"]) == ("failed", code)
    assert failed["output"][0]["content"][0]["text"] == "Hi"


def test_a_forwarded_stream_that_fails_keeps_the_providers_response_in_its_end() -> None:
    frames = [frame for frame in UPSTREAM.stream_decoder().feed(golden("text")) if b"completed" not in frame.frame[:30]]
    out = encoder()
    stream = b"".join(out.forward(frame) for frame in frames) + out.fail(UpstreamTimeout("Silence."))
    failed = sse_events(stream)[-2]["response"]
    assert (failed["id"], failed["status"], len(failed["output"])) == ("resp_nxn-1", "failed", 1)


def test_a_failure_before_anything_was_said_raises_too(sdk: Server) -> None:
    with pytest.raises(openai.APIError, match="Silence"):
        sdk.stream(encoder().fail(UpstreamTimeout("Silence.")))


def test_a_keep_alive_between_events_breaks_nothing(sdk: Server) -> None:
    stream = encoded(*events_of("tools")).replace(b"\n\n", b"\n\n: NX\n\n")
    assert sdk.stream(stream) == sdk.stream(encoded(*events_of("tools")))
