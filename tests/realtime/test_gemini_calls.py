"""Tests that a turn with calls is paid once, as it is reported at its end, however it goes on between."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.realtime.session import Session
from gateway.realtime.step import Step
from tests.realtime.sessions import sent, session
from tests.realtime.test_gemini import GEMINI, USAGE, answered, asked, content, messages, said, talking, types, words

TURN_ENDS: dict[str, Any] = {"serverContent": {"turnComplete": True}, "usageMetadata": USAGE}
INTERRUPTS = {"serverContent": {"interrupted": True}}
FOG = {"functionResponse": {"name": "look", "response": {"output": "fog"}}}
TAKES_BACK = {"toolCallCancellation": {"ids": ["call_1"]}}


def called(*call_ids: str, talk: Session | None = None) -> Session:
    """A session whose turn has called functions."""
    talk = talk or talking()
    asked(talk, "response.create")
    calls = [{"id": call_id, "name": "look", "args": {}} for call_id in call_ids or ("call_1",)]
    answered(talk, {"toolCall": {"functionCalls": calls}})
    return talk


def output(talk: Session, call_id: str = "call_1") -> Step:
    return asked(
        talk, "conversation.item.create", item={"type": "function_call_output", "call_id": call_id, "output": "fog"}
    )


def kinds(step: Step) -> list[str]:
    return [next(iter(message)) for message in messages(step)]


def paid(*steps: Step) -> list[bool]:
    """The charges of steps: true for one that is an estimate."""
    return [spent.estimated for step in steps for spent in step.spent]


def test_a_turn_of_several_calls_is_paid_once() -> None:
    talk = called()
    steps = [output(talk), asked(talk, "response.create")]
    steps.append(answered(talk, {"toolCall": {"functionCalls": [{"id": "call_2", "name": "look", "args": {}}]}}))
    steps += [output(talk, "call_2"), asked(talk, "response.create"), *said(talk)]
    assert paid(*steps, talk.left()) == [False]


def test_speech_in_place_of_an_output_ends_the_turn_and_pays_it() -> None:
    talk = called()
    steps = [answered(talk, each) for each in (TAKES_BACK, INTERRUPTS, TURN_ENDS)]
    assert paid(*steps) == [False]
    following = [content(talk, inputTranscription={"text": "Stop"}), *said(talk)]
    assert (types(following[-1])[-1], paid(*following, talk.left())) == ("response.done", [False])


def test_speech_behind_an_output_ends_the_turn_and_pays_it() -> None:
    talk = called()
    output(talk)
    asked(talk, "response.create")
    cancelled = answered(talk, INTERRUPTS)
    assert sent(cancelled)[-1]["response"]["status"] == "cancelled"
    assert paid(cancelled, answered(talk, TURN_ENDS), talk.left()) == [False]


@pytest.mark.parametrize("tells", [(TAKES_BACK, INTERRUPTS, TURN_ENDS), (INTERRUPTS, TURN_ENDS)])
def test_a_message_in_place_of_an_output_is_answered_by_the_response_that_was_asked_for(
    tells: tuple[dict[str, Any], ...],
) -> None:
    talk = called()
    asked(talk, "conversation.item.create", item=words("Never mind. Hello!"))
    created = sent(asked(talk, "response.create"))[-1]["response"]
    past = [answered(talk, each) for each in tells]
    assert ([types(step) for step in past], paid(*past)) == ([[]] * len(tells), [False])
    *_, end = said(talk)
    done = sent(end)[-1]["response"]
    assert (done["id"], done["status"], paid(end)) == (created["id"], "completed", [False])


def test_an_output_that_comes_beside_a_waiting_response_is_sent_at_once() -> None:
    talk = called("call_1", "call_2")
    output(talk)
    assert kinds(asked(talk, "response.create")) == ["toolResponse"]
    (second,) = messages(output(talk, "call_2"))
    assert [each["id"] for each in second["toolResponse"]["functionResponses"]] == ["call_2"]
    assert paid(*said(talk), talk.left()) == [False]


def test_an_output_that_was_there_when_its_call_was_taken_back_goes_as_a_turn() -> None:
    talk = called()
    output(talk)
    answered(talk, TAKES_BACK)
    (message,) = messages(asked(talk, "response.create"))
    assert message["clientContent"]["turns"][0]["parts"][0]["functionResponse"]["name"] == "look"


def test_a_call_of_a_cancelled_turn_leaves_the_next_response_to_be_heard() -> None:
    talk = talking()
    asked(talk, "response.create")
    content(talk, outputTranscription={"text": "I will look"})
    asked(talk, "response.cancel")
    call = answered(talk, {"toolCall": {"functionCalls": [{"id": "call_1", "name": "look", "args": {}}]}})
    assert types(call) == []
    asked(talk, "response.create")
    past = [answered(talk, each) for each in (TAKES_BACK, INTERRUPTS, TURN_ENDS)]
    following = said(talk)
    assert "response.output_audio_transcript.delta" in types(following[0])
    assert paid(*past, *following) == [False, False]


def test_a_response_behind_the_end_of_an_interrupted_turn_is_interrupted_by_the_next() -> None:
    talk = called()
    answered(talk, INTERRUPTS)
    asked(talk, "response.create")
    assert types(answered(talk, TURN_ENDS)) == []
    assert types(answered(talk, INTERRUPTS))[-1] == "response.done"


def test_a_response_behind_a_cancelled_one_is_heard_though_the_end_of_that_was_not_told() -> None:
    talk = talking()
    asked(talk, "response.create")
    content(talk, outputTranscription={"text": "A story"})
    asked(talk, "response.cancel")
    asked(talk, "response.create")
    answered(talk, INTERRUPTS)
    assert "response.output_audio_transcript.delta" in types(said(talk)[0])


def test_a_further_socket_is_told_of_calls_and_of_their_outputs_as_turns() -> None:
    talk = called("call_1", "call_2")
    answered(talk, {"sessionResumptionUpdate": {"newHandle": "handle", "resumable": True}})
    output(talk)
    assert paid(talk.provider_gone(1006)) == [True]
    (setup,) = messages(talk.opened())
    assert setup["setup"]["sessionResumption"] == {}
    # The conversation so far, with the output that Gemini has not been told.
    (seeds,) = messages(answered(talk, {"setupComplete": {}}))
    assert [list(turn["parts"][0]) for turn in seeds["clientContent"]["turns"]] == [["functionCall"]] * 2
    output(talk, "call_2")
    (message,) = messages(asked(talk, "response.create"))
    assert [turn["parts"] for turn in message["clientContent"]["turns"]] == [[FOG]] * 2
    assert session(GEMINI, state=talk.state()).quiet is False


def test_an_output_that_a_broken_socket_has_not_taken_is_told_as_a_turn() -> None:
    talk = called()
    answered(talk, {"sessionResumptionUpdate": {"newHandle": "handle", "resumable": True}})
    output(talk)
    unsent = asked(talk, "response.create").to_provider
    assert types(talk.provider_gone(1006))[-1] == "response.done"
    (setup,) = messages(talk.opened(unsent))
    assert setup["setup"]["sessionResumption"] == {}
    told = messages(answered(talk, {"setupComplete": {}}))
    turns = [turn for message in told for turn in message["clientContent"]["turns"]]
    assert [turn["parts"] for turn in turns][-1] == [FOG]
    assert ([turn["role"] for turn in turns], told[-1]["clientContent"]["turnComplete"]) == (["model", "user"], False)


def test_a_session_is_quiet_once_its_turn_is_reported() -> None:
    talk = called()
    assert not talk.quiet
    output(talk)
    asked(talk, "response.create")
    said(talk)
    assert talk.quiet


def test_an_update_is_confirmed_while_a_call_waits_and_a_going_socket_is_kept_for_its_turn() -> None:
    talk = called()
    assert not answered(talk, {"goAway": {"timeLeft": "60s"}}).reconnect
    assert asked(talk, "session.update", session={"instructions": "Be brief."}).reconnect


@pytest.mark.parametrize("code", [1008, 1011])
def test_a_response_that_waits_for_a_setup_is_asked_of_another_socket_and_costs_nothing_here(code: int) -> None:
    talk = session(GEMINI)
    talk.opened()
    asked(talk, "session.update", session={})
    asked(talk, "conversation.item.create", item=words("Hello"))
    created = sent(asked(talk, "response.create"))[-1]["response"]
    assert talk.so_far() is None
    gone = talk.provider_gone(code)
    assert (gone.reconnect, sent(gone), paid(gone)) == (True, [], [])
    talk.opened()
    assert kinds(answered(talk, {"setupComplete": {}}))[-1] == "clientContent"
    *_, end = said(talk)
    assert sent(end)[-1]["response"]["id"] == created["id"]
