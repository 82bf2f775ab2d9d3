"""Tests with Bedrock's recorded traffic: our sample, and the real traffic if it is beside the checkout.

The expected values come from botocore's framing and from the JSON as AWS documents it, block by block.
"""

from collections.abc import Iterable
from typing import Any

import orjson
import pytest
from botocore.eventstream import EventStreamBuffer

from gateway.canonical.events import (
    CitationAdded,
    Ended,
    Event,
    Failed,
    Finished,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.parts import Text, Thinking, ToolCall
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.tries import Tried
from gateway.errors import GatewayError, UpstreamError
from gateway.protocols import openai_chat
from gateway.protocols.bedrock_converse import UPSTREAM
from tests.cuttings import cut, cuttings
from tests.recorded import body, files, read_recording

STAMP = Stamp("chatcmpl-nxn-1", "asked", 1)
EXTENSION = Extension("gen-nxn-1", "used", (Tried("used", "p", "served"),), "miss", "0.01")


def recordings(binary: bool, status_ok: bool = True) -> list[Any]:
    found = []
    for path in files("bedrock/converse*/*.json"):
        recording = read_recording(path)
        response = recording["response"]
        if ("body_b64" in response) == binary and (response["status"] == 200) == status_ok:
            found.append(pytest.param(recording, id=path.stem))
    return found


def decoded(chunks: Iterable[bytes]) -> list[Event]:
    decoder = UPSTREAM.stream_decoder()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)] + decoder.flush()
    return [event for frame in frames for event in frame.events]


def told(stream: bytes) -> dict[str, Any]:
    """Reads a recorded stream, put together from its JSON."""
    buffer: Any = EventStreamBuffer()
    buffer.add_data(stream)
    said: dict[str, Any] = {"text": "", "thinking": "", "signatures": [], "calls": {}, "citations": 0}
    for message in buffer:
        payload = orjson.loads(message.payload)
        use = payload.get("start", {}).get("toolUse")
        if use:
            said["calls"][payload["contentBlockIndex"]] = [use["toolUseId"], use["name"], ""]
        delta = payload.get("delta", {})
        said["text"] += delta.get("text", "")
        said["thinking"] += delta.get("reasoningContent", {}).get("text", "")
        said["citations"] += "citation" in delta
        if signature := delta.get("reasoningContent", {}).get("signature"):
            said["signatures"].append(signature)
        if "toolUse" in delta:
            said["calls"][payload["contentBlockIndex"]][2] += delta["toolUse"]["input"]
        said |= {name: payload[name] for name in ("stopReason", "usage") if name in payload}
    return said


@pytest.mark.parametrize("recording", recordings(binary=True))
def test_a_recorded_stream_means_what_it_says(recording: Any) -> None:
    events, said = decoded([body(recording)]), told(body(recording))
    assert isinstance(events[-1], Ended)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == said["text"]
    thoughts = [event for event in events if isinstance(event, ThinkingDelta)]
    assert "".join(event.text for event in thoughts) == said["thinking"]
    assert [event.signature for event in thoughts if event.signature] == said["signatures"]
    assert sum(isinstance(event, CitationAdded) for event in events) == said["citations"]
    calls = [[event.id, event.name, ""] for event in events if isinstance(event, ToolCallStarted)]
    for event in events:
        if isinstance(event, ToolCallDelta):
            calls[event.index][2] += event.arguments
    assert calls == list(said["calls"].values())
    (usage,) = (event.usage for event in events if isinstance(event, UsageReported))
    assert (usage.prompt, usage.output) == (said["usage"]["inputTokens"], said["usage"]["outputTokens"])
    assert usage.total == said["usage"]["totalTokens"]


@pytest.mark.parametrize("recording", recordings(binary=True))
def test_a_recorded_stream_means_the_same_however_it_is_cut(recording: Any) -> None:
    stream = body(recording)
    expected = decoded([stream])
    for places in cuttings(stream):
        assert decoded(cut(stream, places)) == expected


@pytest.mark.parametrize("recording", recordings(binary=True))
def test_a_recorded_stream_that_is_cut_anywhere_is_a_failure(recording: Any) -> None:
    stream = body(recording)
    for end in range(0, len(stream), 97):
        last = decoded([stream[:end]])[-1]
        assert isinstance(last, Failed)
        assert isinstance(last.error, UpstreamError)


@pytest.mark.parametrize("recording", recordings(binary=True))
def test_a_recorded_stream_bridges_to_the_chat_wire_with_nothing_lost(recording: Any) -> None:
    asked = {"model": "asked", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    request = openai_chat.CLIENT.decode_request(orjson.dumps(asked | {"stream_options": {"include_usage": True}}))
    encoder = openai_chat.CLIENT.stream_encoder(request, STAMP)
    out = b"".join(encoder.encode(event) for event in decoded([body(recording)])) + encoder.finish(EXTENSION)
    said, again = told(body(recording)), decoded_chat(out)
    assert again["text"] == said["text"]
    assert again["thinking"] == said["thinking"]
    assert again["calls"] == [tuple(call) for call in said["calls"].values()]
    assert again["total"] == said["usage"]["totalTokens"]


def decoded_chat(out: bytes) -> dict[str, Any]:
    decoder = openai_chat.UPSTREAM.stream_decoder()
    events = [event for frame in decoder.feed(out) + decoder.flush() for event in frame.events]
    arguments: dict[int, str] = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            arguments[event.index] = arguments.get(event.index, "") + event.arguments
    return {
        "text": "".join(event.text for event in events if isinstance(event, TextDelta)),
        "thinking": "".join(event.text for event in events if isinstance(event, ThinkingDelta)),
        "calls": [
            (event.id, event.name, arguments.get(event.index, ""))
            for event in events
            if isinstance(event, ToolCallStarted)
        ],
        "total": next(event.usage.total for event in events if isinstance(event, UsageReported)),
        "finished": next(event.reason for event in events if isinstance(event, Finished)),
    }


@pytest.mark.parametrize("recording", recordings(binary=False))
def test_a_recorded_answer_means_what_it_says(recording: Any) -> None:
    body = recording["response"]["body_text"].encode()
    original = orjson.loads(body)
    response = UPSTREAM.decode_response(body)
    blocks = original["output"]["message"]["content"]
    parts = response.choices[0].parts
    assert "".join(part.text for part in parts if isinstance(part, Text)) == "".join(
        block.get("text", "") + "".join(piece["text"] for piece in block.get("citationsContent", {}).get("content", []))
        for block in blocks
    )
    assert [(call.id, call.name, orjson.loads(call.arguments)) for call in parts if isinstance(call, ToolCall)] == [
        (use["toolUseId"], use["name"], use["input"]) for block in blocks if (use := block.get("toolUse"))
    ]
    assert [(part.text, part.signature) for part in parts if isinstance(part, Thinking)] == [
        (text["text"], text["signature"])
        for block in blocks
        if (text := block.get("reasoningContent", {}).get("reasoningText"))
    ]
    assert len(parts) == len(blocks)
    assert response.usage is not None
    assert response.usage.total == original["usage"]["totalTokens"]


@pytest.mark.parametrize("recording", recordings(binary=False, status_ok=False))
def test_a_recorded_refusal_is_one_of_our_errors_without_an_address(recording: Any) -> None:
    response = recording["response"]
    error = UPSTREAM.decode_error(response["status"], response["headers"], response["body_text"].encode())
    assert isinstance(error, GatewayError)
    assert "http" not in error.message
