"""Reads the session that a handshake's query, or a client secret's settings, ask for; raises what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct

from gateway.canonical.realtime import TRANSCRIPTION
from gateway.errors import InvalidRequest
from gateway.framing.json_values import loads
from gateway.realtime.client_events import SESSION_TYPES, TRANSCRIPTIONS
from gateway.realtime.events import at
from gateway.realtime.hand_over import merged

# Members of the query that OpenAI has and that are not offered here.
_NOT_OFFERED = ("call_id",)
_USUAL_TYPE = "realtime"


class Asked(Struct, frozen=True):
    """The session to be: its model, what it `does`, if either is said, and the settings that it begins with."""

    model: str = ""
    does: str = ""
    settings: bytes = b""

    @property
    def transcriber(self) -> str:
        """The model that the settings have transcribe, or nothing."""
        session = loads(self.settings) if self.settings else {}
        named = (at(session, *path, "model") for path in TRANSCRIPTIONS)
        return next((each for each in named if isinstance(each, str)), "")

    @property
    def transcription_settings(self) -> bytes:
        """The settings of a session that only transcribes, whose model is one of them; nothing where none is said."""
        if not self.settings and not self.model:
            return b""
        session = loads(self.settings) if self.settings else {}
        session = {name: value for name, value in session.items() if name != "model"} | {"type": TRANSCRIPTION}
        if self.model and not self.transcriber:
            session = merged(session, {"audio": {"input": {"transcription": {"model": self.model}}}})
        return orjson.dumps(session)


def asked_by(query: Mapping[str, Sequence[str]], settings: bytes = b"") -> Asked:
    """The session of a handshake; what its client secret has set stands above the query."""
    given = {name: _once(name, values) for name, values in query.items()}
    for name in _NOT_OFFERED:
        if name in given:
            raise InvalidRequest(f"'{name}' is not offered here.", param=name, code="unsupported_parameter")
    if given.get("intent", TRANSCRIPTION) != TRANSCRIPTION:
        message = f"Invalid value: {given['intent'][:64]!r}. 'intent' is '{TRANSCRIPTION}', or is left out."
        raise InvalidRequest(message, param="intent", code="invalid_value")
    # Azure names its models by its deployments, which have their names here.
    names = {given[name] for name in ("model", "deployment") if given.get(name)}
    if len(names) > 1:
        message = "'model' and 'deployment' name two models: give one of them."
        raise InvalidRequest(message, param="deployment", code="invalid_value")
    kept = asked_with(loads(settings)) if settings else Asked()
    does = kept.does or (TRANSCRIPTION if "intent" in given else "")
    asked = Asked(kept.model or next(iter(names), ""), does, settings)
    if not asked.model and asked.does != TRANSCRIPTION:
        raise InvalidRequest("Name a model: '?model=...'.", param="model", code="missing_model")
    return asked


def asked_with(session: Mapping[str, Any]) -> Asked:
    """The session that a client secret is to open."""
    model, kind = session.get("model"), session.get("type", "")
    if not isinstance(kind, str) or (kind != "" and kind not in SESSION_TYPES):
        message = f"'session.type' must be {' or '.join(map(repr, SESSION_TYPES))}."
        raise InvalidRequest(message, param="session.type", code="invalid_value")
    does = SESSION_TYPES.get(kind, "")
    if model is None and does != TRANSCRIPTION:
        message = "Missing required parameter: 'session.model'."
        raise InvalidRequest(message, param="session.model", code="missing_required_parameter")
    if not isinstance(model, str | None):
        message = "Invalid 'session.model': expected a string."
        raise InvalidRequest(message, param="session.model", code="invalid_type")
    # OpenAI refuses settings without a type, and its session would go on without them.
    return Asked(model or "", does, orjson.dumps({"type": _USUAL_TYPE, **session}))


def _once(name: str, values: Sequence[str]) -> str:
    if len(values) != 1:
        message = f"'{name[:64]}' stands {len(values)} times in the query: give it once."
        raise InvalidRequest(message, param=name[:64], code="invalid_value")
    return values[0]
