"""Tests that no message of either side, in any order and however damaged, makes a session raise or pay twice.

A message is one of a real session in which up to three values are replaced, or it is garbage. `CASES` sessions are
drawn for each model: few in `make check`, many in `make fuzz`.
"""

from __future__ import annotations

import json
import os
from copy import deepcopy
from random import Random
from typing import Any

import orjson
import pytest

from gateway.errors import InsufficientBalance, RateLimited
from gateway.framing.json_values import readable
from gateway.realtime.session import Session
from gateway.realtime.step import Step
from tests.realtime.sessions import session
from tests.stores.conftest import StoppedClock

CASES = int(os.environ.get("CASES") or 500) // 10
ACTS = 40
MODELS = ["gpt-realtime", "grok-voice-latest", "gpt-realtime-whisper", "gemini-3.1-flash-live-preview"]

SOUND = "AAAA" * 40
TEXT = {"type": "input_text", "text": "Hello"}
USER = {"id": "i1", "type": "message", "role": "user", "content": [TEXT]}
HEARD = {"id": "i2", "type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": None}]}
SAID = {"id": "i3", "type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": "Hi"}]}
CALL = {"id": "i4", "type": "function_call", "name": "look", "call_id": "c1", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "A tree."}
PICTURE = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
INPUT = {
    "format": {"type": "audio/pcm", "rate": 24000},
    "transcription": {"model": "whisper-1"},
    "turn_detection": {"type": "server_vad", "silence_duration_ms": 200},
}
SESSION = {
    "id": "sess",
    "model": "gpt-realtime",
    "instructions": "Be short.",
    "max_output_tokens": 300,
    "tools": [{"type": "function", "name": "look", "parameters": {"properties": {"at": {"type": "string"}}}}],
    "audio": {"input": INPUT, "output": {"format": {"type": "audio/pcm"}, "voice": "ash", "speed": 1}},
}
DETAILS = {"text_tokens": 3, "audio_tokens": 4, "cached_tokens": 2, "cached_tokens_details": {"text_tokens": 1}}
USAGE = {
    "input_tokens": 9,
    "output_tokens": 5,
    "input_token_details": DETAILS,
    "output_token_details": {"audio_tokens": 5},
}
PLACE = {"response_id": "r1", "item_id": "i3", "output_index": 0, "content_index": 0}

OF_CLIENT: list[dict[str, Any]] = [
    {"type": "session.update", "event_id": "e", "session": SESSION},
    {
        "type": "session.update",
        "session": {"turn_detection": None, "modalities": ["text"], "input_audio_format": "pcm16"},
    },
    {"type": "input_audio_buffer.append", "audio": SOUND},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {"type": "conversation.item.create", "item": USER, "previous_item_id": None},
    {"type": "conversation.item.create", "item": {**USER, "content": [PICTURE]}},
    {"type": "conversation.item.create", "item": CALL},
    {"type": "conversation.item.create", "item": OUTPUT},
    {"type": "conversation.item.truncate", "item_id": "i3", "content_index": 0, "audio_end_ms": 5},
    {"type": "conversation.item.retrieve", "item_id": "i1"},
    {"type": "conversation.item.delete", "item_id": "i1"},
    {"type": "response.create", "response": {"instructions": "Now.", "output_modalities": ["text"]}},
    {"type": "response.create"},
    {"type": "response.cancel"},
]
OF_OPENAI: list[dict[str, Any]] = [
    {"type": "session.created", "session": SESSION},
    {"type": "session.updated", "session": SESSION},
    {"type": "conversation.item.added", "previous_item_id": "i1", "item": HEARD},
    {"type": "conversation.item.done", "item": SAID},
    {"type": "conversation.item.deleted", "item_id": "i1"},
    {"type": "conversation.item.input_audio_transcription.completed", "item_id": "i2", "content_index": 0,
     "transcript": "Hey", "usage": {"type": "duration", "seconds": 3}},
    {"type": "input_audio_buffer.speech_started", "item_id": "i2"},
    {"type": "input_audio_buffer.committed", "item_id": "i2"},
    {"type": "response.created", "response": {"id": "r1", "status": "in_progress"}},
    {"type": "response.output_audio.delta", **PLACE, "delta": SOUND},
    {"type": "response.output_audio_transcript.delta", **PLACE, "delta": "Hi"},
    {"type": "response.done", "response": {"id": "r1", "conversation_id": "c", "output": [SAID, CALL], "usage": USAGE}},
    {"type": "rate_limits.updated", "rate_limits": []},
    {"type": "error", "error": {"type": "invalid_request_error", "code": "x", "message": "No.", "param": "session.a"}},
    {"type": "error", "error": {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes"}},
]  # fmt: skip
OF_GEMINI: list[dict[str, Any]] = [
    {"setupComplete": {}},
    {"toolCall": {"functionCalls": [{"id": "c1", "name": "look", "args": {"at": "it"}}]}},
    {"toolCallCancellation": {"ids": ["c1"]}},
    {"serverContent": {"inputTranscription": {"text": "Hey"}}},
    {"serverContent": {"outputTranscription": {"text": "Hi"}}},
    {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": SOUND}}]}}},
    {"serverContent": {"modelTurn": {"parts": [{"text": "Hm", "thought": True}, {"text": "Hi"}]}}},
    {"serverContent": {"interrupted": True}},
    {"serverContent": {"turnComplete": True, "turnCompleteReason": "PROHIBITED_INPUT_CONTENT"}},
    {"serverContent": {"turnComplete": True}, "usageMetadata": {
        "promptTokenCount": 9, "responseTokenCount": 5, "totalTokenCount": 14, "thoughtsTokenCount": 2,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 4}]}},
    {"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}},
    {"goAway": {"timeLeft": "50s"}},
]  # fmt: skip
SCALARS: list[Any] = [
    None, True, False, 0, -1, 1.5, 2**40, 10**30, "", "i1", "r1", "\ud83d", "é" * 9, [], {}, [None], {"type": 1}, [[]],
    {"model": "whisper-1"}, "gpt-realtime-mini", "assistant", "function_call", [{}], ["text"], {"type": "input_text"},
]  # fmt: skip
GARBAGE = [b"", b"null", b"[1]", b"{", b"\xff\xfe", b'"x"', b'{"type":{}}', b'{"type":"response.done"}', b"[" * 9999]


def damaged(drawn: Random, message: Any) -> bytes:
    """The message with some of its values replaced."""
    value = orjson.loads(orjson.dumps(message))
    for _ in range(drawn.choice((0, 0, 1, 1, 2, 3))):
        holder = value
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = drawn.choice(keys)
            if isinstance(holder[key], dict | list) and holder[key] and drawn.random() < 0.8:
                holder = holder[key]
                continue
            holder[key] = deepcopy(drawn.choice(SCALARS))
            break
    return written(value)


def written(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value).encode()  # halves of surrogates, and integers that orjson does not write


def acted(talk: Session, drawn: Random) -> tuple[Step, bytes]:
    kind = drawn.random()
    if kind < 0.42:
        data = drawn.choice(GARBAGE) if drawn.random() < 0.03 else damaged(drawn, drawn.choice(OF_CLIENT))
        return talk.from_client(data), data
    if kind < 0.9:
        wire = OF_GEMINI if drawn.random() < 0.5 else OF_OPENAI
        data = drawn.choice(GARBAGE) if drawn.random() < 0.03 else damaged(drawn, drawn.choice(wire))
        return talk.from_provider(data), data
    other = (
        talk.tick,
        talk.opened,
        lambda: talk.provider_gone(1006),
        lambda: talk.refused(RateLimited("Limit reached.")),
        lambda: talk.refused(InsufficientBalance("No balance left.")),
    )
    return drawn.choice(other)(), b""


@pytest.mark.parametrize("model", MODELS)
def test_a_session_bears_everything_in_any_order(model: str) -> None:
    for case in range(CASES):
        drawn, clock = Random(f"{model} {case}"), StoppedClock()
        talk = session(model, clock=clock)
        talk.opened()
        paid: list[str] = []
        for _ in range(ACTS):
            clock.at_s += 7
            if drawn.random() < 0.04:
                paid += [spent.id for spent in talk.left().spent]
                talk = session(model, clock=clock, state=talk.state())
                step, data = talk.opened(), b""
            else:
                step, data = acted(talk, drawn)
            judge(step, data, case)
            paid += [spent.id for spent in step.spent]
            assert talk.exposure_nanousd >= 0, case
        assert len(paid) == len(set(paid)), case


def judge(step: Step, data: bytes, case: int) -> None:
    for told in step.to_client:
        assert told in (data, readable(data)) or isinstance(orjson.loads(told)["type"], str), case
    for frame in step.to_provider:
        assert frame == data or isinstance(orjson.loads(frame), dict), case
    assert all(spent.cost_nanousd >= 0 for spent in step.spent), case
