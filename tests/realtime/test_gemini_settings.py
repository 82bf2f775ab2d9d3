"""Tests that a session with Gemini refuses settings of the wrong shape, of which Gemini would close the socket."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.realtime.gemini.setup import judged, setup
from gateway.realtime.step import Step
from tests.realtime.sessions import sent, session


def updated(settings: dict[str, Any]) -> Step:
    """Updates a session that is set up."""
    talk = session("gemini-2.5-flash-native-audio-preview-09-2025")
    talk.opened()
    talk.from_client(b'{"type": "session.update", "session": {}}')
    talk.from_provider(b'{"setupComplete": {}}')
    update = {"type": "session.update", "event_id": "mine", "session": settings}
    return talk.from_client(orjson.dumps(update))


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"audio": "x"}, "audio"),
        ({"audio": {"input": 5}}, "audio.input"),
        ({"turn_detection": "server_vad"}, "audio.input.turn_detection"),
        ({"turn_detection": {"silence_duration_ms": -4}}, "audio.input.turn_detection.silence_duration_ms"),
        ({"turn_detection": {"threshold": "high"}}, "audio.input.turn_detection.threshold"),
        ({"turn_detection": {"type": "vad"}}, "audio.input.turn_detection.type"),
        ({"turn_detection": {"type": ["server_vad"]}}, "audio.input.turn_detection.type"),
        ({"turn_detection": {"type": "semantic_vad", "eagerness": "very"}}, "audio.input.turn_detection.eagerness"),
        ({"turn_detection": {"create_response": "no"}}, "audio.input.turn_detection.create_response"),
        ({"turn_detection": {"interrupt_response": 0}}, "audio.input.turn_detection.interrupt_response"),
        ({"input_audio_transcription": "whisper-1"}, "audio.input.transcription"),
        ({"voice": 7}, "audio.output.voice"),
        ({"instructions": 5}, "instructions"),
        ({"max_output_tokens": "lots"}, "max_output_tokens"),
        ({"max_output_tokens": -5}, "max_output_tokens"),
        ({"output_modalities": ["video"]}, "output_modalities"),
        ({"reasoning": "high"}, "reasoning"),
        ({"temperature": "hot"}, "temperature"),
        # Gemini would close the socket of a setup with these, and the session with it.
        ({"temperature": 2.5}, "temperature"),
        ({"max_output_tokens": 2**31}, "max_output_tokens"),
        ({"turn_detection": {"silence_duration_ms": 2**31}}, "audio.input.turn_detection.silence_duration_ms"),
        ({"tools": 5}, "tools"),
    ],
)
def test_a_setting_of_the_wrong_shape_is_refused_with_its_place(settings: dict[str, Any], place: str) -> None:
    step = updated(settings)
    (error,) = sent(step)
    assert step.to_provider == []
    assert (error["error"]["param"], error["error"]["event_id"]) == (f"session.{place}", "mine")
    assert error["error"]["code"] == "invalid_type"


def test_settings_of_null_and_unbounded_output_are_taken() -> None:
    settings = {"max_output_tokens": "inf", "temperature": None, "tools": None, "turn_detection": None, "voice": None}
    assert [event["type"] for event in sent(updated(settings))] == []


@pytest.mark.parametrize(
    ("detection", "sensitivity"),
    [
        ({"type": "semantic_vad", "eagerness": "low"}, "END_SENSITIVITY_LOW"),
        ({"type": "semantic_vad", "eagerness": "high"}, "END_SENSITIVITY_HIGH"),
        ({"type": "semantic_vad", "eagerness": "auto"}, None),
        ({"type": "semantic_vad"}, None),
        ({"type": "server_vad", "eagerness": "low"}, None),
    ],
)
def test_eagerness_is_how_soon_gemini_hears_the_end_of_a_turn(
    detection: dict[str, Any], sensitivity: str | None
) -> None:
    said = setup(judged({"audio": {"input": {"turn_detection": detection}}}), "gemini", None)["setup"]
    assert said["realtimeInputConfig"]["automaticActivityDetection"].get("endOfSpeechSensitivity") == sensitivity


@pytest.mark.parametrize("response", [5, [], "none", False])
def test_a_response_that_is_no_object_is_refused(response: object) -> None:
    talk = session("gemini-2.5-flash-native-audio-preview-09-2025")
    talk.opened()
    talk.from_client(b'{"type": "session.update", "session": {}}')
    talk.from_provider(b'{"setupComplete": {}}')
    step = talk.from_client(orjson.dumps({"type": "response.create", "response": response}))
    assert [(event["type"], event["error"]["param"]) for event in sent(step)] == [("error", "response")]
    assert step.to_provider == []
