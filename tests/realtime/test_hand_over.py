"""Tests that a further socket of the provider goes on with a session, and that its client sees nothing of it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.realtime.conversation import BYTES_MAX, ITEMS_MAX, Conversation
from gateway.realtime.session import Session
from gateway.realtime.step import Step
from tests.realtime.sessions import frames, recordings, sent, session

SOUND = orjson.dumps({"type": "input_audio_buffer.append", "audio": "A" * 6400})
USER = {"id": "i1", "type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": None}]}
MODEL = {"id": "i2", "type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": "Hi!"}]}
CALL = {"id": "i3", "type": "function_call", "name": "look", "call_id": "c", "arguments": "{}"}


def told(talk: Session, name: str, **members: Any) -> Step:
    return talk.from_provider(orjson.dumps({"type": name, "event_id": "e", **members}))


def talked() -> Session:
    """A session in which the caller has spoken and the model has answered."""
    talk = session()
    talk.opened()
    told(talk, "session.created", session={"id": "sess_1", "model": "gpt-realtime"})
    for update in (
        {"instructions": "Be short.", "audio": {"output": {"voice": "ash"}}},
        {"audio": {"output": {"speed": 2}}},
    ):
        talk.from_client(orjson.dumps({"type": "session.update", "session": update}))
        told(talk, "session.updated", session={"id": "sess_1", "model": "gpt-realtime", **update})
    told(talk, "conversation.item.added", previous_item_id=None, item=USER)
    told(talk, "conversation.item.input_audio_transcription.completed", item_id="i1", content_index=0, transcript="Hey")
    told(talk, "response.created", response={"id": "r1"})
    told(talk, "response.done", response={"id": "r1", "output": [MODEL, CALL], "usage": {"input_tokens": 5}})
    return talk


def moved(talk: Session) -> tuple[Session, Step]:
    talk.left()
    further = session(state=talk.state())
    return further, further.opened()


def test_another_process_sets_the_session_and_writes_the_conversation_again() -> None:
    _, step = moved(talked())
    update, *items = map(orjson.loads, step.to_provider)
    assert update["session"] == {"instructions": "Be short.", "audio": {"output": {"voice": "ash", "speed": 2}}}
    assert [item["item"] for item in items] == [
        {"id": "i1", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hey"}]},
        {"id": "i2", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi!"}]},
        CALL,
    ]
    assert step.to_client == []


def test_items_keep_their_places_where_a_client_has_written_one_before_all_others() -> None:
    talk = talked()

    def writes(item_id: str, after: str | None, told_after: str | None) -> None:
        item = {**USER, "id": item_id, "content": [{"type": "input_text", "text": item_id}]}
        asked = {"type": "conversation.item.create", "item": item}
        talk.from_client(orjson.dumps(asked if after is None else asked | {"previous_item_id": after}))
        for name in ("conversation.item.added", "conversation.item.done"):
            told(talk, name, previous_item_id=told_after, item=item)

    writes("last", None, "i3")
    writes("first", "root", None)
    writes("second", "first", "first")
    # A provider may have no word for a predecessor that it knows.
    writes("end", None, None)
    _, step = moved(talk)
    items = [orjson.loads(frame)["item"]["id"] for frame in step.to_provider[1:]]
    assert items == ["first", "second", "i1", "i2", "i3", "last", "end"]


def test_the_client_sees_nothing_of_a_further_socket_and_goes_on_with_its_session() -> None:
    further, step = moved(talked())
    update, *items = map(orjson.loads, step.to_provider)
    hidden = [
        told(further, "session.created", session={"id": "sess_2"}),
        told(further, "conversation.created", conversation={"id": "conv_2"}),
        told(further, "session.updated", session={"id": "sess_2"}),
        *(told(further, "conversation.item.added", item=each["item"]) for each in items),
        told(further, "error", error={"type": "invalid_request_error", "event_id": items[0]["event_id"]}),
    ]
    assert [each.to_client for each in hidden] == [[]] * len(hidden)
    (updated,) = sent(told(further, "session.updated", session={"id": "sess_2"}))
    assert updated["session"]["id"] == "sess_1"
    (shown,) = sent(told(further, "conversation.item.added", previous_item_id="i3", item={**USER, "id": "i4"}))
    assert shown["item"]["id"] == "i4"
    assert update["event_id"] not in str(shown)


def test_sound_that_the_provider_has_not_taken_is_sent_again_and_no_other() -> None:
    talk = talked()
    talk.from_client(SOUND)
    told(talk, "input_audio_buffer.speech_started", item_id="i4", audio_start_ms=0)
    told(talk, "input_audio_buffer.committed", item_id="i4")
    assert talk.quiet
    for _ in range(20):
        talk.from_client(SOUND)
    _, step = moved(talk)
    # A tenth of a second each: what was said before the provider hears that the caller speaks, a second of it.
    assert step.to_provider[-10:] == [SOUND] * 10
    assert step.to_provider[-11] != SOUND


def test_what_a_broken_socket_has_not_taken_goes_to_the_next_one_once_and_in_its_order() -> None:
    talk = talked()
    update = b'{"type": "session.update", "session": {"instructions": "Shout."}}'
    commit, respond = b'{"type":"input_audio_buffer.commit"}', b'{"type":"response.create"}'
    first = SOUND.replace(b"A" * 6400, b"B" * 6400)
    talk.from_client(first)
    unsent = [frame for each in (update, SOUND, commit, SOUND, respond) for frame in talk.from_client(each).to_provider]
    assert talk.provider_gone(1006).reconnect
    begins = talk.opened(unsent).to_provider
    # It is not told of all that again if it breaks too.
    assert talk.provider_gone(1006).reconnect
    for sent_again in (begins, talk.opened(begins).to_provider):
        told_of, *rest = [frame for frame in sent_again if b"nexgate_seed_" not in frame]
        assert orjson.loads(told_of) == orjson.loads(update)
        assert rest == [first, SOUND, commit, SOUND, respond]


def test_a_response_that_is_cut_short_ends_for_its_client_and_is_paid_for() -> None:
    talk = talked()
    told(talk, "response.created", response={"id": "r2"})
    assert not talk.quiet
    step = talk.left()
    (done,) = sent(step)
    assert (done["type"], done["response"]["id"], done["response"]["status"]) == ("response.done", "r2", "failed")
    assert [(each.id, each.estimated) for each in step.spent] == [("r2", True)]


@pytest.mark.parametrize("model", ["gpt-realtime", "gemini-3.1-flash-live-preview"])
def test_a_socket_that_breaks_is_replaced_three_times_and_not_for_ever(model: str) -> None:
    talk = session(model)
    talk.opened()
    told(talk, "session.created", session={"id": "sess_1"})
    talk.from_client(b'{"type":"session.update","session":{}}')
    steps = []
    for _ in range(4):
        talk.from_provider(b'{"setupComplete":{}}' if "gemini" in model else b'{"type":"session.updated"}')
        steps.append(talk.provider_gone(1006))
        talk.opened()
    assert [step.reconnect for step in steps] == [True, True, True, False]
    assert sent(steps[-1])[0]["error"]["type"] == "upstream_error"
    assert steps[-1].close is not None


def test_a_response_lets_a_socket_break_three_times_more() -> None:
    talk = talked()
    for number in range(5):
        assert talk.provider_gone(1006).reconnect
        talk.opened()
        told(talk, "response.done", response={"id": f"after{number}", "output": [], "usage": {"input_tokens": 5}})


def test_a_socket_that_never_opened_ends_the_session() -> None:
    step = session().provider_gone(1006)
    assert step.close is not None
    assert (step.reconnect, step.close.code) == (False, 1011)


def test_a_provider_that_bounds_its_sockets_is_asked_for_another() -> None:
    talk = talked()
    error = {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes."}
    step = told(talk, "error", error=error)
    assert (step.reconnect, step.to_client) == (True, [])
    assert len(talk.opened().to_provider) == 4


def test_an_update_that_was_under_way_is_sent_to_the_further_socket() -> None:
    talk = talked()
    talk.from_client(b'{"type":"session.update","session":{"instructions":"Shout."}}')
    assert talk.provider_gone(1006).reconnect
    last = orjson.loads(talk.opened().to_provider[-1])
    assert last["session"] == {"instructions": "Shout."}


def test_the_oldest_of_too_many_items_are_forgotten() -> None:
    kept = Conversation()
    for number in range(ITEMS_MAX + 5):
        kept.put(
            {"id": f"i{number}", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
        )
    assert (len(kept.items), kept.items[0].id) == (ITEMS_MAX, "i5")
    for number in range(6):
        text = "x" * (BYTES_MAX // 5)
        kept.put(
            {"id": f"l{number}", "type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        )
    assert [each.id for each in kept.items] == ["l2", "l3", "l4", "l5"]


@pytest.mark.parametrize(
    "path",
    [path for path in recordings("test_*history_seeding*") if "google" not in path.name],
    ids=lambda path: path.stem,
)
def test_a_recorded_conversation_is_written_again_as_it_was_said(path: Any) -> None:
    talk = session("gpt-realtime" if "xai" not in path.name else "grok-voice-latest")
    talk.opened()
    asked, answers = [], []
    for direction, data in frames(path):
        event = orjson.loads(data)
        _ = talk.from_client(data) if direction == "sent" else talk.from_provider(data)
        if event["type"] == "conversation.item.create":
            asked.append(event["item"]["content"][0]["text"])
        if event["type"] == "response.done":
            part = event["response"]["output"][0]["content"][0]
            answers.append(part.get("text") or part["transcript"])
    further = session("gpt-realtime" if "xai" not in path.name else "grok-voice-latest", state=talk.state())
    events = map(orjson.loads, further.opened().to_provider)
    assert [event["item"]["content"][0]["text"] for event in events if "item" in event] == asked + answers


def test_updates_that_were_not_confirmed_and_the_clients_names_of_models_go_to_another_process() -> None:
    talk = session(requested="voice")
    talk.opened()
    told(talk, "session.created", session={"id": "sess_1", "model": "gpt-realtime"})
    confirmed = {"model": "voice", "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}
    talk.from_client(orjson.dumps({"type": "session.update", "session": confirmed}))
    told(talk, "session.updated", session={"id": "sess_1", "model": "gpt-realtime"})
    talk.from_client(orjson.dumps({"type": "session.update", "session": {"model": "voice", "instructions": "Shout."}}))
    state = orjson.loads(talk.state())
    assert state["session"] == confirmed
    assert state["asked"][0]["session"]["model"] == "voice"
    step = session(state=talk.state(), requested="voice").opened()
    first, second = [orjson.loads(frame)["session"] for frame in step.to_provider]
    assert first == {**confirmed, "model": "gpt-realtime"}
    assert second == {"model": "gpt-realtime", "instructions": "Shout."}
