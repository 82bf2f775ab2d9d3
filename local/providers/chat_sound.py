"""Simulates sound in chat answers, as OpenAI's models of sound have it.

Source: https://platform.openai.com/docs/guides/audio.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from local.providers import openai_shapes, sounds, speech, tokens
from local.providers.answers import Draft, Ended
from local.providers.json_value import Json
from local.providers.wire import Call

# Part of the names of all models that speak, those that have ended too.
_SPEAKING = "audio"
_STREAMED = "pcm16"
_FORMS = ("wav", "aac", "mp3", "flac", "opus", _STREAMED)
# A token of sound that is heard is a tenth of a second; the files of tests have 48,000 bytes of it.
_HEARD_BASE64_PER_TOKEN = 6_400
_KEPT_S = 3_600


def check(body: Json) -> None:
    """Refuses what a model of sound refuses, and sound of another model."""
    if "audio" not in (body.get("modalities") or ()):
        return
    if _SPEAKING not in str(body["model"]):
        raise openai_shapes.refusal(400, "This model does not support audio output.", "invalid_value", "modalities")
    asked = body.get("audio") or {}
    if not asked.get("voice"):
        raise openai_shapes.refusal(400, "Missing required parameter: 'audio.voice'.", None, "audio.voice")
    forms = (_STREAMED,) if body.get("stream") else _FORMS
    if asked.get("format") not in forms:
        message = f"Unsupported value: 'audio.format'. Supported values are: {', '.join(forms)}."
        raise openai_shapes.refusal(400, message, "unsupported_value", "audio.format")


def speaks(body: Json, draft: Draft) -> bool:
    """True where the answer is spoken, and neither a refusal nor a call."""
    return "audio" in (body.get("modalities") or ()) and draft.ended is not Ended.REFUSED and not draft.calls


def spoken_tokens(body: Json, text: str) -> int:
    """Counts the tokens of the sound of an answer."""
    return round(sounds.seconds(text) * sounds.TOKENS_PER_S) if "audio" in (body.get("modalities") or ()) else 0


def part_tokens(part: Json) -> int:
    """Counts the tokens of a part that is heard."""
    return -(-len(part["input_audio"]["data"]) // _HEARD_BASE64_PER_TOKEN)


def heard_tokens(body: Json) -> int:
    """Counts the tokens of all sound in a request."""
    contents = [message.get("content") for message in body["messages"]]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return sum(part_tokens(part) for part in parts if part["type"] == "input_audio")


def whole(call: Call, choice: int, text: str) -> Json:
    """Returns the sound of a whole answer with its text."""
    form = str(call.body["audio"]["format"]).replace(_STREAMED, "pcm")
    sound = sounds.whole(form, text, sounds.seconds(text))
    return _named(call, choice) | {"data": base64.b64encode(sound).decode(), "transcript": text}


def pieces(call: Call, choice: int, text: str) -> Iterator[Json]:
    """Yields the sound of a stream, as its deltas have it: name and text, sound, and how long it is kept."""
    name = _named(call, choice)
    yield {"id": name["id"], "transcript": ""}
    yield from ({"transcript": piece} for piece in tokens.cut(text, 3))
    for piece in speech.pieces("pcm", text, sounds.seconds(text)):
        yield {"data": base64.b64encode(piece).decode()}
    yield {"expires_at": name["expires_at"]}


def _named(call: Call, choice: int) -> Json:
    return {"id": call.stable_id("audio_", choice), "expires_at": call.now_s + _KEPT_S}
