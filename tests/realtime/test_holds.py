"""Tests that a hold covers what a session may come to before its next charge, at the rate of what it may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.realtime.sessions import frames, session
from tests.realtime.test_same_wire import SESSIONS, done, event, model_of

TEXT = event("session.updated", session={"output_modalities": ["text"]})
# Of gpt-realtime, in nano-USD a token, with 5 %: text and sound that it writes, and the tokens that are held for ahead.
TEXT_OUT, SOUND_OUT, AHEAD = 16_800, 67_200, 1024


def started(**members: Any) -> bytes:
    return event("response.created", response={"id": "resp_1", **members})


def responding(**members: Any) -> bytes:
    return event("response.create", response=members)


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_what_a_recorded_session_held_covers_each_charge(path: Path) -> None:
    talk = session(*model_of(path))
    held = max(talk.exposure_nanousd, talk.opened().ask_nanousd or 0)
    for direction, data in frames(path):
        step = talk.from_client(data) if direction == "sent" else talk.from_provider(data)
        for spent in step.spent:
            assert spent.cost_nanousd <= held
        held = talk.exposure_nanousd if step.spent else max(held, step.ask_nanousd or 0)


def test_what_is_held_grows_with_short_frames_of_sound_as_they_come() -> None:
    talk = session()
    held = first = max(talk.exposure_nanousd, talk.opened().ask_nanousd or 0)
    talk.from_client(event("session.update", session={"audio": {"input": {"turn_detection": None}}}))
    for _ in range(60 * 50):
        step = talk.from_client(event("input_audio_buffer.append", audio="A" * 1280))
        held = max(held, step.ask_nanousd or 0)
        assert talk.exposure_nanousd <= held
    # A minute of sound is 600 tokens.
    assert held > first


def test_a_session_of_texts_is_held_for_as_text_once_it_is_one() -> None:
    talk = session()
    talk.opened()
    assert AHEAD * SOUND_OUT <= talk.exposure_nanousd < 1.1 * AHEAD * SOUND_OUT
    talk.from_client(event("session.update", session={"output_modalities": ["text"]}))
    assert talk.exposure_nanousd > AHEAD * SOUND_OUT
    talk.from_provider(TEXT)
    assert talk.exposure_nanousd < AHEAD * SOUND_OUT / 3


@pytest.mark.parametrize(
    "asked",
    [
        event("session.update", session={"output_modalities": ["audio"]}),
        event("session.update", session={"modalities": ["audio", "text"]}),
        responding(output_modalities=["audio"]),
        responding(modalities=["audio", "text"]),
    ],
)
def test_a_session_of_texts_that_is_asked_to_speak_is_held_for_as_sound(asked: bytes) -> None:
    talk = session()
    talk.from_provider(TEXT)
    step = talk.from_client(asked)
    assert step.ask_nanousd is not None
    assert step.ask_nanousd > AHEAD * SOUND_OUT


def test_a_refused_update_leaves_a_session_of_texts_one() -> None:
    talk = session()
    talk.from_client(event("session.update", session={"output_modalities": ["text"]}))
    talk.from_provider(TEXT)
    asked = orjson.dumps({"type": "session.update", "event_id": "mine", "session": {"output_modalities": ["audio"]}})
    talk.from_client(asked)
    assert talk.exposure_nanousd > AHEAD * SOUND_OUT
    talk.from_provider(event("error", error={"type": "invalid_request_error", "event_id": "mine"}))
    assert talk.exposure_nanousd < AHEAD * SOUND_OUT / 3


def test_an_update_that_overtakes_another_does_not_lower_the_hold() -> None:
    talk = session()
    for modalities in (["text"], ["audio"]):
        talk.from_client(event("session.update", session={"output_modalities": modalities}))
    talk.from_provider(TEXT)
    assert talk.exposure_nanousd > AHEAD * SOUND_OUT


def test_a_response_that_speaks_is_held_for_as_sound_to_its_end() -> None:
    talk = session()
    talk.from_provider(started(output_modalities=["audio"]))
    talk.from_provider(TEXT)
    assert talk.exposure_nanousd >= AHEAD * SOUND_OUT
    talk.from_provider(done())
    assert talk.exposure_nanousd < AHEAD * SOUND_OUT


def test_a_longer_response_than_the_sessions_is_held_for_as_it_grows() -> None:
    talk = session()
    talk.from_provider(event("session.updated", session={"output_modalities": ["text"], "max_output_tokens": 50}))
    short = talk.exposure_nanousd
    assert 50 * TEXT_OUT <= short < AHEAD * TEXT_OUT
    talk.from_client(responding(max_output_tokens=4096))
    assert talk.exposure_nanousd > AHEAD * TEXT_OUT
    talk.from_provider(started(max_output_tokens=4096))
    talk.from_provider(event("response.output_text.delta", delta="A" * 6_000))
    assert talk.exposure_nanousd > 3 * AHEAD * TEXT_OUT * 0.9
    talk.from_provider(done(usage={"input_tokens": 0, "output_tokens": 0}))
    assert talk.exposure_nanousd == short


def test_sound_in_an_item_is_held_for_as_sound() -> None:
    talk = session()
    talk.from_provider(TEXT)
    before = talk.exposure_nanousd
    second = {"type": "input_audio", "audio": "A" * 64_000}
    talk.from_client(event("conversation.item.create", item={"type": "message", "role": "user", "content": [second]}))
    # Ten tokens of a second's sound, at $32 a million and 5 %.
    assert talk.exposure_nanousd >= before + 10 * 33_600


def test_gemini_speaks_in_a_session_of_texts_and_is_held_for_so() -> None:
    talk = session("gemini-3.1-flash-live-preview")
    talk.opened()
    talk.from_client(event("session.update", session={"output_modalities": ["text"]}))
    # $12 a million, and 5 %.
    assert talk.exposure_nanousd >= AHEAD * 12_600
