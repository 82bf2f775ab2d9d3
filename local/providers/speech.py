"""Simulates speech with OpenAI's path and body: https://platform.openai.com/docs/api-reference/audio/createSpeech.

`media_s` sets the length of the sound. The models of `EVENTFUL` tell their usage, in events alone.
"""

from __future__ import annotations

import base64
import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from local.providers import openai_dialects, openai_shapes, sounds, tokens
from local.providers.faults import without_directives
from local.providers.json_value import Json
from local.providers.openai_shapes import Dialect
from local.providers.wire import Call, Frame, FrameKind, Reply, Wire, route, sse

OLDER = ("tts-1", "tts-1-hd")
EVENTFUL = ("gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15")
VOICES = frozenset(
    {
        "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer",
        "verse",
    }
)  # fmt: skip
FORMS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
CHARACTERS_MAX = 4_096
_MEMBERS = frozenset({"model", "input", "voice", "instructions", "response_format", "speed", "stream_format"})
# So many frames of sound are one piece of a stream.
_FRAMES_A_PIECE = 8


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor: its row, its models, voices and forms of sound."""

    dialect: Dialect
    models: tuple[str, ...]
    voices: frozenset[str]
    forms: tuple[str, ...]
    path: str = "/audio/speech"


OPENAI = Vendor(openai_shapes.OPENAI, (*OLDER, *EVENTFUL), VOICES, FORMS)
AZURE = Vendor(openai_dialects.AZURE, (*OLDER, *EVENTFUL), VOICES, FORMS, "/openai/(v1|deployments/[^/]+)/audio/speech")
VENDORS = (OPENAI, AZURE)


def wire(vendor: Vendor) -> Wire:
    """Builds one vendor's speech."""
    return Wire(
        row=vendor.dialect.row,
        prefix=vendor.dialect.prefix,
        routes=(route("POST", vendor.path, functools.partial(_speak, vendor)),),
        authorize=functools.partial(openai_shapes.authorize, vendor.dialect),
        question=lambda body: str(body.get("input", "")),
        model=lambda call: str(call.body.get("model", "")),
        refusal=openai_shapes.refusal,
        error_frame=lambda _: sse({"type": "error", "error": {"type": "server_error", "message": "Overloaded."}}),
        garbage_frame=lambda _: b"data: {not json\n\n",
        headers=openai_shapes.headers,
    )


def length_s(call: Call, text: str) -> float:
    """Returns the length of the sound: what was asked of the simulator, or the text's own."""
    return sounds.seconds(text) if call.shape.media_s is None else call.shape.media_s


def pieces(form: str, text: str, lasting_s: float) -> Iterator[bytes]:
    """Yields the sound in the pieces in which it is sent."""
    frames = sounds.frames(form, text, lasting_s)
    while piece := b"".join(itertools.islice(frames, _FRAMES_A_PIECE)):
        yield piece


def _speak(vendor: Vendor, call: Call) -> Reply:
    body = call.body
    _check(vendor, body)
    text, form = without_directives(str(body["input"])), str(body.get("response_format") or vendor.forms[0])
    lasting_s = length_s(call, text)
    if body.get("stream_format") == "sse":
        told = tokens.count(text) + tokens.count(str(body.get("instructions") or ""))
        events = _events(form, text, lasting_s, told)
        return Reply(200, (("content-type", "text/event-stream"),), events)
    sound = (Frame(FrameKind.CONTENT, piece) for piece in pieces(form, text, lasting_s))
    return Reply(200, (("content-type", sounds.content_type(form)),), sound)


def _events(form: str, text: str, lasting_s: float, read: int) -> Iterator[Frame]:
    for piece in pieces(form, text, lasting_s):
        delta: Json = {"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()}
        yield Frame(FrameKind.CONTENT, sse(delta))
    made = round(lasting_s * sounds.TOKENS_PER_S)
    usage: Json = {"input_tokens": read, "output_tokens": made, "total_tokens": read + made}
    yield Frame(FrameKind.DONE, sse({"type": "speech.audio.done", "usage": usage}))


def _check(vendor: Vendor, body: Json) -> None:
    """Raises the refusal of what the vendor does not take."""
    unknown = next((name for name in body if name not in _MEMBERS), None)
    if unknown is not None:
        raise openai_shapes.refusal(400, f"Unrecognized request argument supplied: {unknown}", None, unknown)
    model, text, voice = body.get("model"), body.get("input"), body.get("voice")
    if model not in vendor.models:
        raise openai_shapes.refusal(404, f"The model `{model}` does not exist.", "model_not_found", "model")
    if not isinstance(text, str) or not 1 <= len(text) <= CHARACTERS_MAX:
        raise openai_shapes.refusal(400, f"Input should have 1 to {CHARACTERS_MAX} characters.", None, "input")
    if voice not in vendor.voices:
        raise openai_shapes.refusal(400, f"Invalid voice: {voice}.", None, "voice")
    if body.get("response_format") not in (None, *vendor.forms):
        raise openai_shapes.refusal(400, "Invalid response_format.", None, "response_format")
    if model in OLDER and body.get("stream_format") == "sse":
        raise openai_shapes.refusal(400, "stream_format 'sse' is not supported.", None, "stream_format")
