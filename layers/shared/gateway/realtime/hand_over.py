"""Begins a further socket of the provider with a session as it stood, unseen by its client.

https://developers.openai.com/api/reference/realtime-client-events: a client may write every item of a conversation by
itself, with the id that the item had.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from gateway.realtime.events import Event, at, members

# Ids of the events by which a further socket begins; an error that names one is about them.
_SEED = "nexgate_seed_"
_SESSION = f"{_SEED}session"


class Pending:
    """The client's updates of its session: one counts from when the provider confirms it. `asked` is kept by others."""

    def __init__(self, asked: list[Event]) -> None:
        self._asked = asked

    def ask(self, event: Event) -> None:
        """Notes an update on its way to the provider."""
        self._asked.append(event)

    def confirmed(self, session: Event) -> Event:
        """The session with the oldest update in it."""
        return merged(session, members(self._asked.pop(0).get("session"))) if self._asked else session

    def again(self) -> list[bytes]:
        """The updates that a socket has not confirmed before it closed."""
        return list(map(orjson.dumps, self._asked))

    def failed(self, error: Event) -> None:
        """Forgets the update that an error is about."""
        named, place = error.get("event_id"), str(error.get("param"))
        for event in self._asked:
            if event.get("event_id") == named if named is not None else place.startswith("session"):
                self._asked.remove(event)
                return


class Seeds:
    """Begins a further socket, and knows the answers to it, which its client does not see."""

    def __init__(self, session: Event, items: Sequence[Event]) -> None:
        self._session = session
        self._items = items
        self._ids = {item["id"] for item in items}
        self._updates = bool(session)

    def frames(self) -> list[bytes]:
        """The events for the provider."""
        update = {"type": "session.update", "event_id": _SESSION, "session": self._session}
        events = [
            {"type": "conversation.item.create", "event_id": f"{_SEED}{number}", "item": item}
            for number, item in enumerate(self._items)
        ]
        return list(map(orjson.dumps, [update, *events] if self._session else events))

    def hides_session(self, event_type: str) -> bool:
        """True for what the provider tells of the session because the socket is new."""
        if event_type == "session.updated":
            hidden, self._updates = self._updates, False
            return hidden
        return True

    def hides_item(self, event: Event) -> bool:
        """True for an item that the client knows."""
        item_id = at(event, "item", "id")
        return isinstance(item_id, str) and item_id in self._ids

    def hides_error(self, error: Event) -> bool:
        """True for an error about these events. The session goes on without what the provider refused of them."""
        named = error.get("event_id")
        if named == _SESSION:
            self._updates = False
        return is_seed(named)


def is_seed(event_id: object) -> bool:
    """True for the id of an event by which a further socket begins."""
    return isinstance(event_id, str) and event_id.startswith(_SEED)


def merged(session: Event, update: Event) -> Event:
    """The session with what an update sets; objects are merged, as the provider does it."""
    both: dict[str, Any] = {**session}
    for name, value in update.items():
        old = both.get(name)
        both[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both
