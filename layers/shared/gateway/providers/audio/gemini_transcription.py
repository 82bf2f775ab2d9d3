"""Gemini's transcription, an answer of generateContent: https://ai.google.dev/gemini-api/docs/audio.

The model is told what to do in words. It tells no times.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Any

import orjson

from gateway.canonical.parts import Text
from gateway.canonical.response import FinishReason
from gateway.canonical.transcription import Transcript, TranscriptionRequest
from gateway.errors import UnreadableAnswer
from gateway.framing.percent import encoded
from gateway.protocols.gemini.decode_answer import decode_response
from gateway.protocols.shared.provider_json import counting
from gateway.providers.audio.transcriber import TEXT, Transcriber
from gateway.providers.chat import google
from gateway.providers.chat.registry import PROVIDERS
from gateway.providers.outgoing import Outgoing

# A request has 20 MB with all of its parts, and base64 takes four bytes for three.
FILE_BYTES_MAX = 14_000_000
_WRITE = "Transcribe this recording word for word."
_TRANSLATE = "Translate what is said in this recording into English."
_ALONE = " Answer with the text alone."


def _write(asked: TranscriptionRequest, _: str) -> tuple[str, bytes]:
    if asked.file is None:
        raise ValueError("the request's file was not fetched")
    said = (_TRANSLATE if asked.translates else _WRITE) + _ALONE
    if asked.language:
        said += f" It is in {asked.language}."
    if asked.prompt:
        said += f"\n{asked.prompt}"
    data = b2a_base64(asked.file.content, newline=False).decode()
    settings: dict[str, Any] = {"thinkingConfig": {"thinkingBudget": 0}}
    if asked.temperature is not None:
        settings["temperature"] = asked.temperature
    parts = [{"text": said}, {"inlineData": {"mimeType": asked.file.mime_type, "data": data}}]
    members = {"contents": [{"role": "user", "parts": parts}], "generationConfig": settings}
    return "application/json", orjson.dumps(members)


def _read(_: TranscriptionRequest, body: bytes) -> Transcript:
    found = decode_response(body)
    choice = found.choices[0]
    with counting(lambda _: found.usage, None):
        if choice.finish_reason is not FinishReason.STOP:
            raise UnreadableAnswer(f"its {TEXT} is not whole")
        said = "".join(part.text for part in choice.parts if isinstance(part, Text)).strip()
        if not said:
            raise UnreadableAnswer(f"it has no {TEXT}")
    return Transcript(said, usage=found.usage)


def _path(outgoing: Outgoing) -> str:
    return f"/v1beta/models/{encoded(outgoing.model)}:generateContent"


TRANSCRIPTION = Transcriber(
    name="gemini",
    base_url=PROVIDERS["gemini"].base_url,
    path=_path,
    sign=google.developer_headers,
    errors="gemini.errors",
    write=_write,
    read=_read,
    prompted=True,
    tempered=True,
    translates=True,
    file_bytes_max=FILE_BYTES_MAX,
)
