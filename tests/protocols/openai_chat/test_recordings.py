"""Real traffic of eight providers, where its folder lies beside the checkout; our goldens do without it."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.canonical.codec import Decoded
from gateway.canonical.events import Ended, Event, Failed, UsageReported
from gateway.canonical.response import Extension, Stamp
from gateway.errors import GatewayError, InvalidRequest
from gateway.protocols.openai_chat import CLIENT, UPSTREAM

RECORDINGS = Path(__file__).parents[4] / "shared" / "recordings"
PROVIDERS = ("openai", "deepseek", "groq", "together", "cerebras", "openrouter", "mistral", "azure")
STAMP = Stamp(response_id="chatcmpl-nxn-1", model="asked", created_s=1)
EXTENSION = Extension("gen-nxn-1", "used", ("used",), "miss", "0.01")
# Mistral's dialect of requests (`tool_choice: "any"`) is not this wire's contract with callers.
CALLERS = tuple(provider for provider in PROVIDERS if provider != "mistral")

pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not beside this checkout")


def recordings(stream: bool, status_ok: bool = True, providers: tuple[str, ...] = PROVIDERS) -> list[Any]:
    found = []
    for provider in providers:
        for path in sorted((RECORDINGS / provider).glob("chat*/*.json")):
            recording = json.loads(path.read_text())
            if recording["stream"] == stream and (recording["response"]["status"] == 200) == status_ok:
                found.append(pytest.param(recording, id=f"{provider}-{path.stem}"))
    return found


def decoded(chunks: Iterator[bytes]) -> list[Decoded]:
    decoder = UPSTREAM.stream_decoder()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return frames + decoder.flush()


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    for start, end in zip([0, *places], [*places, len(data)], strict=True):
        yield data[start:end]


def events(frames: list[Decoded]) -> list[Event]:
    """The events; an error is compared by what it says, since exceptions are compared by identity."""
    return [event for frame in frames for event in frame.events]


def shown(found: list[Event]) -> list[str]:
    return [repr(event) for event in found]


@pytest.mark.parametrize("recording", recordings(stream=True))
def test_a_recorded_stream_means_the_same_however_it_is_cut(recording: Any) -> None:
    data = recording["response"]["body_text"].encode()
    whole = decoded(iter([data]))
    assert isinstance(events(whole)[-1], Ended | Failed)
    expected = (shown(events(whole)), [frame.frame for frame in whole])

    seeded = random.Random(7)
    cuttings = [sorted(seeded.sample(range(1, len(data)), min(12, len(data) - 1))) for _ in range(50)]
    cuttings.append(list(range(1, len(data))))
    for places in cuttings:
        again = decoded(cut(data, places))
        assert (shown(events(again)), [frame.frame for frame in again]) == expected


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
    request = CLIENT.decode_request(orjson.dumps(body))
    assert (request.model, request.stream) == (body["model"], body.get("stream", False))


@pytest.mark.parametrize("recording", recordings(stream=True))
def test_recorded_usage_is_the_providers_own_total(recording: Any) -> None:
    frames = decoded(iter([recording["response"]["body_text"].encode()]))
    reported = [event.usage.total for event in events(frames) if isinstance(event, UsageReported)]
    chunks = [orjson.loads(frame.frame) for frame in frames if frame.frame]
    assert reported == [chunk["usage"]["total_tokens"] for chunk in chunks if chunk.get("usage")]
