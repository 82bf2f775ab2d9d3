"""Tests what session a handshake's query asks for, and what of it is refused before the upgrade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.realtime import CONVERSATION, TRANSCRIPTION
from gateway.errors import InvalidRequest, NotFound, PermissionDenied
from gateway.framing.json_values import loads
from gateway.ports.keys import KeyRecord
from gateway.sockets.asked import Asked, asked_by, asked_with
from gateway.wiring.realtime import wanted
from tests.stores.conftest import StoppedClock

CALLER = Principal("acct_one", KeyRecord("key_one", "acct_one", "name", "0000", 0))
GEMINI = "gemini-3.1-flash-live-preview"
TRANSCRIBES = {"type": "transcription", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ({"model": ["gpt-realtime"]}, Asked("gpt-realtime")),
        ({"deployment": ["gpt-realtime"], "api-version": ["2025-08-28"]}, Asked("gpt-realtime")),
        ({"intent": ["transcription"]}, Asked("", TRANSCRIPTION)),
        ({"intent": ["transcription"], "model": ["whisper-1"]}, Asked("whisper-1", TRANSCRIPTION)),
    ],
)
def test_a_query_names_a_model_or_a_transcription(query: Mapping[str, Sequence[str]], asked: Asked) -> None:
    assert asked_by(query) == asked


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ({"model": ["gpt-realtime", "gpt-realtime-mini"]}, "model", "invalid_value"),
        ({"model": ["gpt-realtime"] * 2}, "model", "invalid_value"),
        ({"model": ["gpt-realtime"], "api-version": ["a", "b"]}, "api-version", "invalid_value"),
        ({"model": ["gpt-realtime"], "deployment": ["gpt-realtime-mini"]}, "deployment", "invalid_value"),
        ({"model": ["gpt-realtime"], "intent": ["translation"]}, "intent", "invalid_value"),
        ({"call_id": ["rtc_1"]}, "call_id", "unsupported_parameter"),
        ({"model": [""]}, "model", "missing_model"),
        ({"model[]": ["gpt-realtime"]}, "model", "missing_model"),
        ({}, "model", "missing_model"),
    ],
)
def test_a_query_that_asks_for_no_one_session_is_refused(
    query: Mapping[str, Sequence[str]], param: str, code: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        asked_by(query)
    assert (refused.value.param, refused.value.code) == (param, code)


def test_a_secrets_settings_stand_above_the_query() -> None:
    settings = orjson.dumps({"model": "gpt-realtime-mini", "instructions": "Be brief."})
    assert asked_by({"model": ["gpt-realtime"]}, settings) == Asked("gpt-realtime-mini", "", settings)
    assert asked_by({}, orjson.dumps(TRANSCRIBES)).does == TRANSCRIPTION


def test_the_settings_of_a_secret_have_a_type_and_keep_their_digits() -> None:
    """OpenAI refuses an update without a type, and would go on with a session that is set to nothing."""
    asked = asked_with(loads(b'{"model":"gpt-realtime","max_output_tokens":1000000000000000000000}'))
    assert asked.settings == b'{"type":"realtime","model":"gpt-realtime","max_output_tokens":1000000000000000000000}'
    assert asked_by({}, wanted(CALLER, asked, StoppedClock()).settings).settings == asked.settings


@pytest.mark.parametrize("kind", [["realtime"], {}, None, 5, "speech"])
def test_a_type_that_no_session_has_is_refused(kind: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        asked_with({"type": kind, "model": "gpt-realtime"})
    assert refused.value.param == "session.type"


@pytest.mark.parametrize(
    ("session", "code"),
    [
        ({}, "missing_required_parameter"),
        ({"type": "realtime", "model": None}, "missing_required_parameter"),
        ({"model": ["gpt-realtime"]}, "invalid_type"),
        ({"type": "transcription", "model": 5}, "invalid_type"),
    ],
)
def test_a_secret_without_a_model_is_refused_by_what_is_wrong_with_it(session: dict[str, object], code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        asked_with(session)
    assert (refused.value.param, refused.value.code) == ("session.model", code)


@pytest.mark.parametrize(
    ("asked", "model", "settings"),
    [
        (Asked("gpt-realtime"), "gpt-realtime", None),
        (Asked("", TRANSCRIPTION), "gpt-realtime-whisper", None),
        (Asked("whisper-1"), "whisper-1", TRANSCRIBES),
        (Asked("whisper-1", TRANSCRIPTION), "whisper-1", TRANSCRIBES),
        (asked_with(TRANSCRIBES), "whisper-1", TRANSCRIBES),
        (asked_with(TRANSCRIBES | {"model": "gpt-realtime-whisper"}), "gpt-realtime-whisper", TRANSCRIBES),
    ],
)
def test_a_session_is_of_its_model_or_set_to_transcribe_with_it(asked: Asked, model: str, settings: object) -> None:
    session = wanted(CALLER, asked, StoppedClock())
    assert (session.model, session.does) == (model, CONVERSATION if model == "gpt-realtime" else TRANSCRIPTION)
    assert (orjson.loads(session.settings) if session.settings else None) == settings
    assert session.exposure_nanousd > 0


def test_a_session_without_a_model_has_the_first_that_its_key_may_use() -> None:
    key = replace(CALLER.key, allowed_models=("gpt-4o-transcribe",))
    assert wanted(replace(CALLER, key=key), Asked("", TRANSCRIPTION), StoppedClock()).model == "gpt-4o-transcribe"
    other = replace(CALLER, key=replace(key, allowed_models=("gpt-realtime",)))
    with pytest.raises(PermissionDenied):
        wanted(other, Asked("", TRANSCRIPTION), StoppedClock())


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        # They converse, and one does nothing else.
        (Asked("gpt-realtime", TRANSCRIPTION), InvalidRequest),
        (Asked(GEMINI, TRANSCRIPTION), InvalidRequest),
        (asked_with({"type": "realtime", "model": "whisper-1"}), InvalidRequest),
        # They transcribe, but in no sessions of their own.
        (Asked("grok-transcribe"), NotFound),
        (Asked("nova-3", TRANSCRIPTION), NotFound),
        (Asked("tts-1"), NotFound),
        (Asked("unknown", TRANSCRIPTION), NotFound),
    ],
)
def test_a_model_has_sessions_of_one_type_or_none(asked: Asked, refusal: type[InvalidRequest]) -> None:
    with pytest.raises(refusal) as refused:
        wanted(CALLER, asked, StoppedClock())
    assert refused.value.param == "model"
