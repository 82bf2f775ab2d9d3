"""Tests that what a client asks for is not lost with a socket of the provider that breaks, and not asked for ever."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.errors import RateLimited
from gateway.realtime.session import Session
from gateway.realtime.step import Step
from tests.realtime.sessions import sent, session
from tests.stores.conftest import StoppedClock

ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
CREATE = orjson.dumps({"type": "conversation.item.create", "item": ITEM})
NAMED = orjson.dumps({"type": "conversation.item.create", "item": {**ITEM, "id": "i9"}})
COMMIT = b'{"type":"input_audio_buffer.commit"}'
RESPOND = b'{"type": "response.create", "event_id": "e1"}'
ALL = (CREATE, NAMED, COMMIT, RESPOND)


def talking(clock: StoppedClock | None = None) -> Session:
    talk = session(clock=clock)
    talk.opened()
    told(talk, "session.created", session={"id": "sess_1", "model": "gpt-realtime"})
    return talk


def told(talk: Session, name: str, **members: Any) -> Step:
    return talk.from_provider(orjson.dumps({"type": name, "event_id": "e", **members}))


def again(talk: Session) -> list[bytes]:
    """The frames for a further socket after one that broke, beside those of the conversation so far."""
    assert talk.provider_gone(1006).reconnect
    return [frame for frame in talk.opened().to_provider if b"nexgate_seed_" not in frame]


def test_what_was_not_confirmed_is_told_to_the_next_socket_in_its_order() -> None:
    talk = talking()
    for event in ALL:
        assert talk.from_client(event).to_provider == [event]
    assert again(talk) == list(ALL)


def test_another_process_tells_it_too() -> None:
    talk = talking()
    talk.from_client(RESPOND)
    assert not talk.quiet
    talk.left()
    assert session(state=talk.state()).opened().to_provider == [RESPOND]


def test_what_was_confirmed_is_not_told_again() -> None:
    talk = talking()
    for event in ALL:
        talk.from_client(event)
    told(talk, "conversation.item.added", previous_item_id=None, item={**ITEM, "id": "i9"})
    told(talk, "conversation.item.done", previous_item_id=None, item={**ITEM, "id": "i9"})
    told(talk, "input_audio_buffer.committed", item_id="i10")
    told(talk, "response.created", response={"id": "r1"})
    told(talk, "response.done", response={"id": "r1", "output": [], "usage": {"input_tokens": 5}})
    was_quiet = talk.quiet
    assert again(talk) == [CREATE]
    # What the new socket says of the item that the conversation has confirms no other one.
    told(talk, "conversation.item.added", previous_item_id=None, item={**ITEM, "id": "i9"})
    told(talk, "conversation.item.added", previous_item_id="i9", item={**ITEM, "id": "i11"})
    assert (was_quiet, talk.quiet) == (False, True)
    assert again(talk) == []


@pytest.mark.parametrize("named", ["e1", None])
def test_what_was_refused_is_not_told_again(named: str | None) -> None:
    talk = talking()
    respond = RESPOND if named else b'{"type": "response.create"}'
    talk.from_client(respond)
    error = {"type": "server_error", "message": "No.", "event_id": named}
    told(talk, "error", error=error)
    assert again(talk) == []


def test_what_a_limit_keeps_from_the_provider_is_not_told_later() -> None:
    talk = talking()
    talk.from_client(RESPOND)
    talk.refused(RateLimited("too many"))
    assert again(talk) == []


def test_what_breaks_two_sockets_is_let_go_and_its_client_told() -> None:
    talk = talking()
    talk.from_client(CREATE)
    talk.from_client(RESPOND)
    assert again(talk) == [CREATE, RESPOND]
    assert talk.provider_gone(1006).reconnect
    step = talk.opened()
    assert step.to_provider == []
    (error,) = sent(step)
    assert (error["type"], error["error"]["event_id"]) == ("error", "e1")


def test_what_a_socket_has_not_taken_is_told_once_and_broke_nothing() -> None:
    talk = talking()
    talk.from_client(CREATE)
    talk.from_client(RESPOND)
    frames = again(talk)
    for _ in range(2):
        # The socket breaks before it has taken what it was to begin with.
        assert talk.provider_gone(1006).reconnect
        step = talk.opened(frames)
        assert (step.to_provider, step.to_client) == ([CREATE, RESPOND], [])


def test_what_its_client_does_not_wait_for_any_more_is_let_go() -> None:
    clock = StoppedClock()
    talk = talking(clock)
    talk.from_client(RESPOND)
    clock.at_s += 60
    assert talk.quiet
    assert again(talk) == []
