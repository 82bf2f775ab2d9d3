"""Tests that a session with Gemini is, for its client, one of OpenAI's with all events of its life."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import orjson
import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from gateway.errors import InsufficientBalance, RateLimited
from gateway.realtime.session import Session
from gateway.realtime.step import Step
from tests.realtime.sessions import MODELS, frames, recordings, sent, session

GEMINI = "gemini-2.5-flash-native-audio-preview-09-2025"
SECOND = b64encode(bytes(48_000)).decode()
USAGE = {
    "promptTokenCount": 100,
    "responseTokenCount": 50,
    "totalTokenCount": 150,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 60}, {"modality": "AUDIO", "tokenCount": 40}],
    "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 45}],
    "thoughtsTokenCount": 7,
}
# 60 text at $0.50 a million, 40 audio at $3, 5 text and 7 thoughts at $2, 45 audio at $12, and 5 %.
COST = (60 * 500 + 40 * 3_000 + 12 * 2_000 + 45 * 12_000) * 105 // 100
SPOKEN = [
    "response.created", "response.output_item.added", "conversation.item.added", "response.content_part.added",
    "response.output_audio_transcript.delta", "response.output_audio.delta", "response.output_audio.done",
    "response.output_audio_transcript.done", "response.content_part.done", "conversation.item.done",
    "response.output_item.done", "response.done",
]  # fmt: skip
CALLED = [
    "response.output_item.added", "conversation.item.added", "response.function_call_arguments.delta",
    "response.function_call_arguments.done", "conversation.item.done", "response.output_item.done", "response.done",
]  # fmt: skip
SDK: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


def asked(talk: Session, name: str, **members: Any) -> Step:
    return talk.from_client(orjson.dumps({"type": name, **members}))


def answered(talk: Session, message: dict[str, Any]) -> Step:
    return talk.from_provider(orjson.dumps(message))


def content(talk: Session, **members: Any) -> Step:
    return answered(talk, {"serverContent": members})


def types(step: Step) -> list[str]:
    return [event["type"] for event in sent(step)]


def messages(step: Step) -> list[dict[str, Any]]:
    return [orjson.loads(data) for data in step.to_provider]


def talking(session_set: dict[str, Any] | None = None, model: str = GEMINI) -> Session:
    """A session that is set up."""
    talk = session(model)
    assert types(talk.opened()) == ["session.created"]
    asked(talk, "session.update", session=session_set or {})
    assert types(answered(talk, {"setupComplete": {}})) == ["session.updated"]
    return talk


def words(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def said(talk: Session, *, used: dict[str, Any] | None = USAGE) -> list[Step]:
    """A short turn of the model."""
    sound = {"parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": SECOND[:400]}}]}
    end = {"serverContent": {"turnComplete": True}} | ({} if used is None else {"usageMetadata": used})
    return [content(talk, outputTranscription={"text": "Hi"}), content(talk, modelTurn=sound), answered(talk, end)]


def test_a_setup_says_what_the_client_sets() -> None:
    talk = session(GEMINI)
    talk.opened()
    function = {
        "type": "function",
        "name": "look",
        "description": "Looks.",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    }
    step = asked(
        talk,
        "session.update",
        session={
            "type": "realtime",
            "instructions": "Be short.",
            "tools": [function],
            "max_output_tokens": 300,
            "audio": {
                "output": {"voice": "Puck"},
                "input": {
                    "turn_detection": {"type": "server_vad", "silence_duration_ms": 400, "interrupt_response": False}
                },
            },
        },
    )
    assert types(step) == []
    (message,) = messages(step)
    assert message["setup"] == {
        "model": f"models/{GEMINI}",
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "maxOutputTokens": 300,
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}}},
        },
        "systemInstruction": {"role": "user", "parts": [{"text": "Be short."}]},
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "look",
                        "description": "Looks.",
                        "parametersJsonSchema": {"type": "object", "properties": {"at": {"type": "string"}}},
                    }
                ]
            }
        ],
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "contextWindowCompression": {"slidingWindow": {}},
        "sessionResumption": {},
        "realtimeInputConfig": {
            "automaticActivityDetection": {"silenceDurationMs": 400},
            "activityHandling": "NO_INTERRUPTION",
        },
    }
    (updated,) = sent(answered(talk, {"setupComplete": {}}))
    assert updated["session"]["audio"]["output"]["voice"] == "Puck"
    assert updated["session"]["model"] == GEMINI


@pytest.mark.parametrize(
    ("asked_for", "param"),
    [
        ({"audio": {"input": {"format": {"type": "audio/pcmu"}}}}, "session.audio.input.format"),
        ({"output_audio_format": "g711_ulaw"}, "session.audio.output.format"),
        ({"tool_choice": "required"}, "session.tool_choice"),
        (
            {"turn_detection": {"type": "server_vad", "create_response": False}},
            "session.audio.input.turn_detection.create_response",
        ),
        ({"audio": {"output": {"speed": 1.5}}}, "session.audio.output.speed"),
        ({"tools": [{"type": "function"}]}, "session.tools[0].name"),
        ({"tools": [{"type": "mcp"}]}, "session.tools[0].type"),
        ([], "session"),
    ],
)  # fmt: skip
def test_what_gemini_cannot_be_set_to_is_refused_with_its_place(asked_for: Any, param: str) -> None:
    talk = session(GEMINI)
    talk.opened()
    (told,) = sent(asked(talk, "session.update", event_id="mine", session=asked_for))
    assert (told["type"], told["error"]["param"], told["error"]["event_id"]) == ("error", param, "mine")


@pytest.mark.parametrize("asked_for", [{"max_output_tokens": 5}, {"input": [{}]}, {"conversation": "none"}])
def test_a_response_cannot_be_set_otherwise_than_its_session(asked_for: dict[str, Any]) -> None:
    step = asked(talking(), "response.create", response=asked_for)
    (told,) = sent(step)
    assert (told["error"]["param"], step.to_provider) == (f"response.{next(iter(asked_for))}", [])


def test_a_responses_metadata_comes_back() -> None:
    step = asked(talking(), "response.create", response={"metadata": {"turn": "7"}, "max_output_tokens": "inf"})
    assert sent(step)[0]["response"]["metadata"] == {"turn": "7"}


def test_a_text_is_answered_in_sound_and_words_with_all_events_of_a_response() -> None:
    talk = talking()
    step = asked(talk, "conversation.item.create", item=words("Hello"))
    assert types(step) == ["conversation.item.added", "conversation.item.done"]
    assert step.to_provider == []
    step = asked(talk, "response.create")
    turns = [{"role": "user", "parts": [{"text": "Hello"}]}]
    assert messages(step) == [{"clientContent": {"turns": turns, "turnComplete": True}}]
    steps = [step, *said(talk)]
    assert [name for each in steps for name in types(each)] == SPOKEN
    done = sent(steps[-1])[-1]["response"]
    assert done["status"] == "completed"
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "Hi"}]
    assert done["usage"] == {
        "total_tokens": 157,
        "input_tokens": 100,
        "output_tokens": 57,
        "input_token_details": {
            "text_tokens": 60, "audio_tokens": 40, "image_tokens": 0, "cached_tokens": 0,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": 12, "audio_tokens": 45},
    }  # fmt: skip
    (spent,) = steps[-1].spent
    assert (spent.id, spent.cost_nanousd, spent.estimated) == (done["id"], COST, False)


def test_a_client_that_wants_text_gets_the_words_of_the_sound_alone() -> None:
    talk = talking({"output_modalities": ["text"]})
    asked(talk, "response.create")
    events = [event for step in said(talk) for event in sent(step)]
    assert [event["type"] for event in events if "audio" in event["type"]] == []
    assert [event["delta"] for event in events if event["type"] == "response.output_text.delta"] == ["Hi"]
    assert events[-1]["response"]["output"][0]["content"] == [{"type": "output_text", "text": "Hi"}]


def test_a_call_of_a_function_is_answered_and_both_responses_are_paid_for_at_the_end() -> None:
    talk = talking()
    asked(talk, "response.create")
    call = {"id": "fc_1", "name": "look", "args": {"at": "it"}}
    step = answered(talk, {"toolCall": {"functionCalls": [call]}})
    assert types(step) == CALLED
    assert step.spent == []
    item = sent(step)[-1]["response"]["output"][0]
    assert (item["call_id"], item["name"], item["arguments"]) == ("fc_1", "look", '{"at":"it"}')
    output = {"type": "function_call_output", "call_id": "fc_1", "output": "A tree."}
    assert asked(talk, "conversation.item.create", item=output).to_provider == []
    answer = {"id": "fc_1", "name": "look", "response": {"output": "A tree."}}
    step = asked(talk, "response.create")
    assert messages(step) == [{"toolResponse": {"functionResponses": [answer]}}]
    (spent,) = said(talk)[-1].spent
    assert (spent.cost_nanousd, spent.estimated) == (COST, False)
    assert talk.left().spent == []


def test_a_refused_call_is_not_sent_to_gemini() -> None:
    talk = talking()
    call = {"type": "function_call", "name": "weather", "arguments": "{}"}
    (told,) = sent(asked(talk, "conversation.item.create", item=call))
    assert told["error"]["param"] == "item.call_id"
    assert messages(asked(talk, "response.create")) == [{"clientContent": {"turns": [], "turnComplete": True}}]


def test_the_last_report_of_a_turn_is_what_is_paid() -> None:
    talk = talking()
    asked(talk, "response.create")
    answered(talk, {"usageMetadata": {"promptTokenCount": 90, "totalTokenCount": 90}})
    (spent,) = said(talk)[-1].spent
    assert spent.cost_nanousd == COST


def test_a_call_that_the_client_never_answers_is_paid_for_when_it_leaves() -> None:
    talk = talking()
    asked(talk, "response.create")
    answered(talk, {"toolCall": {"functionCalls": [{"id": "a", "name": "look", "args": {}}]}})
    (spent,) = talk.left().spent
    assert spent.estimated


def test_speech_is_detected_transcribed_and_interrupts() -> None:
    talk = talking({"audio": {"input": {"transcription": {"model": "whisper-1"}}}})
    step = asked(talk, "input_audio_buffer.append", audio=SECOND)
    assert messages(step) == [{"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=24000", "data": SECOND}}}]
    started, delta = sent(content(talk, inputTranscription={"text": "Hey"}))
    assert (started["type"], delta["delta"]) == ("input_audio_buffer.speech_started", "Hey")
    step = content(talk, outputTranscription={"text": "Yes"})
    assert types(step)[:5] == [
        "input_audio_buffer.speech_stopped", "input_audio_buffer.committed", "conversation.item.added",
        "conversation.item.done", "response.created",
    ]  # fmt: skip
    assert step.responses == 1
    asked(talk, "input_audio_buffer.append", audio=SECOND)
    completed, again, *_, ended = sent(content(talk, interrupted=True))
    assert (completed["transcript"], completed["item_id"]) == ("Hey", started["item_id"])
    # By this a client stops what it plays.
    assert (again["type"], again["item_id"] != started["item_id"]) == ("input_audio_buffer.speech_started", True)
    done = ended["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "turn_detected")
    step = answered(talk, {"serverContent": {"turnComplete": True}, "usageMetadata": USAGE})
    assert ([each.id for each in step.spent], sent(step)) == ([done["id"]], [])


def test_sound_waits_for_its_commit_where_turns_are_not_detected() -> None:
    talk = talking({"turn_detection": None})
    assert asked(talk, "input_audio_buffer.append", audio=SECOND).to_provider == []
    assert types(asked(talk, "input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    (told,) = sent(asked(talk, "input_audio_buffer.commit"))
    assert told["error"]["code"] == "input_audio_buffer_commit_empty"
    asked(talk, "input_audio_buffer.append", audio=SECOND)
    step = asked(talk, "input_audio_buffer.commit")
    assert [next(iter(each["realtimeInput"])) for each in messages(step)] == ["activityStart", "audio"]
    assert messages(asked(talk, "response.create")) == [{"realtimeInput": {"activityEnd": {}}}]


def test_a_cancelled_response_is_heard_no_more_and_paid_for() -> None:
    talk = talking()
    asked(talk, "response.create")
    content(talk, outputTranscription={"text": "Well"})
    done = sent(asked(talk, "response.cancel"))[-1]["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "client_cancelled")
    steps = said(talk)
    assert [types(step) for step in steps] == [[], [], []]
    # The next turn, which begins by itself, is heard.
    assert types(said(talk)[0])[0] == "response.created"
    assert [each.id for each in steps[-1].spent] == [done["id"]]


def test_an_ended_connection_goes_on_by_its_handle_after_the_response() -> None:
    talk = talking({"instructions": "Be short."})
    answered(talk, {"sessionResumptionUpdate": {"newHandle": "h1", "resumable": True}})
    asked(talk, "response.create")
    assert not answered(talk, {"goAway": {"timeLeft": "50s"}}).reconnect
    assert said(talk)[-1].reconnect
    asked(talk, "conversation.item.create", item=words("And now?"))
    step = talk.opened()
    (message,) = messages(step)
    assert message["setup"]["sessionResumption"] == {"handle": "h1"}
    assert message["setup"]["systemInstruction"]["parts"] == [{"text": "Be short."}]
    assert asked(talk, "response.create").to_provider == []
    step = answered(talk, {"setupComplete": {}})
    assert [next(iter(each)) for each in messages(step)] == ["clientContent"]
    assert types(step) == []


def test_what_a_broken_socket_has_not_taken_waits_for_the_setup_of_the_next_one() -> None:
    talk = talking()
    unsent = asked(talk, "input_audio_buffer.append", audio=SECOND).to_provider
    assert talk.provider_gone(1006).reconnect
    setup = talk.opened(unsent).to_provider
    assert [next(iter(orjson.loads(each))) for each in setup] == ["setup"]
    # Likewise in another process, to which a setup is left that no socket has taken.
    further = session(GEMINI, state=talk.state())
    assert further.opened(setup).to_provider == setup
    assert answered(further, {"setupComplete": {}}).to_provider == unsent


def test_another_process_goes_on_with_the_conversation_in_words_where_there_is_no_handle() -> None:
    talk = talking({"instructions": "Be short."})
    asked(talk, "conversation.item.create", item=words("Hello"))
    asked(talk, "response.create")
    said(talk)
    talk.left()
    further = session(GEMINI, state=talk.state())
    step = further.opened()
    assert step.to_client == []
    assert messages(step)[0]["setup"]["systemInstruction"]["parts"] == [{"text": "Be short."}]
    (seeded,) = messages(answered(further, {"setupComplete": {}}))
    assert seeded["clientContent"] == {
        "turns": [
            {"role": "user", "parts": [{"text": "Hello"}]},
            {"role": "model", "parts": [{"text": "Hi"}]},
        ],
        "turnComplete": False,
    }


def test_what_waits_for_the_setup_of_a_socket_is_sent_by_another_process() -> None:
    talk = session(GEMINI)
    talk.opened()
    asked(talk, "session.update", session={"instructions": "Be short."})
    asked(talk, "conversation.item.create", item=words("Hello"))
    asked(talk, "input_audio_buffer.append", audio=SECOND)
    begun = sent(asked(talk, "response.create"))[0]["response"]
    left = talk.left()
    assert (left.spent, left.to_client) == ([], [])
    further = session(GEMINI, state=talk.state())
    assert further.opened().to_client == []
    step = answered(further, {"setupComplete": {}})
    assert types(step) == ["session.updated"]
    assert [next(iter(each)) for each in messages(step)] == ["clientContent", "realtimeInput", "clientContent"]
    assert messages(step)[0]["clientContent"]["turns"] == [{"role": "user", "parts": [{"text": "Hello"}]}]
    done = sent(said(further)[-1])[-1]["response"]
    assert (done["id"], done["status"]) == (begun["id"], "completed")


def test_an_update_counts_once_and_not_with_all_that_was_set_before() -> None:
    talk = talking({"instructions": "Be brief. " * 1_000})
    before = talk.exposure_nanousd
    for _ in range(10):
        asked(talk, "session.update", session={"temperature": 1})
    assert talk.exposure_nanousd < before * 11 // 10


def test_a_change_of_the_session_begins_a_further_socket() -> None:
    talk = talking()
    step = asked(talk, "session.update", session={"instructions": "Shout."})
    assert (step.reconnect, step.to_client) == (True, [])
    talk.opened()
    (updated,) = sent(answered(talk, {"setupComplete": {}}))
    assert (updated["type"], updated["session"]["instructions"]) == ("session.updated", "Shout.")


def test_money_and_limits_end_a_session_or_a_response() -> None:
    talk = talking()
    asked(talk, "response.create")
    step = talk.refused(RateLimited("Limit reached."))
    assert (types(step)[0], sent(step)[-1]["response"]["status"], step.close) == ("error", "cancelled", None)
    step = talk.refused(InsufficientBalance("No balance left."))
    assert step.close is not None
    assert (step.close.code, types(step), len(step.spent)) == (1008, ["error"], 1)


@pytest.mark.parametrize("path", recordings("test_*google*"), ids=lambda path: path.stem)
def test_a_recorded_session_is_told_in_events_that_the_sdk_knows(path: Path) -> None:
    said_by_us = [orjson.loads(data) for direction, data in frames(path) if direction == "sent"]
    model = said_by_us[0]["setup"]["model"].removeprefix("models/")
    talk = talking(model=model if model in MODELS else GEMINI)
    events: list[dict[str, Any]] = []
    transcript, sound, turns = "", 0, 0
    for direction, data in frames(path):
        message = orjson.loads(data)
        if direction == "sent":
            steps = (
                [asked(talk, "response.create")]
                if "client_content" in message and message["client_content"]["turnComplete"]
                else []
            )
            if "tool_response" in message:
                (output,) = message["tool_response"]["functionResponses"]
                item = {"type": "function_call_output", "call_id": output["id"], "output": output["response"]["output"]}
                steps = [asked(talk, "conversation.item.create", item=item), asked(talk, "response.create")]
        elif "setupComplete" in message:
            continue
        else:
            steps = [talk.from_provider(data)]
            told = message.get("serverContent", {})
            transcript += told.get("outputTranscription", {}).get("text", "")
            parts = told.get("modelTurn", {}).get("parts", ())
            sound += sum(len(part["inlineData"]["data"]) for part in parts if "inlineData" in part)
        for step in steps:
            events += sent(step)
            if step.spent:
                turns += 1
                (spent,) = step.spent
                used = message["usageMetadata"]
                assert spent.usage.prompt == used["promptTokenCount"]
                assert spent.usage.output == used["responseTokenCount"] + used.get("thoughtsTokenCount", 0)
    for event in events:
        SDK.validate_python(event)
    by_type: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        by_type.setdefault(event["type"], []).append(event)
    assert "".join(event["delta"] for event in by_type["response.output_audio_transcript.delta"]) == transcript
    assert sum(len(event["delta"]) for event in by_type["response.output_audio.delta"]) == sound
    assert len(by_type["response.created"]) == len(by_type["response.done"])
    assert turns == sum("usageMetadata" in orjson.loads(data) for _, data in frames(path))
    assert "error" not in by_type
