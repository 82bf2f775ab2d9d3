"""Keeps the client's events that its provider has not confirmed: a socket that breaks may have lost them on their way.

Settings and sound are kept elsewhere (`hand_over.py`, `sound.py`). Each is told to one further socket: an event that
breaks that one too is let go, and the client is told so where it waits for a response.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec import Struct

from gateway.realtime.events import Event, Head, at, read_client

CREATE, RESPOND = "conversation.item.create", "response.create"
COMMIT, DELETE = "input_audio_buffer.commit", "conversation.item.delete"
_KEPT = frozenset({CREATE, RESPOND, COMMIT, DELETE})
# One that is older is not told again: its client does not wait for it any more.
_CONFIRMED_WITHIN_S = 30.0
# A provider that does not confirm all of them is not to fill the memory.
_EVENTS_MAX, _BYTES_MAX = 64, 2 * 1024 * 1024


class Sent(Struct):
    """An event as it was sent at a time, in epoch seconds, and whether it was so twice."""

    type: str
    data: str
    at_s: float
    event_id: str | None = None
    item_id: str | None = None
    twice: bool = False


class Unconfirmed:
    """The events in their order; `sent` is kept by others."""

    def __init__(self, sent: list[Sent]) -> None:
        self._sent = sent

    def awaited(self, now_s: float) -> bool:
        """True where a confirmation is to be expected still; what is older was let go without a word."""
        self._sent[:] = [each for each in self._sent if now_s - each.at_s < _CONFIRMED_WITHIN_S]
        return bool(self._sent)

    def ask(self, head: Head, data: bytes, now_s: float) -> None:
        """Notes an event on its way to the provider."""
        if head.type not in _KEPT:
            return
        event = read_client(data) if head.type in (CREATE, DELETE) else {}
        item_id = _text(event.get("item_id") if head.type == DELETE else at(event, "item", "id"))
        self._sent.append(Sent(head.type, data.decode(), now_s, _text(head.event_id), item_id))
        while len(self._sent) > _EVENTS_MAX or sum(len(each.data) for each in self._sent) > _BYTES_MAX:
            del self._sent[0]

    def refused(self, head: Head) -> None:
        """Forgets the last event, which does not reach the provider."""
        if self._sent and self._sent[-1].type == head.type:
            del self._sent[-1]

    def confirmed(self, event_type: str, item_id: Any = None) -> None:
        """Forgets an event of that type: the one of that item, or else the oldest whose client has given it no id."""
        asked = [each for each in self._sent if each.type == event_type and each.item_id in (None, item_id)]
        if asked:
            self._sent.remove(next((each for each in asked if each.item_id is not None), asked[0]))

    def failed(self, error: Event) -> None:
        """Forgets the event that an error is about."""
        named = _text(error.get("event_id"))
        for each in self._sent:
            if each.event_id == named:
                self._sent.remove(each)
                return

    def given_up(self, unsent: Collection[bytes]) -> list[Sent]:
        """The events that two sockets have broken on, which are not kept any more; not those that were not sent."""
        given_up = [each for each in self._sent if each.twice and each.data.encode() not in unsent]
        self._sent[:] = [each for each in self._sent if each not in given_up]
        return given_up

    def again(self, unsent: Collection[bytes], now_s: float) -> list[bytes]:
        """The events that a further socket is told, but those that were not sent: they are sent for themselves."""
        self.awaited(now_s)
        frames = []
        for each in self._sent:
            data = each.data.encode()
            each.twice = data not in unsent
            frames += [data] if each.twice else []
        return frames


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
