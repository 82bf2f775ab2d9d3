"""A provider's bytes, made once, in the shapes that OpenAI sends.

https://platform.openai.com/docs/api-reference/chat/streaming
"""

from functools import cache
from typing import Any

import orjson

USAGE = {
    "prompt_tokens": 480,
    "completion_tokens": 120,
    "total_tokens": 600,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}
NAMED = {
    "id": "chatcmpl-CeH8m1XcTqJ2y4vWbRz0aPdLkNs9",
    "created": 1_795_176_000,
    "model": "gpt-4o-2024-08-06",
    "service_tier": "default",
    "system_fingerprint": "fp_cbf1785567",
}


def _event(data: bytes) -> bytes:
    """One SSE event in one HTTP chunk."""
    event = b"data: " + data + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(event), event)


def _chunk(choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
    return _event(orjson.dumps({**NAMED, "object": "chat.completion.chunk", "choices": choices, "usage": usage}))


def _choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


@cache
def chunk(text_bytes: int) -> bytes:
    """A chunk of the answer with `text_bytes` bytes of text."""
    return _chunk([_choice({"content": " " + "x" * (text_bytes - 1)})])


def _completion() -> bytes:
    message: dict[str, Any] = {"role": "assistant", "content": " word" * 120, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    body = orjson.dumps({**NAMED, "object": "chat.completion", "choices": [choice], "usage": USAGE})
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


COMPLETION = _completion()
OPENING = _chunk([_choice({"role": "assistant", "content": "", "refusal": None})])
LAST_CHUNK = b"0\r\n\r\n"
ENDING = _chunk([_choice({}, "stop")]) + _chunk([], USAGE) + _event(b"[DONE]") + LAST_CHUNK
