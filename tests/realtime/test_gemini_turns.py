"""Tests that each response with Gemini ends with its own turn, and what clients rely on beside it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import RateLimited
from tests.realtime.sessions import sent, session
from tests.realtime.test_gemini import (
    GEMINI,
    SECOND,
    USAGE,
    answered,
    asked,
    content,
    messages,
    said,
    talking,
    types,
    words,
)


def test_a_response_that_is_asked_for_after_a_cancelled_one_is_not_ended_with_that() -> None:
    talk = talking()
    asked(talk, "response.create")
    content(talk, outputTranscription={"text": "A long story"})
    (cancelled,) = [event for event in sent(asked(talk, "response.cancel")) if event["type"] == "response.done"]
    asked(talk, "conversation.item.create", item=words("Something else"))
    (created,) = sent(asked(talk, "response.create"))
    # Gemini goes on until it has read the new turn, and ends the old one then.
    assert types(content(talk, outputTranscription={"text": "that goes on"})) == []
    assert types(content(talk, interrupted=True)) == []
    past = answered(talk, {"serverContent": {"turnComplete": True}, "usageMetadata": USAGE})
    assert (types(past), [spent.id for spent in past.spent]) == ([], [cancelled["response"]["id"]])
    *_, end = said(talk)
    (done,) = [event for event in sent(end) if event["type"] == "response.done"]
    assert done["response"]["id"] == created["response"]["id"]
    assert (done["response"]["status"], done["response"]["output"][0]["content"][0]["transcript"]) == (
        "completed",
        "Hi",
    )
    assert [spent.id for spent in end.spent] == [created["response"]["id"]]


def test_an_output_and_a_message_are_answered_by_one_response() -> None:
    talk = talking()
    asked(talk, "response.create")
    call = {"id": "call_1", "name": "look", "args": {}}
    first = sent(answered(talk, {"toolCall": {"functionCalls": [call]}}))[-1]["response"]["id"]
    output = {"type": "function_call_output", "call_id": "call_1", "output": "fog"}
    asked(talk, "conversation.item.create", item=output)
    asked(talk, "conversation.item.create", item=words("And tomorrow?"))
    step = asked(talk, "response.create")
    assert [next(iter(message)) for message in messages(step)] == ["toolResponse", "clientContent"]
    # Gemini may begin to answer the output alone, and interrupt that for the message.
    past = [content(talk, interrupted=True), answered(talk, {"serverContent": {"turnComplete": True}})]
    assert [types(each) for each in past] == [[], []]
    *_, end = said(talk)
    done = sent(end)[-1]["response"]
    assert (done["status"], done["id"]) == ("completed", sent(step)[-1]["response"]["id"])
    assert first != done["id"]


def test_a_cancelled_turn_that_ends_by_itself_does_not_end_the_next_response() -> None:
    talk = talking()
    asked(talk, "response.create")
    content(talk, outputTranscription={"text": "A story"})
    asked(talk, "response.cancel")
    asked(talk, "response.create")
    assert types(content(talk, turnComplete=True)) == []
    *_, end = said(talk)
    assert types(end)[-1] == "response.done"


def test_a_response_that_a_limit_has_stopped_leaves_the_next_one_to_be_heard() -> None:
    talk = talking()
    asked(talk, "response.create")
    assert types(talk.refused(RateLimited("Too many."))) == ["error", "response.done"]
    asked(talk, "response.create")
    assert "response.output_audio_transcript.delta" in types(said(talk)[0])


def test_another_model_is_another_session() -> None:
    talk = talking()
    (error,) = sent(asked(talk, "session.update", session={"model": "gpt-4o"}, event_id="mine"))
    assert (error["error"]["code"], error["error"]["event_id"]) == ("model_not_allowed", "mine")
    assert types(asked(talk, "session.update", session={"model": GEMINI})) == ["session.updated"]


@pytest.mark.parametrize("verb", ["retrieve", "truncate"])
def test_an_item_that_is_not_there_has_the_code_that_clients_wait_for(verb: str) -> None:
    (error,) = sent(asked(talking(), f"conversation.item.{verb}", item_id="gone"))
    assert error["error"]["code"] == f"item_{verb}_invalid_item_id"


def test_a_transcript_is_whole_before_the_response_is_done() -> None:
    talk = talking({"audio": {"input": {"turn_detection": None, "transcription": {"model": "gpt-4o-transcribe"}}}})
    asked(talk, "input_audio_buffer.append", audio=SECOND)
    asked(talk, "input_audio_buffer.commit")
    asked(talk, "response.create")
    content(talk, inputTranscription={"text": "Hello"})
    *_, end = said(talk)
    ends = [kind for kind in types(end) if kind.endswith(("completed", "response.done"))]
    assert ends == ["conversation.item.input_audio_transcription.completed", "response.done"]


def test_a_session_shows_that_speech_interrupts_so_that_its_client_need_not_cancel() -> None:
    talk = session(GEMINI)
    (created,) = sent(talk.opened())
    detection = created["session"]["audio"]["input"]["turn_detection"]
    assert (detection["create_response"], detection["interrupt_response"]) == (True, True)


def test_a_turn_behind_an_interruption_ends_though_the_end_of_the_last_one_was_not_told() -> None:
    talk = talking()
    asked(talk, "response.create")
    content(talk, outputTranscription={"text": "A story"})
    assert types(content(talk, interrupted=True))[-1] == "response.done"
    *_, end = said(talk)
    assert sent(end)[-1]["response"]["status"] == "completed"


def test_a_response_to_an_output_and_a_message_is_interrupted_once_it_speaks() -> None:
    talk = talking()
    asked(talk, "response.create")
    answered(talk, {"toolCall": {"functionCalls": [{"id": "call_1", "name": "look", "args": {}}]}})
    output = {"type": "function_call_output", "call_id": "call_1", "output": "fog"}
    asked(talk, "conversation.item.create", item=output)
    asked(talk, "conversation.item.create", item=words("And tomorrow?"))
    asked(talk, "response.create")
    content(talk, outputTranscription={"text": "It will"})
    done = sent(content(talk, interrupted=True))[-1]["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "turn_detected")


def test_a_further_socket_knows_nothing_of_a_turn_that_was_left_out() -> None:
    talk = talking()
    asked(talk, "response.create")
    content(talk, outputTranscription={"text": "A story"})
    asked(talk, "response.cancel")
    assert talk.provider_gone(1006).reconnect
    talk.opened()
    answered(talk, {"setupComplete": {}})
    assert types(said(talk)[0])[0] == "response.created"


def test_an_item_of_the_model_is_retrieved_as_the_client_was_told_of_it() -> None:
    talk = talking()
    asked(talk, "response.create")
    *_, end = said(talk)
    (told,) = [event["item"] for event in sent(end) if event["type"] == "conversation.item.done"]
    (retrieved,) = sent(asked(talk, "conversation.item.retrieve", item_id=told["id"]))
    assert {name: retrieved["item"][name] for name in ("object", "status", "id", "role")} == {
        name: told[name] for name in ("object", "status", "id", "role")
    }


@pytest.mark.parametrize(
    ("kind", "given", "param"),
    [
        ("input_audio_buffer.append", {"audio": "AA\nAA"}, "audio"),
        ("conversation.item.create", {"type": "input_audio", "audio": "!"}, "item.content[0].audio"),
        (
            "conversation.item.create",
            {"type": "input_image", "image_url": "data:image/png;base64,!"},
            "item.content[0].image_url",
        ),
    ],
)
def test_what_is_no_base64_is_refused_and_not_sent_to_gemini(kind: str, given: dict[str, Any], param: str) -> None:
    item = {"item": {"type": "message", "role": "user", "content": [given]}}
    step = asked(talking(), kind, **(given if kind.startswith("input") else item))
    (error,) = sent(step)
    assert (error["error"]["code"], error["error"]["param"], step.to_provider) == ("invalid_value", param, [])


@pytest.mark.parametrize(
    ("kind", "members", "code"),
    [
        # As OpenAI refuses them.
        ("response.cancel", {"response_id": "resp_other"}, "response_cancel_not_active"),
        ("conversation.item.create", {"item": words("Again") | {"id": "mine"}}, "invalid_value"),
        ("input_audio_buffer.commit", {}, "input_audio_buffer_commit_empty"),
    ],
)
@pytest.mark.parametrize("detection", [None, {"type": "server_vad"}])
def test_what_would_change_nothing_is_refused(
    kind: str, members: dict[str, Any], code: str, detection: dict[str, Any] | None
) -> None:
    talk = talking({"audio": {"input": {"turn_detection": detection}}})
    asked(talk, "conversation.item.create", item=words("Hello") | {"id": "mine"})
    asked(talk, "response.create")
    asked(talk, "input_audio_buffer.append", audio="")
    step = asked(talk, kind, **members)
    (error,) = sent(step)
    assert (error["error"]["code"], step.to_provider) == (code, [])
    assert types(said(talk)[-1])[-1] == "response.done"
