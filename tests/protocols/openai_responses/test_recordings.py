"""Tests with recorded traffic: our sample, and the real traffic if it is beside the checkout."""

import importlib
from collections.abc import Iterator
from typing import Any

import openai
import orjson
import pytest

from gateway.canonical.codec import Decoded, UpstreamCodec
from gateway.canonical.events import (
    Ended,
    Event,
    Failed,
    Finished,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.parts import Refusal, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Extension, FinishReason, Stamp
from gateway.canonical.target import Profile, Target
from gateway.canonical.tries import Tried
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError, InvalidRequest
from gateway.protocols.openai_responses import CLIENT, UPSTREAM, items
from gateway.protocols.shared.preferences import TIERS_WITHIN_PRICE
from tests.cuttings import cut, cuttings
from tests.fidelity.bridge import meaning
from tests.protocols.openai_responses.sdk import EVENT, Reading, Server, read
from tests.recorded import files, read_recording

STAMP = Stamp(response_id="resp_nxn-1", model="asked", created_s=1)
EXTENSION = Extension("gen-nxn-1", "used", (Tried("used", "p", "served"),), "miss", "0.01")
TARGET = Target("used", Profile(name="reasons", efforts=("none", "minimal", "low", "medium", "high", "xhigh")), 1000)
REQUEST = CLIENT.decode_request(b'{"model": "asked", "input": "hi", "stream": true}')
# The other wires, and the folders of their recordings.
OTHERS = (
    ("openai_chat", "*/chat*/*.json"),
    ("anthropic_messages", "anthropic/messages/*.json"),
    ("gemini", "gemini/generate*/*.json"),
)


def recordings(pattern: str, *, stream: bool, status_ok: bool = True) -> list[Any]:
    found = []
    for path in files(pattern):
        recording = read_recording(path)
        is_ok = recording["response"]["status"] == 200
        if recording["stream"] == stream and is_ok == status_ok and "body_text" in recording["response"]:
            found.append(pytest.param(recording, id=f"{path.parts[-3]}-{path.stem}"))
    return found


def own(*, stream: bool, status_ok: bool = True) -> list[Any]:
    """Lists recordings of this wire. Counting tokens is a separate endpoint."""
    found = recordings("openai/responses/*.json", stream=stream, status_ok=status_ok)
    return [param for param in found if not param.values[0]["request"]["path"].endswith("/input_tokens")]


def decoded(codec: UpstreamCodec, chunks: Iterator[bytes]) -> list[Decoded]:
    decoder = codec.stream_decoder()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return frames + decoder.flush()


def events(frames: list[Decoded]) -> list[Event]:
    return [event for frame in frames for event in frame.events]


@pytest.mark.parametrize("recording", own(stream=True))
def test_a_recorded_stream_means_the_same_however_it_is_cut(recording: Any) -> None:
    data = recording["response"]["body_text"].encode()
    whole = decoded(UPSTREAM, iter([data]))
    assert isinstance(events(whole)[-1], Ended)
    expected = meaning(whole)
    for places in cuttings(data):
        assert meaning(decoded(UPSTREAM, cut(data, places))) == expected


def named(event: bytes) -> tuple[str, dict[str, Any]]:
    name, _, data = event.partition(b"\ndata: ")
    return name.removeprefix(b"event: ").decode(), orjson.loads(data)


def sse_events(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    return [named(event) for event in stream.split(b"\n\n") if event.startswith(b"event: ")]


@pytest.mark.parametrize("recording", own(stream=True))
def test_a_recorded_stream_is_forwarded_with_nothing_but_the_names_edited(recording: Any) -> None:
    text = recording["response"]["body_text"]
    frames = decoded(UPSTREAM, iter([text.encode()]))
    encoder = CLIENT.stream_encoder(REQUEST, STAMP)
    out = b"".join(encoder.forward(frame) for frame in frames) + encoder.finish(EXTENSION)

    first = orjson.loads(text.split("data: ", 1)[1].split("\n", 1)[0])["response"]
    undone = out.replace(b'"id":"resp_nxn-1"', f'"id":"{first["id"]}"'.encode()).replace(b"_nxn-", b"_")
    undone = undone.replace(b'"store":true', b'"store":' + orjson.dumps(first["store"]))
    undone = undone.replace(b'"model":"asked"', f'"model":"{first["model"]}"'.encode())
    undone = undone.replace(b',"nexevo":' + orjson.dumps(EXTENSION.as_json()), b"").removesuffix(b"data: [DONE]\n\n")
    assert undone.split(b"\n\n") == [block for block in text.encode().split(b"\n\n") if block.strip()] + [b""]
    assert orjson.loads(out.split(b"data: ")[-2])["nexevo"] == EXTENSION.as_json()


@pytest.mark.parametrize("recording", own(stream=False))
def test_a_recorded_answer_decodes_and_is_forwarded_under_our_names(recording: Any) -> None:
    body = recording["response"]["body_text"].encode()
    original = orjson.loads(body)
    response = UPSTREAM.decode_response(body)
    total = None if response.usage is None else response.usage.total
    assert total == (original["usage"] or {}).get("total_tokens")
    forwarded = orjson.loads(CLIENT.forward_response(body, STAMP, EXTENSION))
    output = [item | ({"id": item["id"].replace("_nxn-", "_")} if "id" in item else {}) for item in forwarded["output"]]
    kept = {"store": True, "previous_response_id": None}
    named = {"id": "resp_nxn-1", "model": "asked", "nexevo": EXTENSION.as_json()}
    assert forwarded | {"output": output} == original | named | kept


@pytest.mark.parametrize("recording", own(stream=False, status_ok=False))
def test_a_recorded_refusal_is_one_of_our_errors_without_an_address(recording: Any) -> None:
    response = recording["response"]
    error = UPSTREAM.decode_error(response["status"], response["headers"], response["body_text"].encode())
    assert isinstance(error, GatewayError)
    assert "http" not in error.message


def requests(*streams: bool) -> list[Any]:
    """Lists requests of this wire that a provider answered."""
    found = [param for stream in streams for param in own(stream=stream)]
    return [param for param in found if isinstance(param.values[0]["request"].get("body"), dict)]


@pytest.mark.parametrize("recording", requests(False, True))
def test_a_request_that_a_provider_answered_decodes_and_goes_out_again(recording: Any) -> None:
    body = recording["request"]["body"]
    kept_elsewhere = {"previous_response_id", "conversation", "background"}
    source = orjson.dumps({name: value for name, value in body.items() if name not in kept_elsewhere})
    if body.get("service_tier", "auto") not in TIERS_WITHIN_PRICE:
        with pytest.raises(InvalidRequest, match="service_tier"):
            CLIENT.decode_request(source)
        return
    request = CLIENT.decode_request(source)
    assert (request.model, request.stream) == (body["model"], body.get("stream") or False)
    sent = orjson.loads(UPSTREAM.encode_request(request, TARGET))
    edited = {"model", "store", "include"}
    assert {name: value for name, value in sent.items() if name not in edited} == {
        name: value for name, value in orjson.loads(source).items() if name not in edited
    }
    assert (sent["model"], sent["store"]) == ("used", False)


@pytest.mark.parametrize("recording", own(stream=True))
def test_a_recorded_stream_is_read_from_its_events_as_from_itself(recording: Any, sdk: Server) -> None:
    """Compares the stream built item by item with the SDK's reading of the original."""
    data = recording["response"]["body_text"].encode()
    expected = read(sdk.raw_stream(data)[-1].response)
    found = sdk.stream(encoded(events(decoded(UPSTREAM, iter([data])))))
    assert found == expected


def encoded(found: list[Event]) -> bytes:
    encoder = CLIENT.stream_encoder(REQUEST, STAMP)
    return b"".join(encoder.encode(event) for event in found) + encoder.finish(EXTENSION)


def failed(found: list[Event], error: GatewayError) -> bytes:
    encoder = CLIENT.stream_encoder(REQUEST, STAMP)
    return b"".join(encoder.encode(event) for event in found) + encoder.fail(error)


STATUSES = {
    FinishReason.LENGTH: ("incomplete", "max_output_tokens"),
    FinishReason.CONTENT_FILTER: ("incomplete", "content_filter"),
    FinishReason.REFUSAL: ("incomplete", "content_filter"),
    FinishReason.ERROR: ("failed", None),
    FinishReason.MALFORMED_TOOL_CALL: ("failed", None),
    FinishReason.MALFORMED_ANSWER: ("failed", None),
}


def counts(usage: Usage | None) -> tuple[int, int, int, int] | None:
    return None if usage is None else (usage.prompt, usage.cache_read, usage.output, usage.reasoning)


def meant(found: list[Event]) -> Reading:
    """Returns the expected reading of events of any wire."""
    expected = Reading()
    calls: dict[tuple[int, int], list[str]] = {}
    thinking: dict[tuple[int, int], str] = {}
    for event in found:
        match event:
            case TextDelta(text):
                expected.text += text
            case RefusalDelta(text):
                expected.refusal += text
            case ThinkingDelta(text, part, choice) if text:
                thinking[choice, part] = thinking.get((choice, part), "") + text
            case ToolCallStarted(identity, name, index, choice=choice):
                calls[choice, index] = [identity, name, ""]
            case ToolCallDelta(arguments, index, choice=choice):
                calls[choice, index][2] += arguments
            case Finished(reason):
                expected.status, expected.reason = STATUSES.get(reason, ("completed", None))
            case UsageReported(usage):
                expected.usage = counts(usage)
            case _:
                pass
    expected.thinking = list(thinking.values())
    expected.calls = [(identity, name, arguments) for identity, name, arguments in calls.values()]
    return expected


def of_others(*, stream: bool) -> list[Any]:
    """Lists recordings of the other wires, without streams that were recorded as one JSON array."""
    found = [(wire, param) for wire, pattern in OTHERS for param in recordings(pattern, stream=stream)]
    return [
        pytest.param(wire, *param.values, id=f"{wire}-{param.id}")
        for wire, param in found
        if stream or not param.values[0]["response"]["body_text"].lstrip().startswith("[")
    ]


def upstream(wire: str) -> UpstreamCodec:
    codec: UpstreamCodec = importlib.import_module(f"gateway.protocols.{wire}").UPSTREAM
    return codec


@pytest.mark.parametrize(("wire", "recording"), of_others(stream=True))
def test_a_stream_of_another_wire_is_read_by_the_sdk_as_it_was_meant(wire: str, recording: Any, sdk: Server) -> None:
    found = events(decoded(upstream(wire), iter([recording["response"]["body_text"].encode()])))
    if isinstance(found[-1], Failed):
        with pytest.raises(openai.APIError):
            sdk.stream(failed(found[:-1], found[-1].error))
        return
    stream = encoded(found)
    assert sdk.stream(stream) == meant(found)
    for number, (name, event) in enumerate(sse_events(stream)):
        EVENT.validate_python(event)
        assert (event["type"], event["sequence_number"]) == (name, number)


@pytest.mark.parametrize(("wire", "recording"), of_others(stream=False))
def test_an_answer_of_another_wire_is_read_by_the_sdk_as_it_was_meant(wire: str, recording: Any, sdk: Server) -> None:
    body = recording["response"]["body_text"].encode()
    if orjson.loads(body).get("error"):
        with pytest.raises(GatewayError):
            upstream(wire).decode_response(body)
        return
    response = upstream(wire).decode_response(body)
    assert read(sdk.whole(CLIENT.encode_response(response, STAMP, EXTENSION))) == meant_whole(response)


def meant_whole(response: ChatResponse) -> Reading:
    parts = [part for choice in response.choices for part in choice.parts]
    reason = response.choices[-1].finish_reason
    status, detail = ("completed", None) if reason is None else STATUSES.get(reason, ("completed", None))
    return Reading(
        text="".join(part.text for part in parts if isinstance(part, Text)),
        refusal="".join(part.text for part in parts if isinstance(part, Refusal)),
        thinking=[part.text for part in parts if isinstance(part, Thinking) and part.text],
        calls=[(part.id, part.name, part.arguments) for part in parts if isinstance(part, ToolCall)],
        status=status,
        reason=detail,
        usage=counts(response.usage),
    )


@pytest.mark.parametrize("recording", requests(False))
def test_a_recorded_turn_can_be_kept_and_continued(recording: Any) -> None:
    body, answered = recording["request"]["body"], recording["response"]["body_text"].encode()
    turn = items.kept(orjson.dumps(body), answered)
    asked, before = b'{"model": "asked", "input": "more", "stream": true}', {"previous_response_id": "resp_1"}
    following = items.with_history(asked, items.history(turn), before)
    given, output = items.input_items(orjson.dumps(body)), orjson.loads(answered)["output"]
    sent = items.input_items(following)
    assert len(sent) == len(given) + len(output) + 1
    assert CLIENT.decode_request(following).messages[-1].parts == (Text("more"),)
