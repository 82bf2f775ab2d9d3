"""Vendors whose speech has OpenAI's path and body: https://platform.openai.com/docs/api-reference/audio/createSpeech.

Models that are paid by the token tell their usage in events alone, so events are what they are asked for. The older
ones (`tts-1`) have none, and take no instructions.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.audio import CONTENT_TYPES, WAV, Sound, SpeechRequest
from gateway.canonical.usage import counted
from gateway.errors import UpstreamError
from gateway.framing.sse import Frame
from gateway.providers.audio.speaker import OPENAI_VOICES, EventReader, Speaker, no_sound
from gateway.providers.chat import azure
from gateway.providers.chat.registry import PROVIDERS, under

_FORMS = tuple(CONTENT_TYPES)


class _Usage(Struct):
    input_tokens: int = 0
    output_tokens: int = 0


class _Event(Struct):
    type: str
    audio: str = ""
    usage: _Usage | None = None


_EVENT = msgspec.json.Decoder(_Event)


def _sound(frame: Frame) -> Sound:
    try:
        event = _EVENT.decode(frame.data)
        data = a2b_base64(event.audio)
    except (msgspec.DecodeError, Error, ValueError):
        return Sound(error=no_sound())
    if event.type == "speech.audio.done":
        told = event.usage
        if told is None:
            return Sound(data, ended=True)
        tokens = {"input": told.input_tokens, "output": told.output_tokens, "audio_output": told.output_tokens}
        return Sound(data, counted(**tokens), ended=True)
    if event.type == "error":
        return Sound(error=UpstreamError("The provider failed while it spoke."))
    return Sound(data)


def _write(asked: SpeechRequest, model: str) -> Mapping[str, Any]:
    return {
        "model": model,
        "input": asked.text,
        "voice": asked.voice,
        "response_format": asked.form,
        "instructions": asked.instructions,
        "speed": asked.speed,
    }


def _write_events(asked: SpeechRequest, model: str) -> Mapping[str, Any]:
    return {**_write(asked, model), "stream_format": "sse"}


_OPENAI_TTS = Speaker(
    name="openai",
    base_url=PROVIDERS["openai"].base_url,
    path=under("/audio/speech"),
    write=_write,
    forms=_FORMS,
    voices={name: name for name in OPENAI_VOICES},
    speeds=(0.25, 4.0),
)
_AZURE_TTS = replace(
    _OPENAI_TTS,
    name="azure",
    base_url=PROVIDERS["azure"].base_url,
    path=azure.speech_path,
    sign=PROVIDERS["azure"].sign,
)
# https://console.groq.com/docs/text-to-speech
_ENGLISH = ("autumn", "diana", "hannah", "austin", "daniel", "troy")
_ARABIC = ("abdullah", "fahad", "sultan", "lulwa", "noura", "aisha")
_TOLD, _ARABS = "gpt", "arabic"


def _of(older: Speaker, model: str) -> Speaker:
    if _TOLD not in model:
        return older
    return replace(older, write=_write_events, reader=partial(EventReader, _sound), instructed=True)


def openai(model: str) -> Speaker:
    """The row of a model at OpenAI."""
    return _of(_OPENAI_TTS, model)


def azure_openai(model: str) -> Speaker:
    """The row of a model at Azure, whose deployments are named as their models are."""
    return _of(_AZURE_TTS, model)


def groq(model: str) -> Speaker:
    """The row of a model at Groq, whose voices speak one language each."""
    names = _ARABIC if _ARABS in model else _ENGLISH
    return replace(
        _OPENAI_TTS,
        name="groq",
        base_url=PROVIDERS["groq"].base_url,
        forms=(WAV,),
        voices={name: name for name in names},
        speeds=None,
    )
