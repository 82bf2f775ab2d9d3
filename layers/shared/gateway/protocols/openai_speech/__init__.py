"""OpenAI's speech wire, as callers speak it: https://platform.openai.com/docs/api-reference/audio/createSpeech.

The answer is the sound itself, or, with `stream_format: "sse"`, events that carry it in base64. Nothing but sound is in
an answer of sound: neither comments nor an error, so that one that fails in the middle ends without its last chunk.
"""

from __future__ import annotations

from binascii import b2a_base64

import orjson

from gateway.canonical.audio import CONTENT_TYPES, SpeechRequest
from gateway.canonical.response import Extension
from gateway.canonical.usage import Usage
from gateway.canonical.wire import Wire
from gateway.errors import GatewayError
from gateway.protocols.shared.document import Node, number_in, string_in
from gateway.protocols.shared.openai_errors import encode_error, error_object
from gateway.protocols.shared.preferences import OWN_MEMBERS, decode_preferences, parse_known

PROTOCOL = "openai_speech"
CHARACTERS_MAX = 100_000
INSTRUCTIONS_MAX = 10_000
SPEEDS = (0.25, 4.0)
EVENTS, SOUND = "sse", "audio"
_UNKNOWN = "Unrecognized request argument supplied: {name}"
_KNOWN = OWN_MEMBERS | frozenset(
    {"input", "instructions", "model", "response_format", "speed", "stream_format", "user", "voice"}
)
PLACES = {"text": "input", "form": "response_format"}


class OpenAISpeech:
    """The codec of callers. `stream_type` is the content type of the sound, or that of events."""

    protocol = PROTOCOL
    id_prefix = "speech-"

    def __init__(self, stream_type: str, keep_alive: bytes = b"") -> None:
        self.stream_type = stream_type
        self.keep_alive = keep_alive

    def decode_request(self, body: bytes) -> SpeechRequest:
        """The canonical request; raises `InvalidRequest` with the JSON path of what is wrong."""
        root = parse_known(body, _KNOWN, _UNKNOWN)
        form, how = root.member("response_format"), root.member("stream_format")
        return SpeechRequest(
            model=root.required("model").as_string(minimum=1),
            text=root.required("input").as_string(minimum=1, maximum=CHARACTERS_MAX),
            voice=_voice(root),
            form=None if form is None else form.as_one_of(tuple(CONTENT_TYPES)),
            instructions=_instructions(root),
            speed=number_in(root, "speed", *SPEEDS),
            as_events=how is not None and how.as_one_of((EVENTS, SOUND)) == EVENTS,
            routing=decode_preferences(root, body),
            user=string_in(root, "user"),
        )

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        """OpenAI's error object."""
        del request_id  # This wire carries it in a header, x-request-id.
        return encode_error(error)


def _voice(root: Node) -> str | None:
    """The name of a voice, or the id of one that was made for the caller (`{"id": "voice_..."}`)."""
    voice = root.member("voice")
    if voice is None:
        return None
    named = voice.required("id") if isinstance(voice.value, dict) else voice
    return named.as_string(minimum=1, maximum=128)


def _instructions(root: Node) -> str | None:
    given = root.member("instructions")
    return None if given is None else given.as_string(maximum=INSTRUCTIONS_MAX) or None


class SoundEncoder:
    """Writes the sound itself."""

    def sound(self, data: bytes) -> bytes:
        """The next bytes of the sound."""
        return data

    def finish(self, usage: Usage | None, extension: Extension) -> bytes:
        """Nothing: the sound ends where it ends."""
        del usage, extension
        return b""

    def fail(self, error: GatewayError) -> bytes:
        """Nothing: no error can stand in sound."""
        del error
        return b""


class EventEncoder:
    """Writes the sound in events: `speech.audio.delta` with base64, and `speech.audio.done` with the usage."""

    def sound(self, data: bytes) -> bytes:
        """One event of sound."""
        return b'data: {"type":"speech.audio.delta","audio":"' + b2a_base64(data, newline=False) + b'"}\n\n'

    def finish(self, usage: Usage | None, extension: Extension) -> bytes:
        """The last event, with what the request cost."""
        told = usage or Usage()
        counts = {
            "input_tokens": told.prompt,
            "output_tokens": told.output,
            "total_tokens": told.total,
            **{f"{name}s": count for name, count in told.uses},
        }
        return _event({"type": "speech.audio.done", "usage": counts, "nexevo": extension.as_json()})

    def fail(self, error: GatewayError) -> bytes:
        """An error in the place of the last event."""
        return _event({"type": "error", "error": error_object(error)})


def _event(value: object) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


CLIENT = OpenAISpeech("")
_IN_EVENTS = OpenAISpeech("text/event-stream; charset=utf-8", b": NX\n\n")
_BY_FORM = {form: OpenAISpeech(content_type) for form, content_type in CONTENT_TYPES.items()}


def answer_wire(form: str, *, as_events: bool) -> Wire:
    """The outer form of an answer in this form of sound."""
    return _IN_EVENTS if as_events else _BY_FORM[form]


def encoder(*, as_events: bool) -> SoundEncoder | EventEncoder:
    """The writer of an answer's sound."""
    return EventEncoder() if as_events else SoundEncoder()
