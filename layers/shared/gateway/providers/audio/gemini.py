"""Gemini's speech, which is an answer of generateContent: https://ai.google.dev/gemini-api/docs/speech-generation.

Its sound is PCM of 24,000 samples a second. It is told how to speak in the words that stand before the text.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct, field

from gateway.canonical.audio import PCM, Sound, SpeechRequest
from gateway.canonical.usage import counted
from gateway.errors import UpstreamError
from gateway.framing.percent import encoded
from gateway.framing.sse import Frame
from gateway.providers.audio.speaker import EventReader, Speaker, no_sound
from gateway.providers.chat import google
from gateway.providers.chat.registry import PROVIDERS
from gateway.providers.outgoing import Outgoing

_VOICES = ("Kore", "Puck", "Zephyr", "Charon", "Fenrir", "Leda", "Orus", "Aoede", "Enceladus", "Iapetus")


class _Data(Struct, rename="camel"):
    data: str = ""


class _Part(Struct, rename="camel"):
    inline_data: _Data | None = None


class _Content(Struct, rename="camel"):
    parts: list[_Part] = field(default_factory=list)


class _Candidate(Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None


class _Usage(Struct, rename="camel"):
    prompt_token_count: int = 0
    candidates_token_count: int = 0


class _Chunk(Struct, rename="camel"):
    candidates: list[_Candidate] = field(default_factory=list)
    usage_metadata: _Usage | None = None


_CHUNK = msgspec.json.Decoder(_Chunk)


def _sound(frame: Frame) -> Sound:
    """The sound of a chunk of the answer, the last of which tells why it ends."""
    try:
        chunk = _CHUNK.decode(frame.data)
        parts = [part for each in chunk.candidates if each.content for part in each.content.parts]
        data = b"".join(a2b_base64(part.inline_data.data) for part in parts if part.inline_data is not None)
    except (msgspec.DecodeError, Error, ValueError):
        return Sound(error=no_sound())
    reason = next((each.finish_reason for each in chunk.candidates if each.finish_reason), None)
    if reason not in (None, "STOP"):
        return Sound(data, error=UpstreamError("The provider stopped speaking.", retryable=False))
    told = chunk.usage_metadata
    if reason is None or told is None:
        return Sound(data, ended=reason is not None)
    made = told.candidates_token_count
    return Sound(data, counted(input=told.prompt_token_count, output=made, audio_output=made), ended=True)


def _write(asked: SpeechRequest, _: str) -> Mapping[str, Any]:
    text = f"{asked.instructions}: {asked.text}" if asked.instructions else asked.text
    return {
        "contents": [{"role": "user", "parts": [{"text": text}]}],
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": asked.voice}}},
        },
    }


def _path(outgoing: Outgoing) -> str:
    return f"/v1beta/models/{encoded(outgoing.model)}:streamGenerateContent?alt=sse"


SPEECH = Speaker(
    name="gemini",
    base_url=PROVIDERS["gemini"].base_url,
    path=_path,
    sign=google.developer_headers,
    errors="gemini.errors",
    write=_write,
    forms=(PCM,),
    reader=partial(EventReader, _sound),
    voices={name.lower(): name for name in _VOICES},
    instructed=True,
    # https://ai.google.dev/gemini-api/docs/pricing: 25 for a second of audio.
    tokens_per_s=25,
)
