"""Tests sessions that only transcribe: each transcript is a charge of its own, and none is free."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.canonical.models import Name
from gateway.canonical.money import Tier
from gateway.errors import RateLimited
from gateway.realtime.session import Session, open_session
from gateway.realtime.step import Terms
from gateway.realtime.transcribers import of_audio, transcribers
from gateway.routing.plan import Candidate
from tests.realtime.sessions import AUDIO, CATALOG, sent, session
from tests.stores.conftest import StoppedClock

TRANSCRIPT = "conversation.item.input_audio_transcription"
SECOND = "A" * 64_000
COMMIT = b'{"type":"input_audio_buffer.commit"}'


def event(name: str, **members: Any) -> bytes:
    return orjson.dumps({"type": name, "event_id": "e", **members})


def transcribing(model: str = "gpt-4o-transcribe", state: bytes | None = None) -> Session:
    """A session of a model that transcribes files too."""
    row = next(each for each in AUDIO.models() if each.id == model)
    candidate = of_audio(Candidate(Name(model, row), row, row.targets[0]))
    known = transcribers("openai", CATALOG.models(), AUDIO.models())
    talk = open_session("openai_realtime", Terms("s1", candidate, Tier.PASSTHROUGH, known), StoppedClock(), state)
    talk.opened()
    return talk


def hear(talk: Session, seconds: int = 1) -> None:
    for _ in range(seconds):
        talk.from_client(event("input_audio_buffer.append", audio=SECOND))


def completed(item_id: str, **members: Any) -> bytes:
    return event(f"{TRANSCRIPT}.completed", item_id=item_id, content_index=0, transcript="Hi", **members)


def test_each_transcript_is_a_charge_of_the_model_that_wrote_it() -> None:
    talk = transcribing()
    usage = {"type": "tokens", "input_tokens": 30, "output_tokens": 7, "input_token_details": {"audio_tokens": 30}}
    (spent,) = talk.from_provider(completed("i", usage=usage)).spent
    # $6 a million of sound and $10 of text, and 5 %.
    assert (spent.model, spent.cost_nanousd) == ("gpt-4o-transcribe", (30 * 6_000 + 7 * 10_000) * 105 // 100)
    assert (spent.beside, spent.price_version != "") == (False, True)
    assert talk.from_provider(completed("i", usage=usage)).spent == []


def test_a_transcript_in_a_conversation_is_paid_beside_it() -> None:
    talk = session()
    talk.from_provider(event("session.updated", session={"input_audio_transcription": {"model": "whisper-1"}}))
    (spent,) = talk.from_provider(completed("i", usage={"type": "duration", "seconds": 3})).spent
    assert spent.beside


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"type": "response.create"}, "type"),
        ({"type": "session.update", "session": {"type": "realtime"}}, "session.type"),
    ],
)
def test_what_would_have_a_transcription_answer_is_refused(asked: dict[str, Any], param: str) -> None:
    step = transcribing().from_client(orjson.dumps(asked))
    (error,) = sent(step)
    assert (step.to_provider, error["error"]["param"]) == ([], param)


@pytest.mark.parametrize("model", ["gpt-realtime", "gemini-3.1-flash-live-preview"])
def test_a_conversation_does_not_become_a_transcription(model: str) -> None:
    talk = session(model)
    talk.opened()
    step = talk.from_client(event("session.update", session={"type": "transcription"}))
    (error,) = sent(step)
    assert (step.to_provider, error["error"]["param"]) == ([], "session.type")


@pytest.mark.parametrize("commits", [False, True])
@pytest.mark.parametrize("model", ["gpt-realtime", "gpt-4o-transcribe"])
def test_a_transcript_that_its_client_leaves_is_paid_for_by_its_sound(model: str, commits: bool) -> None:
    talk = transcribing() if model == "gpt-4o-transcribe" else session()
    heard = {"turn_detection": None, "transcription": {"model": "whisper-1"}}
    talk.from_provider(event("session.updated", session={"audio": {"input": heard}}))
    hear(talk, 3)
    assert talk.so_far() is None
    if commits:
        talk.from_provider(event("input_audio_buffer.committed", item_id="i"))
    talk.from_provider(event(f"{TRANSCRIPT}.delta", item_id="i", content_index=0, delta="Hel"))
    so_far = talk.so_far()
    (spent,) = talk.left().spent
    # Three seconds at $0.006 a minute, and 5 %.
    assert (spent.model, spent.cost_nanousd, spent.estimated) == ("whisper-1", 315_000, True)
    assert so_far is not None
    assert so_far.cost_nanousd == 315_000
    assert talk.left().spent == []


def test_a_transcript_that_fails_costs_nothing() -> None:
    talk = transcribing()
    hear(talk)
    talk.from_provider(event("input_audio_buffer.committed", item_id="i"))
    talk.from_provider(event(f"{TRANSCRIPT}.delta", item_id="i", content_index=0, delta="Hel"))
    talk.from_provider(event(f"{TRANSCRIPT}.failed", item_id="i", content_index=0, error={}))
    assert talk.left().spent == []


def test_a_transcription_is_held_for_by_what_was_said_and_not_written_down() -> None:
    talk = transcribing()
    silence = talk.exposure_nanousd
    talk.from_provider(event("session.updated", session={"audio": {"input": {"turn_detection": None}}}))
    hear(talk, 60)
    talk.from_provider(event("input_audio_buffer.committed", item_id="i"))
    # Six hundred tokens of a minute's sound, and not more of a transcript.
    assert talk.exposure_nanousd == silence + 600 * (6_000 + 10_000) * 105 // 100
    talk.from_provider(completed("i", usage={"type": "tokens", "input_tokens": 600, "output_tokens": 100}))
    assert talk.exposure_nanousd == silence


def test_silence_is_not_held_for_where_the_provider_detects_speech() -> None:
    talk = transcribing()
    first = talk.exposure_nanousd
    hear(talk, 60)
    assert talk.exposure_nanousd < first * 1.1
    talk.from_provider(event("input_audio_buffer.speech_started", item_id="i", audio_start_ms=0))
    hear(talk, 60)
    assert talk.exposure_nanousd > first * 1.9


def test_a_transcript_counts_in_the_limits_as_a_response_does() -> None:
    talk = transcribing()
    hear(talk)
    assert talk.from_client(COMMIT).responses == 1
    told = talk.refused(RateLimited("Limit reached."))
    assert (told.close, [each["type"] for each in sent(told)]) == (None, ["error"])
    assert talk.from_provider(event("input_audio_buffer.committed", item_id="i")).responses == 1
    assert session().from_client(COMMIT).responses == 0


def test_a_further_socket_is_set_as_the_last_one_and_told_of_nothing() -> None:
    talk = transcribing()
    update = event("session.update", session={"type": "transcription", "audio": {"input": {"turn_detection": None}}})
    talk.from_client(update)
    talk.from_provider(event("session.updated", session={"id": "s", "audio": {"input": {"turn_detection": None}}}))
    talk.from_provider(event("conversation.item.added", item={"id": "i", "type": "message", "role": "user"}))
    assert not talk.provider_gone(1006).spent
    (frame,) = map(orjson.loads, talk.opened().to_provider)
    assert (frame["type"], frame["session"]) == ("session.update", orjson.loads(update)["session"])
    (again,) = map(orjson.loads, transcribing(state=talk.state()).opened().to_provider)
    assert again["session"]["type"] == "transcription"
