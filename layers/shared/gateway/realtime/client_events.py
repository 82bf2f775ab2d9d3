"""Judges what a client asks for: the models that it names, and what would be paid for, or kept, without a price.

A refused event is answered with the wire's error event and does not reach the provider; the session goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gateway.canonical.realtime import CONVERSATION, TRANSCRIPTION, Transcriber
from gateway.errors import InvalidRequest, PermissionDenied
from gateway.realtime.events import at, members, put

# https://developers.openai.com/api/reference/realtime-client-events; the last is of the beta.
CLIENT_TYPES = (
    "session.update", "input_audio_buffer.append", "input_audio_buffer.commit", "input_audio_buffer.clear",
    "conversation.item.create", "conversation.item.retrieve", "conversation.item.truncate",
    "conversation.item.delete", "response.create", "response.cancel", "output_audio_buffer.clear",
    "transcription_session.update",
)  # fmt: skip
# Where a session names the model that transcribes; the second is the beta's place.
TRANSCRIPTIONS = (("audio", "input", "transcription"), ("input_audio_transcription",))
# What the provider knows of the account alone that all callers share.
_NOT_OFFERED = ("prompt",)
# What it would keep for that account. OpenAI's Agents SDKs ask for it in each session: `session.updated` shows that
# there is none.
_TRACING = "tracing"
_FUNCTION = "function"
# What a session of each type does.
SESSION_TYPES: Mapping[str, str] = {"realtime": CONVERSATION, TRANSCRIPTION: TRANSCRIPTION}


def known_type(name: str) -> str:
    """The event's type; raises `InvalidRequest` for one that this wire does not have."""
    if name not in CLIENT_TYPES:
        known = ", ".join(map(repr, CLIENT_TYPES))
        raise InvalidRequest(f"Invalid value: {name[:64]!r}. Supported: {known}.", param="type", code="invalid_value")
    return name


def judged_session(
    data: bytes, session: Any, own: Collection[str], upstream_model: str, transcribers: Mapping[str, Transcriber]
) -> bytes:
    """The bytes of a `session.update` with the provider's names of models; raises what is wrong with it."""
    if not isinstance(session, dict):
        raise InvalidRequest("'session' must be an object.", param="session", code="invalid_type")
    offered(session, "session")
    own_model(session, own)
    if session.get(_TRACING) is not None:
        data = put(data, ("session", _TRACING), None)
    if session.get("model") not in (None, upstream_model):
        data = put(data, ("session", "model"), upstream_model)
    for path in TRANSCRIPTIONS:
        asked = at(session, *path)
        if asked is not None:
            by = transcriber(asked, transcribers, ".".join(("session", *path, "model")))
            if members(asked)["model"] != by.upstream_model:
                data = put(data, ("session", *path, "model"), by.upstream_model)
    return data


def offered(asked: Any, where: str) -> None:
    """Raises `InvalidRequest` for a part of a session or a response that is not offered here."""
    asked = members(asked)
    for name in _NOT_OFFERED:
        if asked.get(name) is not None:
            raise InvalidRequest(
                f"'{name}' is not offered here.", param=f"{where}.{name}", code="unsupported_parameter"
            )
    tools = asked.get("tools")
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        if members(tool).get("type", _FUNCTION) != _FUNCTION:
            message = "Only tools of the type 'function' are offered in a session."
            raise InvalidRequest(message, param=f"{where}.tools[{index}].type", code="unsupported_parameter")


def own_item(item: Any, where: str) -> None:
    """Raises `InvalidRequest` for a file by its id: that would be one of the account which all callers share."""
    content = members(item).get("content")
    for index, part in enumerate(content if isinstance(content, list) else ()):
        if members(part).get("file_id") is not None:
            message = "A file is not given by its id in a session: send a picture as a data URL in 'image_url'."
            raise InvalidRequest(message, param=f"{where}.content[{index}].file_id", code="unsupported_parameter")


def own_type(session: Mapping[str, Any], does: str) -> None:
    """Raises `InvalidRequest` for an update that would make another type of a session."""
    if session.get("type") is not None and SESSION_TYPES.get(str(session["type"])) != does:
        own = next(name for name, each in SESSION_TYPES.items() if each == does)
        message = f"The session's type stays {own!r}: '?intent=transcription' opens one that only transcribes."
        raise InvalidRequest(message, param="session.type", code="invalid_value")


def transcriber(asked: Any, known: Mapping[str, Transcriber], where: str) -> Transcriber:
    """The model that a caller wants to transcribe; raises what is wrong with its name."""
    name = members(asked).get("model")
    if not isinstance(name, str):
        raise InvalidRequest("Name the model that transcribes.", param=where, code="missing_required_parameter")
    if name not in known:
        usable = ", ".join(sorted(known)) or "none"
        message = f"This session cannot transcribe with {name[:64]!r}. Models that can: {usable}."
        raise PermissionDenied(message, param=where, code="model_not_allowed")
    return known[name]


def own_model(asked: Mapping[str, Any], own: Collection[str], where: str = "session.model") -> None:
    """Raises `PermissionDenied` for a part of an event that names another model than the session's."""
    if asked.get("model") is not None and str(asked["model"]) not in own:
        message = "The model of a session cannot be changed: open another session for another model."
        raise PermissionDenied(message, param=where, code="model_not_allowed")
