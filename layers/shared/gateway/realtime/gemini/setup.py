"""Writes what a client sets its session to as the `setup` that begins one of Gemini's.

What Gemini has no word for is refused with its place, or stands in `session.updated` as what holds instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.realtime import CONVERSATION
from gateway.errors import InvalidRequest
from gateway.protocols.gemini.schema import to_gemini
from gateway.providers.audio.speaker import OPENAI_VOICES
from gateway.realtime.client_events import offered, own_type
from gateway.realtime.events import Event, at, members

PCM = {"type": "audio/pcm", "rate": 24_000}
# https://ai.google.dev/gemini-api/docs/live-guide#voice-activity-detection
_SURE_THRESHOLD = 0.7
# What a number of a setup can be: https://ai.google.dev/api/generate-content#generationconfig
_COUNT_MAX = 2**31 - 1
_TEMPERATURE_MAX = 2
# Gemini hears a turn's end by its silence alone: one that ends turns by what is said is as eager as it may be there.
_SEMANTIC = "semantic_vad"
_EAGERNESS = {"low": "END_SENSITIVITY_LOW", "high": "END_SENSITIVITY_HIGH"}
# How the message begins that `setup` gives.
_SETUP = b'{"setup":'
_EFFORTS = {"none": "minimal", "minimal": "minimal", "low": "low", "medium": "medium", "high": "high", "xhigh": "high"}


def judged(session: Any) -> Event:
    """The members that a client sets, in the shape of today; raises what is wrong with them."""
    if not isinstance(session, dict):
        raise _wrong("'session' must be an object.", "", "invalid_type")
    offered(session, "session")
    own_type(session, CONVERSATION)
    set_to = _of_today(session)
    for path, (fits, expected) in _SHAPES.items():
        value = at(set_to, *path)
        if value is not None and not fits(value):
            raise _wrong(f"'session.{'.'.join(path)}' must be {expected}.", ".".join(path), "invalid_type")
    for direction in ("input", "output"):
        sound = at(set_to, "audio", direction, "format")
        if sound is not None and (members(sound).get("type"), members(sound).get("rate", 24_000)) != tuple(
            PCM.values()
        ):
            raise _wrong("The model hears and speaks 'audio/pcm' at 24000.", f"audio.{direction}.format")
    if str(set_to.get("tool_choice", "auto")) not in ("auto", "none"):
        raise _wrong("The model chooses its tools by itself: 'auto' or 'none'.", "tool_choice")
    if at(set_to, "audio", "input", "turn_detection", "create_response") is False:
        raise _wrong(
            "The model answers each turn that it detects: set 'turn_detection' to null to ask for answers yourself.",
            "audio.input.turn_detection.create_response",
        )
    if at(set_to, "audio", "output", "speed") not in (None, 1):
        raise _wrong("The model speaks at speed 1.", "audio.output.speed")
    setup(set_to, "", None)
    return set_to


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _COUNT_MAX


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_temperature(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= _TEMPERATURE_MAX


def _bounds_output(value: Any) -> bool:
    return value == "inf" or (_is_count(value) and value > 0)


def _names_modalities(value: Any) -> bool:
    return isinstance(value, list) and all(each in ("text", "audio") for each in value)


def _one_of(*names: str) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: isinstance(value, str) and value in names), " or ".join(map(repr, names))


_OBJECT = (lambda value: isinstance(value, dict), "an object")
_BOOLEAN = (lambda value: isinstance(value, bool), "a boolean")
_STRING = (lambda value: isinstance(value, str), "a string")
_LIST = (lambda value: isinstance(value, list), "a list")
_HEARD = ("audio", "input")
# Gemini closes the socket of a setup that it cannot read, and a member that is left out unsaid helps no client.
_SHAPES: Mapping[tuple[str, ...], tuple[Callable[[Any], bool], str]] = {
    ("audio",): _OBJECT,
    _HEARD: _OBJECT,
    (*_HEARD, "turn_detection"): _OBJECT,
    (*_HEARD, "turn_detection", "type"): _one_of("server_vad", _SEMANTIC),
    (*_HEARD, "turn_detection", "eagerness"): _one_of("auto", "medium", *_EAGERNESS),
    (*_HEARD, "turn_detection", "create_response"): _BOOLEAN,
    (*_HEARD, "turn_detection", "interrupt_response"): _BOOLEAN,
    (*_HEARD, "turn_detection", "prefix_padding_ms"): (_is_count, "a number of milliseconds"),
    (*_HEARD, "turn_detection", "silence_duration_ms"): (_is_count, "a number of milliseconds"),
    (*_HEARD, "turn_detection", "threshold"): (_is_number, "a number"),
    (*_HEARD, "transcription"): _OBJECT,
    ("audio", "output"): _OBJECT,
    ("audio", "output", "voice"): _STRING,
    ("instructions",): _STRING,
    ("max_output_tokens",): (_bounds_output, "a number of tokens or 'inf'"),
    ("output_modalities",): (_names_modalities, "a list of 'text' or 'audio'"),
    ("reasoning",): _OBJECT,
    ("temperature",): (_is_temperature, f"a number from 0 to {_TEMPERATURE_MAX}"),
    ("tools",): _LIST,
}


def setup(session: Event, upstream_model: str, handle: str | None) -> Event:
    """The message that begins a socket; with a `handle` it goes on with a session that Gemini knows."""
    said: Event = {
        "model": f"models/{upstream_model}",
        "generationConfig": _generation(session),
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        # Without it a session ends when its window is full: https://ai.google.dev/gemini-api/docs/live-session
        "contextWindowCompression": {"slidingWindow": {}},
        "sessionResumption": {} if handle is None else {"handle": handle},
        "realtimeInputConfig": _detection(session),
    }
    instructions, tools = session.get("instructions"), session.get("tools")
    if isinstance(instructions, str) and instructions:
        said["systemInstruction"] = {"role": "user", "parts": [{"text": instructions}]}
    if isinstance(tools, list) and tools and session.get("tool_choice") != "none":
        said["tools"] = [{"functionDeclarations": [_function(tool, place) for place, tool in enumerate(tools)]}]
    return {"setup": said}


def is_setup(frame: bytes) -> bool:
    """True for the message that begins a socket."""
    return frame.startswith(_SETUP)


def detects(session: Event) -> bool:
    """True where Gemini hears by itself when the caller has finished."""
    heard = members(at(session, "audio", "input"))
    return heard.get("turn_detection", {}) is not None


def shown(session: Event, session_id: str, model: str) -> Event:
    """The session as its client is told of it."""
    heard, spoken = members(at(session, "audio", "input")), members(at(session, "audio", "output"))
    # By these two clients know who cancels a response that its caller speaks into.
    alone = {"create_response": True, "interrupt_response": True}
    detection = {"type": "server_vad", **alone, **members(heard.get("turn_detection"))}
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "output_modalities": session.get("output_modalities") or ["audio"],
        "instructions": session.get("instructions") or "",
        "tools": session.get("tools") or [],
        "tool_choice": session.get("tool_choice") or "auto",
        "max_output_tokens": session.get("max_output_tokens") or "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "audio": {
            "input": {
                "format": PCM,
                "transcription": heard.get("transcription"),
                "noise_reduction": None,
                "turn_detection": detection if detects(session) else None,
            },
            "output": {"format": PCM, "voice": spoken.get("voice") or "default", "speed": 1.0},
        },
        "include": None,
    }


def _of_today(session: Event) -> Event:
    """The session of the beta in today's members; https://developers.openai.com/api/docs/guides/realtime-migration."""
    today = {name: value for name, value in session.items() if name not in _BETA}
    for name, path in _BETA.items():
        if name in session:
            value, place = session[name], today
            for each in path[:-1]:
                place[each] = dict(members(place.get(each)))
                place = place[each]
            place[path[-1]] = PCM if value == "pcm16" else value
    modalities = today.get("output_modalities")
    if isinstance(modalities, list) and "audio" in modalities:
        today["output_modalities"] = ["audio"]
    return today


_BETA: Mapping[str, tuple[str, ...]] = {
    "modalities": ("output_modalities",),
    "max_response_output_tokens": ("max_output_tokens",),
    "voice": ("audio", "output", "voice"),
    "input_audio_format": ("audio", "input", "format"),
    "output_audio_format": ("audio", "output", "format"),
    "input_audio_transcription": ("audio", "input", "transcription"),
    "turn_detection": ("audio", "input", "turn_detection"),
}


def _generation(session: Event) -> Event:
    # Models that speak have no other modality. A text is what they would have said, in words.
    config: Event = {"responseModalities": ["AUDIO"]}
    voice, most, effort = (
        at(session, "audio", "output", "voice"),
        session.get("max_output_tokens"),
        session.get("reasoning"),
    )
    if isinstance(voice, str) and voice.lower() not in OPENAI_VOICES and voice != "default":
        config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
    if isinstance(most, int):
        config["maxOutputTokens"] = most
    if isinstance(session.get("temperature"), int | float):
        config["temperature"] = session["temperature"]
    level = _EFFORTS.get(str(at(effort, "effort")))
    if level is not None:
        config["thinkingConfig"] = {"thinkingLevel": level.upper()}
    return config


def _detection(session: Event) -> Event:
    if not detects(session):
        return {"automaticActivityDetection": {"disabled": True}}
    asked = members(at(session, "audio", "input", "turn_detection"))
    detection: Event = {}
    for name, theirs in (("prefix_padding_ms", "prefixPaddingMs"), ("silence_duration_ms", "silenceDurationMs")):
        if isinstance(asked.get(name), int):
            detection[theirs] = asked[name]
    threshold = asked.get("threshold")
    if isinstance(threshold, int | float) and threshold >= _SURE_THRESHOLD:
        detection["startOfSpeechSensitivity"] = "START_SENSITIVITY_LOW"
    if asked.get("type") == _SEMANTIC and asked.get("eagerness") in _EAGERNESS:
        detection["endOfSpeechSensitivity"] = _EAGERNESS[asked["eagerness"]]
    config: Event = {"automaticActivityDetection": detection}
    if asked.get("interrupt_response") is False:
        config["activityHandling"] = "NO_INTERRUPTION"
    return config


def _function(tool: Any, place: int) -> Event:
    name, parameters = members(tool).get("name"), members(tool).get("parameters")
    if not isinstance(name, str) or not name:
        raise _wrong("A function needs a name.", f"tools[{place}].name", "missing_required_parameter")
    function: Event = {"name": name, "description": str(members(tool).get("description") or "")}
    if isinstance(parameters, dict) and parameters.get("properties"):
        function["parametersJsonSchema"] = {"type": "object"} | to_gemini(
            parameters, f"session.tools[{place}].parameters"
        )
    return function


def _wrong(message: str, place: str, code: str = "unsupported_parameter") -> InvalidRequest:
    return InvalidRequest(message, param=f"session.{place}".rstrip("."), code=code)
