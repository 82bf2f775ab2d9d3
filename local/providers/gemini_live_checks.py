"""Refuses messages that Gemini's Live API refuses: it closes the socket, mostly with 1007, and says why.

https://ai.google.dev/api/live; what no field of the API's messages is, is refused by the name that it has in JSON.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from local.providers.gemini_checks import camel

INVALID = 1007
_INT32_MAX = 2**31 - 1
_TEMPERATURE_MAX = 2
_SOUND = re.compile(r"audio/pcm(;\s*rate=\d+)?")
_PICTURE = re.compile(r"(image|video)/[a-z0-9.+-]+")
_DATA = (
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
)  # fmt: skip
_FIELDS: Mapping[str, frozenset[str]] = {
    "setup": frozenset({
        "model", "generationConfig", "systemInstruction", "tools", "realtimeInputConfig", "sessionResumption",
        "contextWindowCompression", "inputAudioTranscription", "outputAudioTranscription", "proactivity",
        "explicitVadSignal", "historyConfig", "avatarConfig", "safetySettings",
    }),
    "setup.realtimeInputConfig": frozenset({
        "automaticActivityDetection", "activityHandling", "turnCoverage", "interimTranscriptTimestampEnabled",
    }),
    "setup.realtimeInputConfig.automaticActivityDetection": frozenset({
        "disabled", "startOfSpeechSensitivity", "endOfSpeechSensitivity", "prefixPaddingMs", "silenceDurationMs",
    }),
    "setup.sessionResumption": frozenset({"handle", "transparent"}),
    "setup.contextWindowCompression": frozenset({"triggerTokens", "slidingWindow"}),
    "clientContent": frozenset({"turns", "turnComplete"}),
    "realtimeInput": frozenset({
        "mediaChunks", "audio", "audioStreamEnd", "video", "text", "activityStart", "activityEnd",
    }),
    "realtimeInput.audio": frozenset({"mimeType", "data", "displayName"}),
    "realtimeInput.video": frozenset({"mimeType", "data", "displayName"}),
    "toolResponse": frozenset({"functionResponses"}),
}  # fmt: skip
_RESPONSE_FIELDS = frozenset({"id", "name", "response", "willContinue", "scheduling", "parts"})
_NUMBERS = (
    ("generationConfig", "maxOutputTokens"),
    ("realtimeInputConfig", "automaticActivityDetection", "prefixPaddingMs"),
    ("realtimeInputConfig", "automaticActivityDetection", "silenceDurationMs"),
)

Message = dict[str, Any]


class Refused(Exception):
    """Reports a message that ends the session, with the code and the reason of its end."""

    def __init__(self, reason: str, code: int = INVALID) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def read(data: bytes) -> tuple[str, Message]:
    """The one member of a message, in camelCase, and what it holds; raises Refused."""
    try:
        message = camel(orjson.loads(data))
    except orjson.JSONDecodeError:
        raise Refused("Invalid JSON payload received.") from None
    if not isinstance(message, dict) or not message:
        raise Refused("Request contains an invalid argument.")
    first, *others = message
    if first not in _RULES:
        raise _unknown(first, "")
    for other in others:
        if other not in _RULES:
            raise _unknown(other, "")
        raise Refused(f"Invalid value (oneof), oneof field 'message_type' is already set. Cannot set '{other}'")
    given = message[first]
    _known(given, first)
    _RULES[first](given)
    return first, given


def sound_of(blob: Message) -> bytes:
    """The bytes of a blob of sound; raises Refused."""
    return _bytes(blob, _SOUND, "realtime_input.audio")


def check_activity(given: Message, *, detects: bool) -> None:
    """Raises Refused for a client that says when it speaks where Gemini hears that by itself."""
    if detects and ("activityStart" in given or "activityEnd" in given):
        raise Refused("Explicit activity control is not supported when automatic activity detection is enabled.")


def _setup(given: Message) -> None:
    if not str(given.get("model", "")).startswith("models/"):
        raise Refused("setup.model: model is required, in the format models/{model}.")
    for place in _NUMBERS:
        value: Any = given
        for name in place:
            value = (value or {}).get(name)
        if value is not None and (type(value) is not int or not 0 <= value <= _INT32_MAX):
            raise Refused(f"Invalid value at 'setup.{'.'.join(place)}' (TYPE_INT32), {value}")
    config = given.get("generationConfig") or {}
    if len(config.get("responseModalities") or ()) > 1:
        raise Refused("At most one response modality can be specified in the setup request.")
    temperature = config.get("temperature", 0)
    if not isinstance(temperature, int | float) or not 0 <= temperature <= _TEMPERATURE_MAX:
        raise Refused("setup.generation_config.temperature: temperature must be in the range [0.0, 2.0].")
    if isinstance(given.get("systemInstruction"), dict):
        _parts(given["systemInstruction"], "setup.system_instruction")


def _content(given: Message) -> None:
    for index, turn in enumerate(given.get("turns") or ()):
        if turn.get("role", "user") not in {"user", "model"}:
            raise Refused("Please use a valid role: user, model.")
        _parts(turn, f"client_content.turns[{index}]")


def _parts(content: Message, at: str) -> None:
    for index, part in enumerate(content.get("parts") or ()):
        held = [name for name in _DATA if name in part]
        if len(held) != 1:
            where = f"{at}.parts[{index}]"
            said = f"oneof field 'data' is already set. Cannot set '{held[-1]}'" if held else "has no data"
            raise Refused(f"Invalid value at '{where}' (oneof), {said}")
        if held == ["inlineData"]:
            _bytes(part["inlineData"], re.compile(rf"{_SOUND.pattern}|{_PICTURE.pattern}"), f"{at}.parts[{index}]")


def _realtime_input(given: Message) -> None:
    if "video" in given:
        _bytes(given["video"], _PICTURE, "realtime_input.video")


def _tool_response(given: Message) -> None:
    responses = given.get("functionResponses")
    if not responses:
        raise Refused("tool_response.function_responses: must not be empty.")
    for index, each in enumerate(responses):
        at = f"tool_response.function_responses[{index}]"
        for name in each:
            if name not in _RESPONSE_FIELDS:
                raise _unknown(name, at)
        if not isinstance(each.get("response"), dict):
            raise Refused(f"Invalid value at '{at}.response' (type.googleapis.com/google.protobuf.Struct)")


def _bytes(blob: Message, types: re.Pattern[str], at: str) -> bytes:
    kind = blob.get("mimeType")
    if not isinstance(kind, str) or not types.fullmatch(kind):
        raise Refused(f"{at}: unsupported MIME type: {kind}")
    try:
        return base64.b64decode(blob.get("data", ""), validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Refused(f"Invalid value at '{at}.data' (TYPE_BYTES), Base64 decoding failed") from None


def _known(given: Any, at: str) -> None:
    if not isinstance(given, dict):
        raise Refused(f"Invalid value at '{at}'")
    for name, held in given.items():
        if name not in _FIELDS[at]:
            raise _unknown(name, at)
        if f"{at}.{name}" in _FIELDS:
            _known(held, f"{at}.{name}")


def _unknown(name: str, at: str) -> Refused:
    where = f" at '{at}'" if at else ""
    return Refused(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.')


_RULES: Mapping[str, Callable[[Message], None]] = {
    "setup": _setup,
    "clientContent": _content,
    "realtimeInput": _realtime_input,
    "toolResponse": _tool_response,
}
