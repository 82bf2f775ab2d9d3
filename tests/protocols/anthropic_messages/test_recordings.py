"""Tests with Anthropic's recorded traffic: our sample, and the real traffic if it is beside the checkout."""

from collections.abc import Iterable
from typing import Any

import orjson
import pytest

from gateway.canonical.codec import Decoded
from gateway.canonical.events import Ended, Event, Failed, UsageReported
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.target import Profile, Target
from gateway.canonical.tries import Tried
from gateway.errors import GatewayError
from gateway.protocols.anthropic_messages import CLIENT, UPSTREAM
from gateway.protocols.anthropic_messages.count_tokens import decode_count, decode_count_request, encode_count_request
from tests.cuttings import cut, cuttings
from tests.recorded import body as body_of
from tests.recorded import files, read_recording

STAMP = Stamp(response_id="msg_nxn-1", model="asked", created_s=1)
EXTENSION = Extension("gen-nxn-1", "used", (Tried("used", "p", "served"),), "miss", "0.01")
# An escape in a fetched page was damaged in this file, so no JSON parser reads the event.
DAMAGED = frozenset({"d28530a0ae68ce70"})


def recordings(stream: bool | None = None, api: str = "messages", ok: bool | None = True) -> list[Any]:
    found = []
    for path in files(f"anthropic/{api}/*.json"):
        recording = read_recording(path)
        is_ok = recording["response"]["status"] == 200
        if stream in {None, recording["stream"]} and ok in {None, is_ok} and path.stem not in DAMAGED:
            found.append(pytest.param(recording, id=path.stem))
    return found


def decoded(chunks: Iterable[bytes]) -> list[Decoded]:
    decoder = UPSTREAM.stream_decoder()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return frames + decoder.flush()


def events(frames: list[Decoded]) -> list[Event]:
    return [event for frame in frames for event in frame.events]


@pytest.mark.parametrize("recording", recordings(stream=True))
def test_a_recorded_stream_means_the_same_however_it_is_cut(recording: Any) -> None:
    data = body_of(recording)
    whole = decoded([data])
    assert isinstance(events(whole)[-1], Ended)
    for places in cuttings(data):
        assert decoded(cut(data, places)) == whole


@pytest.mark.parametrize("recording", recordings(stream=True))
def test_a_recorded_stream_is_forwarded_with_nothing_but_the_names_edited(recording: Any) -> None:
    request = CLIENT.decode_request(orjson.dumps(recording["request"]["body"]))
    encoder = CLIENT.stream_encoder(request, STAMP)
    frames = decoded([body_of(recording)])
    sent = b"".join(encoder.forward(frame) for frame in frames) + encoder.finish(EXTENSION)
    original = orjson.loads(frames[0].frame.partition(b"\ndata: ")[2])["message"]
    undone = sent.replace(b'"msg_nxn-1"', orjson.dumps(original["id"])).replace(
        b'"asked"', orjson.dumps(original["model"])
    )
    undone = undone.replace(b',"nexevo":' + orjson.dumps(EXTENSION.as_json()), b"")
    lines = [line.rstrip() for line in body_of(recording).splitlines() if line.startswith((b"data:", b"event:"))]
    assert [line for line in undone.splitlines() if line] == lines


@pytest.mark.parametrize("recording", recordings(stream=False))
def test_a_recorded_answer_decodes_and_is_forwarded_under_our_names(recording: Any) -> None:
    body = body_of(recording)
    original = orjson.loads(body)
    response = UPSTREAM.decode_response(body)
    counts = original["usage"]
    assert response.usage is not None
    assert response.usage.total == sum(
        counts.get(name) or 0
        for name in ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    )
    named = {"id": "msg_nxn-1", "model": "asked", "nexevo": EXTENSION.as_json()}
    assert orjson.loads(CLIENT.forward_response(body, STAMP, EXTENSION)) == original | named


@pytest.mark.parametrize("recording", recordings(stream=False))
def test_a_recorded_answer_made_anew_is_read_by_the_sdk_as_the_original(recording: Any, served: Any) -> None:
    def read(body: bytes) -> Any:
        client = served(body, "application/json")
        message = client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
        return message.to_dict(warnings=False)

    body = body_of(recording)
    anew, original = read(CLIENT.encode_response(UPSTREAM.decode_response(body), STAMP, EXTENSION)), read(body)
    for block in original["content"]:
        # `caller` belongs to this wire alone, and a text without sources has none either way.
        if block["type"] == "tool_use":
            block.pop("caller", None)
        if block["type"] == "text" and not block.get("citations"):
            block.pop("citations", None)
    assert anew["content"] == original["content"]
    assert (anew["stop_reason"], anew["stop_sequence"]) == (original["stop_reason"], original["stop_sequence"])


@pytest.mark.parametrize("recording", recordings(api="count_tokens", ok=False))
def test_a_recorded_refusal_is_one_of_our_errors_without_an_address(recording: Any) -> None:
    response = recording["response"]
    error = UPSTREAM.decode_error(response["status"], response["headers"], body_of(recording))
    assert isinstance(error, GatewayError)
    assert "http" not in error.message


@pytest.mark.parametrize("recording", recordings())
def test_a_request_that_anthropic_answered_goes_through_as_it_came(recording: Any) -> None:
    source = orjson.dumps(recording["request"]["body"])
    request = CLIENT.decode_request(source)
    assert (request.model, request.stream) == (
        recording["request"]["body"]["model"],
        recording["request"]["body"].get("stream", False),
    )
    capable = Profile("capable", thinking="either", efforts=("low", "medium", "high", "xhigh", "max"))
    sent = UPSTREAM.encode_request(request, Target(request.model, capable, 128_000))
    assert sent == source


@pytest.mark.parametrize("recording", recordings(stream=True))
def test_recorded_usage_ends_as_the_providers_own(recording: Any) -> None:
    frames = decoded([body_of(recording)])
    last = [event.usage for event in events(frames) if isinstance(event, UsageReported)][-1]
    (delta,) = (frame.frame for frame in frames if frame.frame.startswith(b"event: message_delta"))
    assert last.output == orjson.loads(delta.partition(b"\ndata: ")[2])["usage"]["output_tokens"]


@pytest.mark.parametrize("recording", recordings(api="count_tokens"))
def test_a_recorded_count_goes_through_and_is_read(recording: Any) -> None:
    source = orjson.dumps(recording["request"]["body"])
    request = decode_count_request(source)
    target = Target(request.model, Profile("capable", thinking="either"), 64_000)
    assert encode_count_request(request, target) == source
    assert decode_count(body_of(recording)) == orjson.loads(body_of(recording))["input_tokens"]


def test_a_damaged_event_is_a_failure_that_keeps_what_came_before() -> None:
    (stream,) = recordings_named("anthropic/messages/text-stream.json")
    damaged = body_of(stream).replace(b'{"type":"content_block_stop"', b'{"type":"content_block\\_stop"')
    for data in (damaged, *map(body_of, recordings_named(*(f"anthropic/messages/{name}.json" for name in DAMAGED)))):
        found = events(decoded([data]))
        assert [type(event) for event in found[-1:]] == [Failed]
        assert len(found) > 10


def recordings_named(*names: str) -> list[Any]:
    return [read_recording(path) for name in names for path in files(name)]
