"""Tests that the simulated realtime providers refuse what the real ones refuse, and nothing that was recorded."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from local.providers.gemini_live import LiveConversation
from local.providers.gemini_live_checks import INVALID, Refused
from local.providers.realtime import Conversation
from local.providers.realtime_items import BYTES_PER_MS
from tests.realtime.sessions import frames, recordings

TEXT = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
SESSION = {"type": "realtime", "output_modalities": ["text"]}
SOUND = base64.b64encode(bytes(100 * BYTES_PER_MS)).decode()
SETUP: dict[str, Any] = {"model": "models/gemini-3.1-flash-live-preview"}


def told(conversation: Conversation, kind: str, **given: Any) -> list[dict[str, Any]]:
    return conversation.received(orjson.dumps({"type": kind, "event_id": "mine", **given}).decode())


def update(**given: Any) -> tuple[str, dict[str, Any]]:
    return "session.update", {"session": {**SESSION, **given}}


def item(**given: Any) -> tuple[str, dict[str, Any]]:
    return "conversation.item.create", {"item": {**TEXT, **given}}


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        (("session.updates", {}), "invalid_value", "type"),
        (("session.update", {}), "missing_required_parameter", "session"),
        (("session.update", {"session": {"instructions": "Short."}}), "missing_required_parameter", "session.type"),
        (update(type="voice"), "invalid_value", "session.type"),
        (update(modalities=["text"]), "unknown_parameter", "session.modalities"),
        (update(output_modalities=["text", "audio"]), "invalid_value", "session.output_modalities"),
        (("input_audio_buffer.append", {}), "missing_required_parameter", "audio"),
        (("input_audio_buffer.append", {"audio": "no base64"}), "invalid_value", "audio"),
        (("input_audio_buffer.commit", {}), "input_audio_buffer_commit_empty", None),
        (("conversation.item.create", {}), "missing_required_parameter", "item"),
        (item(type="note"), "invalid_value", "item.type"),
        (item(role="tool"), "invalid_value", "item.role"),
        (item(content=None), "missing_required_parameter", "item.content"),
        (item(role="assistant"), "invalid_value", "item.content[0].type"),
        (item(id="here"), "invalid_value", "item.id"),
        (
            ("conversation.item.create", {"item": TEXT, "previous_item_id": "gone"}),
            "item_create_invalid_previous_item_id",
            "previous_item_id",
        ),
        (item(type="function_call_output", call_id="c9", output="A tree."), "invalid_tool_call_id", None),
        (("conversation.item.truncate", {"item_id": "here"}), "missing_required_parameter", "content_index"),
        (("conversation.item.delete", {"item_id": "gone"}), "item_delete_invalid_item_id", None),
        (("response.create", {"response": {"output_modalities": []}}), "invalid_value", "response.output_modalities"),
        (("response.cancel", {}), "response_cancel_not_active", None),
    ],
)
def test_openai_answers_a_wrong_event_with_an_error_and_goes_on(
    event: tuple[str, dict[str, Any]], code: str, param: str | None
) -> None:
    conversation = Conversation("gpt-realtime", 1)
    told(conversation, "conversation.item.create", item={**TEXT, "id": "here"})
    kind, given = event
    (error,) = told(conversation, kind, **given)
    assert error["type"] == "error"
    assert {name: error["error"][name] for name in ("code", "param", "event_id")} == {
        "code": code,
        "param": param,
        "event_id": "mine",
    }
    assert told(conversation, "response.create")[0]["type"] == "response.created"


def test_openai_refuses_a_second_response_beside_one_and_a_buffer_of_less_than_a_tenth_of_a_second() -> None:
    conversation = Conversation("gpt-realtime", 1)
    told(conversation, "session.update", session={**SESSION, "audio": {"input": {"turn_detection": None}}})
    told(conversation, "input_audio_buffer.append", audio=SOUND[:-40])
    (short,) = told(conversation, "input_audio_buffer.commit")
    assert short["error"]["code"] == "input_audio_buffer_commit_empty"
    told(conversation, "input_audio_buffer.append", audio=SOUND)
    assert told(conversation, "input_audio_buffer.commit")[0]["type"] == "input_audio_buffer.committed"
    told(conversation, "response.create")
    (second,) = told(conversation, "response.create")
    assert second["error"]["code"] == "conversation_already_has_active_response"


@pytest.mark.parametrize("text", ["{", "[]", "null", "3"])
def test_openai_answers_what_is_no_object_with_an_error(text: str) -> None:
    (error,) = Conversation("gpt-realtime", 1).received(text)
    assert error["error"]["code"] == "invalid_json"


def test_xai_takes_the_members_of_the_beta() -> None:
    xai = Conversation("grok-voice-latest", 1, is_xai=True)
    (updated,) = told(xai, "session.update", session={"voice": "ara", "turn_detection": {"type": "server_vad"}})
    assert updated["type"] == "session.updated"


@pytest.mark.parametrize(
    "path",
    [path for path in recordings("*") if "google" not in path.name and "voice_live" not in path.name],
    ids=lambda path: path.stem,
)
def test_nothing_that_was_sent_to_a_provider_of_openais_wire_is_refused(path: Any) -> None:
    conversation = Conversation("gpt-realtime", 1, is_xai="xai" in path.name)
    # The ids of calls are those of another session.
    errors = [
        event["error"]
        for direction, data in frames(path)
        if direction == "sent"
        for event in conversation.received(data.decode())
        if event["type"] == "error" and event["error"]["code"] not in OF_ANOTHER_SESSION
    ]
    assert errors == []


OF_ANOTHER_SESSION = ("invalid_tool_call_id", "conversation_already_has_active_response")


def live(setup: dict[str, Any], *messages: Any) -> list[dict[str, Any]]:
    """Returns what Gemini tells after the setup; raises Refused."""
    conversation = LiveConversation(1)
    conversation.received(orjson.dumps({"setup": setup}))
    return [event for message in messages for event in conversation.received(orjson.dumps(message))]


def said(*parts: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"clientContent": {"turns": [{"role": role, "parts": list(parts)}], "turnComplete": False}}


def sound(kind: str = "audio/pcm;rate=16000", data: str = "AAAA") -> dict[str, Any]:
    return {"realtimeInput": {"audio": {"mimeType": kind, "data": data}}}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"setup": SETUP}, "set up once"),
        ({}, "invalid argument"),
        ([], "invalid argument"),
        ({"hello": {}}, 'Unknown name "hello"'),
        ({"clientContent": {}, "realtimeInput": {}}, "oneof"),
        ({"clientContent": {"turn": []}}, 'Unknown name "turn"'),
        ({"realtimeInput": {"sound": {}}}, 'Unknown name "sound"'),
        (said({"text": "Hello"}, role="assistant"), "valid role"),
        (said({"text": "Hello", "inlineData": {"mimeType": "image/png", "data": ""}}), "oneof"),
        (said({}), "no data"),
        (said({"inlineData": {"mimeType": "application/pdf", "data": ""}}), "MIME type"),
        (sound("audio/mp3"), "MIME type"),
        (sound(data="no base64"), "Base64"),
        ({"realtimeInput": {"video": {"mimeType": "audio/pcm", "data": ""}}}, "MIME type"),
        ({"realtimeInput": {"activityStart": {}}}, "activity control"),
        ({"toolResponse": {"functionResponses": []}}, "must not be empty"),
        ({"toolResponse": {"functionResponses": [{"id": "c", "name": "look", "response": "A tree."}]}}, "Struct"),
        ({"toolResponse": {"functionResponses": [{"call": "c", "response": {}}]}}, 'Unknown name "call"'),
    ],
)
def test_gemini_closes_the_socket_for_a_wrong_message(message: Any, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as caught:
        live(SETUP, message)
    assert caught.value.code == INVALID


@pytest.mark.parametrize(
    ("setup", "reason"),
    [
        ({}, "model"),
        ({"model": "gemini-3.1-flash-live-preview"}, "model"),
        ({**SETUP, "voice": "Puck"}, 'Unknown name "voice"'),
        ({**SETUP, "generationConfig": {"responseModalities": ["AUDIO", "TEXT"]}}, "one response modality"),
        ({**SETUP, "generationConfig": {"temperature": 2.5}}, "temperature"),
        ({**SETUP, "generationConfig": {"maxOutputTokens": 2**31}}, "INT32"),
        ({**SETUP, "realtimeInputConfig": {"automaticActivityDetection": {"prefixPaddingMs": 1.5}}}, "INT32"),
    ],
)
def test_gemini_closes_the_socket_for_a_wrong_setup(setup: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        live(setup)


def test_gemini_wants_the_setup_first_and_hears_who_says_when_it_speaks_where_it_detects_nothing() -> None:
    with pytest.raises(Refused, match="first message"):
        LiveConversation(1).received(orjson.dumps(sound()))
    alone = {**SETUP, "realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}}}
    live(alone, {"realtimeInput": {"activityStart": {}}}, sound(), {"realtime_input": {"activity_end": {}}})


@pytest.mark.parametrize("path", recordings("*google*"), ids=lambda path: path.stem)
def test_nothing_that_was_sent_to_gemini_is_refused(path: Any) -> None:
    conversation = LiveConversation(1)
    for direction, data in frames(path):
        if direction == "sent":
            conversation.received(data)


def test_gemini_reports_a_turn_with_calls_once_at_its_end() -> None:
    tools = [{"functionDeclarations": [{"name": "get_weather", "parametersJsonSchema": {"type": "object"}}]}]
    conversation = LiveConversation(1)

    def say(**message: Any) -> list[dict[str, Any]]:
        return conversation.received(orjson.dumps(message))

    def ask() -> list[str]:
        question = [{"role": "user", "parts": [{"text": "What is the weather?"}]}]
        (*past, call) = say(clientContent={"turns": question, "turnComplete": True})
        assert list(call) == ["toolCall"]
        return [name for each in past for name in each]

    say(setup={**SETUP, "tools": tools})
    assert ask() == []
    # What is said in place of an output takes the call back, and ends the turn.
    assert ask() == ["toolCallCancellation", "serverContent", "serverContent", "usageMetadata"]
    output = {"id": "call-1-2", "name": "get_weather", "response": {"output": "fog"}}
    assert say(toolResponse={"functionResponses": [output]}) == []
    assert conversation.left is not None
    *said, end = conversation.left
    assert (["usageMetadata" in each for each in said], "usageMetadata" in end) == ([False] * len(said), True)
