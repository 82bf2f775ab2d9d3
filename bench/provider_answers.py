"""Three providers' bytes, made once, in the shapes that OpenAI, Anthropic and Google send.

https://platform.openai.com/docs/api-reference/chat/streaming, https://docs.claude.com/en/api/messages-streaming and
https://ai.google.dev/api/generate-content
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import orjson

WORDS = " word" * 120
LAST_CHUNK = b"0\r\n\r\n"
Json = dict[str, Any]


class Answers(NamedTuple):
    """One wire's answers: a whole one, and the parts of a stream. `chunk` makes an event with so many bytes of text."""

    completion: bytes
    opening: bytes
    chunk: Callable[[int], bytes]
    ending: bytes


def _framed(event: bytes) -> bytes:
    """One event in one HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(event), event)


def _event(data: Json, name: str = "") -> bytes:
    named = f"event: {name}\n".encode() if name else b""
    return _framed(named + b"data: " + orjson.dumps(data) + b"\n\n")


def _whole(data: Json) -> bytes:
    body = orjson.dumps(data)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def _text(length: int) -> str:
    return " " + "x" * (length - 1)


OPENAI_USAGE = {
    "prompt_tokens": 480,
    "completion_tokens": 120,
    "total_tokens": 600,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}
OPENAI_NAMED = {
    "id": "chatcmpl-CeH8m1XcTqJ2y4vWbRz0aPdLkNs9",
    "created": 1_795_176_000,
    "model": "gpt-4o-2024-08-06",
    "service_tier": "default",
    "system_fingerprint": "fp_cbf1785567",
}


def _openai_chunk(choices: list[Json], usage: Json | None = None) -> bytes:
    return _event({**OPENAI_NAMED, "object": "chat.completion.chunk", "choices": choices, "usage": usage})


def _openai_choice(delta: Json, finish_reason: str | None = None) -> Json:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


@cache
def chunk(text_bytes: int) -> bytes:
    """OpenAI's chunk with `text_bytes` bytes of text."""
    return _openai_chunk([_openai_choice({"content": _text(text_bytes)})])


def _openai() -> Answers:
    message: Json = {"role": "assistant", "content": WORDS, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    completion = {**OPENAI_NAMED, "object": "chat.completion", "choices": [choice], "usage": OPENAI_USAGE}
    ending = _openai_chunk([_openai_choice({}, "stop")]) + _openai_chunk([], OPENAI_USAGE)
    return Answers(
        _whole(completion),
        _openai_chunk([_openai_choice({"role": "assistant", "content": "", "refusal": None})]),
        chunk,
        ending + _framed(b"data: [DONE]\n\n") + LAST_CHUNK,
    )


ANTHROPIC_MESSAGE = {
    "model": "claude-haiku-4-5-20251001",
    "id": "msg_01T0kiXVGnZ6fxDuWOBfC2NJ",
    "type": "message",
    "role": "assistant",
    "stop_sequence": None,
}
ANTHROPIC_USAGE = {
    "input_tokens": 480,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 120,
    "service_tier": "standard",
}


def _anthropic_event(kind: str, **more: Any) -> bytes:
    return _event({"type": kind, **more}, kind)


@cache
def _anthropic_chunk(text_bytes: int) -> bytes:
    return _anthropic_event("content_block_delta", index=0, delta={"type": "text_delta", "text": _text(text_bytes)})


def _anthropic() -> Answers:
    message: Json = {
        **ANTHROPIC_MESSAGE,
        "content": [],
        "stop_reason": None,
        "usage": {**ANTHROPIC_USAGE, "output_tokens": 1},
    }
    content = [{"type": "text", "text": WORDS}]
    opening = _anthropic_event("message_start", message=message)
    opening += _anthropic_event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    ending = _anthropic_event("content_block_stop", index=0)
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    ending += _anthropic_event("message_delta", delta=stop, usage=ANTHROPIC_USAGE)
    return Answers(
        _whole({**ANTHROPIC_MESSAGE, "content": content, "stop_reason": "end_turn", "usage": ANTHROPIC_USAGE}),
        opening,
        _anthropic_chunk,
        ending + _anthropic_event("message_stop") + LAST_CHUNK,
    )


GEMINI_NAMED = {"modelVersion": "gemini-2.5-flash", "responseId": "9mLnktN0mqt5Tac5cTWlBSf"}
GEMINI_USAGE = {
    "promptTokenCount": 480,
    "candidatesTokenCount": 120,
    "totalTokenCount": 600,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 480}],
}


def _gemini_answer(text: str, **more: Any) -> Json:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}
    return {"candidates": [candidate], "usageMetadata": GEMINI_USAGE, **GEMINI_NAMED}


@cache
def _gemini_chunk(text_bytes: int) -> bytes:
    return _event(_gemini_answer(_text(text_bytes)))


def _gemini() -> Answers:
    return Answers(
        _whole(_gemini_answer(WORDS, finishReason="STOP")),
        b"",
        _gemini_chunk,
        _event(_gemini_answer(" end", finishReason="STOP")) + LAST_CHUNK,
    )


# By a part of the path; every other path is OpenAI's.
OPENAI = _openai()
BY_PATH: Mapping[bytes, Answers] = {b"/messages": _anthropic(), b"enerateContent": _gemini()}


def answers_at(head: bytes) -> Answers:
    """The answers of the wire that the request line names."""
    line = head.partition(b"\r\n")[0]
    return next((answers for part, answers in BY_PATH.items() if part in line), OPENAI)
