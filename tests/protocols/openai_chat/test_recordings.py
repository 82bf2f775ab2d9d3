"""Tests with recorded traffic of eight providers: our sample, and the real traffic if it is beside the checkout."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from gateway.canonical.codec import Decoded
from gateway.canonical.events import Ended, Event, Failed, UsageReported
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.tries import Tried
from gateway.errors import GatewayError, InvalidRequest
from gateway.protocols.openai_chat import CLIENT, UPSTREAM
from gateway.protocols.shared.preferences import TIERS_WITHIN_PRICE
from tests.cuttings import cut, cuttings
from tests.fidelity.bridge import meaning
from tests.recorded import files, read_recording

PROVIDERS = ("openai", "deepseek", "groq", "together", "cerebras", "openrouter", "mistral", "azure")
STAMP = Stamp(response_id="chatcmpl-nxn-1", model="asked", created_s=1)
EXTENSION = Extension("gen-nxn-1", "used", (Tried("used", "p", "served"),), "miss", "0.01")
# Mistral's dialect of requests (`tool_choice: "any"`) is not this wire's contract with callers.
CALLERS = tuple(provider for provider in PROVIDERS if provider != "mistral")


def recordings(stream: bool, status_ok: bool = True, providers: tuple[str, ...] = PROVIDERS) -> list[Any]:
    found = []
    for provider in providers:
        for path in files(f"{provider}/chat*/*.json"):
            recording = read_recording(path)
            if recording["stream"] == stream and (recording["response"]["status"] == 200) == status_ok:
                found.append(pytest.param(recording, id=f"{provider}-{path.stem}"))
    return found


def decoded(chunks: Iterator[bytes]) -> list[Decoded]:
    decoder = UPSTREAM.stream_decoder()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return frames + decoder.flush()


def events(frames: list[Decoded]) -> list[Event]:
    """Returns the events. An error is compared by its text, since exceptions are compared by identity."""
    return [event for frame in frames for event in frame.events]


@pytest.mark.parametrize("recording", recordings(stream=True))
def test_a_recorded_stream_means_the_same_however_it_is_cut(recording: Any) -> None:
    data = recording["response"]["body_text"].encode()
    whole = decoded(iter([data]))
    assert isinstance(events(whole)[-1], Ended | Failed)
    expected = meaning(whole)
    for places in cuttings(data):
        assert meaning(decoded(cut(data, places))) == expected


def undone(chunk: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in chunk.items() if name not in {"id", "model", "usage", "nexevo"}}


def payloads(stream: bytes) -> list[bytes]:
    return [event.removeprefix(b"data: ") for event in stream.split(b"\n\n") if event.startswith(b"data: ")]


@pytest.mark.parametrize("include_usage", [True, False])
@pytest.mark.parametrize("recording", recordings(stream=True))
def test_a_recorded_stream_is_forwarded_with_nothing_but_the_names_edited(recording: Any, include_usage: bool) -> None:
    body = {"model": "asked", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    request = CLIENT.decode_request(orjson.dumps(body | {"stream_options": {"include_usage": include_usage}}))
    frames = decoded(iter([recording["response"]["body_text"].encode()]))
    encoder = CLIENT.stream_encoder(request, STAMP)
    out = b"".join(encoder.forward(frame) for frame in frames) + encoder.finish(EXTENSION)

    sent = payloads(out)
    assert sent.pop() == b"[DONE]"
    chunks = [orjson.loads(payload) for payload in sent]
    originals = [orjson.loads(frame.frame) for frame in frames if frame.frame]
    if not include_usage:
        originals = [chunk for chunk in originals if chunk["choices"] or not chunk.get("usage")]
    if failed := [event for event in events(frames) if isinstance(event, Failed)]:
        assert len(failed) == 1
        return
    assert [undone(chunk) for chunk in chunks] == [undone(chunk) for chunk in originals]
    assert {(chunk["id"], chunk["model"]) for chunk in chunks} == {("chatcmpl-nxn-1", "asked")}
    assert ["nexevo" in chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert any("usage" in chunk for chunk in chunks) == (include_usage and any("usage" in c for c in originals))


@pytest.mark.parametrize("recording", recordings(stream=False))
def test_a_recorded_answer_decodes_and_is_forwarded_under_our_names(recording: Any) -> None:
    body = recording["response"]["body_text"].encode()
    original = orjson.loads(body)
    if "error" in original:
        with pytest.raises(InvalidRequest):
            UPSTREAM.decode_response(body)
        return
    response = UPSTREAM.decode_response(body)
    assert response.usage is not None
    assert response.usage.total == original["usage"]["total_tokens"]
    forwarded = orjson.loads(CLIENT.forward_response(body, STAMP, EXTENSION))
    named = {"id": "chatcmpl-nxn-1", "model": "asked", "nexevo": EXTENSION.as_json()}
    for choice in original["choices"]:
        if choice.get("message") is not None:
            choice["message"] = {"tool_calls": None} | choice["message"]
    assert forwarded == original | named


@pytest.mark.parametrize("recording", recordings(stream=False, status_ok=False))
def test_a_recorded_refusal_is_one_of_our_errors_without_an_address(recording: Any) -> None:
    response = recording["response"]
    error = UPSTREAM.decode_error(response["status"], response["headers"], response["body_text"].encode())
    assert isinstance(error, GatewayError)
    assert "http" not in error.message


@pytest.mark.parametrize(
    "recording", [*recordings(stream=False, providers=CALLERS), *recordings(stream=True, providers=CALLERS)]
)
def test_a_request_that_a_provider_answered_decodes(recording: Any) -> None:
    body = recording["request"]["body"]
    if body.get("service_tier", "auto") not in TIERS_WITHIN_PRICE:
        with pytest.raises(InvalidRequest, match="service_tier"):
            CLIENT.decode_request(orjson.dumps(body))
        return
    request = CLIENT.decode_request(orjson.dumps(body))
    assert (request.model, request.stream) == (body["model"], body.get("stream", False))


@pytest.mark.parametrize("recording", recordings(stream=True))
def test_recorded_usage_is_the_providers_own_total(recording: Any) -> None:
    frames = decoded(iter([recording["response"]["body_text"].encode()]))
    reported = [event.usage.total for event in events(frames) if isinstance(event, UsageReported)]
    chunks = [orjson.loads(frame.frame) for frame in frames if frame.frame]
    assert reported == [chunk["usage"]["total_tokens"] for chunk in chunks if chunk.get("usage")]
