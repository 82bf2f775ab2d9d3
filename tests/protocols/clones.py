"""Builders of answers as vendors and clones of their wires send them, and their decoding."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.canonical.codec import UpstreamCodec
from gateway.canonical.response import ChatResponse
from gateway.framing.sse import sse_event

Json = dict[str, Any]


def chat(said: Json, **members: Any) -> Json:
    return {"choices": [{"index": 0, "message": said, "finish_reason": "stop"}], **members}


def responses(*output: Json, **members: Any) -> Json:
    return {"id": "r", "status": "completed", "output": output, **members}


def gemini(*parts: Json, finish: str = "STOP", **members: Any) -> Json:
    return {"candidates": [{"content": {"parts": parts}, "finishReason": finish}], **members}


def converse(content: Any, **members: Any) -> Json:
    return {"output": {"message": {"content": content}}, "stopReason": "end_turn", **members}


def read(codec: UpstreamCodec, body: Any, answer_id: str = "n1") -> ChatResponse:
    return codec.decode_response(orjson.dumps(body), answer_id)


def events(codec: UpstreamCodec, *frames: bytes) -> list[Any]:
    decoder = codec.stream_decoder("n1")
    decoded = [*decoder.feed(b"".join(frames)), *decoder.flush()]
    return [event for frame in decoded for event in frame.events]


def forwarded(codec: UpstreamCodec, *frames: bytes) -> list[bytes]:
    return [frame.frame for frame in codec.stream_decoder("n1").feed(b"".join(frames)) if frame.frame]


def chunk(delta: Json, finish: str | None = None, **members: Any) -> bytes:
    return sse_event(orjson.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **members}))


def named(event: Json) -> bytes:
    return sse_event(orjson.dumps(event), event["type"])


START = named({"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 1}}})
