"""Reads the items of a simulated realtime conversation: what they ask, and the tokens that they use.

A tenth of a second of the user's sound is a token, as is a twentieth of the model's.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Any

from local.providers import answers, sounds, tokens
from local.providers.answers import ModelRequest, Tool, ToolChoice

LOUD = 1_000
RATE = 24_000
BYTES_PER_MS = RATE * 2 // 1000
TOKENS_PER_DELTA = 4
PICTURE_TOKENS = 258

Event = dict[str, Any]


def heard_as(sound: bytes, bytes_per_ms: int = BYTES_PER_MS) -> str:
    """The sentence that a piece of sound is heard as."""
    return f"I heard {len(sound) // bytes_per_ms} ms of sound, {hashlib.sha256(sound).hexdigest()[:12]}."


def is_loud(sound: bytes) -> bool:
    """True for sound that is speech."""
    samples = struct.unpack(f"<{len(sound) // 2}h", sound[: len(sound) // 2 * 2])
    return any(abs(sample) > LOUD for sample in samples[::16])


def words(text: str) -> list[str]:
    """The pieces in which a text is told."""
    return tokens.cut(text, TOKENS_PER_DELTA)


def _parts(items: list[Event]) -> Iterator[Event]:
    return (part for item in items for part in item.get("content", ()))


def _texts(item: Event) -> list[str]:
    found = [part.get("text") or part.get("transcript") or "" for part in item.get("content", ())]
    return [*found, str(item.get("output") or item.get("arguments") or "")]


def _pictures(items: list[Event]) -> int:
    return sum("image_url" in part for part in _parts(items))


def question_of(items: list[Event]) -> str:
    """The last words of the user."""
    said = [" ".join(filter(None, _texts(item))) for item in items if item.get("role") == "user"]
    return said[-1] if said else ""


def asked(session: Event, items: list[Event]) -> ModelRequest:
    """The question of a conversation to the model."""
    last = max((number for number, item in enumerate(items) if item.get("role") == "user"), default=-1)
    after = items[last + 1 :]
    most = session["max_output_tokens"]
    choice = session["tool_choice"] if isinstance(session["tool_choice"], str) else "required"
    return ModelRequest(
        model=session["model"],
        question=question_of(items),
        results=tuple(str(item["output"]) for item in after if item["type"] == "function_call_output"),
        rounds_done=1 if any(item["type"] == "function_call_output" for item in after) else 0,
        tools=tuple(Tool(tool["name"], tool.get("parameters") or {}) for tool in session["tools"]),
        choice=ToolChoice(choice),
        media=("image",) * _pictures(items),
        max_tokens=most if isinstance(most, int) else None,
    )


def usage(session: Event, items: list[Event], draft: answers.Draft, *, spoken: bool) -> Event:
    """Counts the tokens of a response."""
    texts = tokens.count(str(session["instructions"])) + sum(tokens.count(text) for i in items for text in _texts(i))
    sound, pictures = sum(part.get("ms", 0) for part in _parts(items)) // 100, _pictures(items) * PICTURE_TOKENS
    length_s = sum(sounds.seconds(piece) / 8 for piece in words(draft.text)) if spoken else 0
    out_audio, out_text = round(length_s * 20), draft.output_tokens()
    cached = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
    details = {"text_tokens": texts, "audio_tokens": sound, "image_tokens": pictures}
    read = texts + sound + pictures
    return {
        "total_tokens": read + out_audio + out_text,
        "input_tokens": read,
        "output_tokens": out_audio + out_text,
        "input_token_details": details | {"cached_tokens": 0, "cached_tokens_details": cached},
        "output_token_details": {"text_tokens": out_text, "audio_tokens": out_audio},
    }


def transcript_usage(by: Event, sound: bytes, transcript: str) -> Event:
    """Counts what a transcript has used: seconds with Whisper's models, else tokens."""
    if "whisper" in str(by["model"]):
        return {"type": "duration", "seconds": -(-len(sound) // (1000 * BYTES_PER_MS))}
    heard, written = len(sound) // BYTES_PER_MS // 100, tokens.count(transcript)
    details = {"text_tokens": 0, "audio_tokens": heard}
    counts = {"total_tokens": heard + written, "input_tokens": heard, "output_tokens": written}
    return {"type": "tokens", **counts, "input_token_details": details}


def session_at_first(model: str, session_id: str) -> Event:
    """The session as it begins; without a model it only transcribes."""
    pcm = {"type": "audio/pcm", "rate": RATE}
    vad: Event = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
    heard = {"format": pcm, "transcription": None, "noise_reduction": None, "turn_detection": vad}
    if not model:
        named = {"type": "transcription", "object": "realtime.transcription_session", "id": session_id}
        return {**named, "audio": {"input": heard}, "include": None}
    vad |= {"idle_timeout_ms": None, "create_response": True, "interrupt_response": True}
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "audio": {"input": heard, "output": {"format": pcm, "voice": "alloy", "speed": 1.0}},
        "include": None,
    }
