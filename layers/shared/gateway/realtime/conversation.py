"""Keeps what a conversation consists of, so that a new socket of the provider can go on with it.

Sound is kept as its transcript. The oldest items go first where there are too many, as the models do it themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from msgspec import Struct

from gateway.realtime.events import Event, members

ITEMS_MAX = 256
BYTES_MAX = 256 * 1024
# Kept of one item; a longer one is left out of the next socket, as the beginning of a long conversation is.
ITEM_BYTES_MAX = 64 * 1024

_KEPT_TYPES = frozenset({"message", "function_call", "function_call_output"})
_KEPT = ("id", "type", "role", "content", "call_id", "name", "arguments", "output")
# The type under which a part of each speaker is written again, by that speaker's role.
_TEXT_TYPES = {"user": "input_text", "system": "input_text", "assistant": "output_text"}


class Kept(Struct):
    """One item in the shape in which it is sent again, and its size."""

    id: str
    item: Event
    size: int = 0


class Conversation(Struct):
    """The items in their order."""

    items: list[Kept] = []  # msgspec copies an empty default

    def put(self, item: Any, after: Any = None, *, first: bool = False) -> None:
        """Adds an item behind another, or `first`, or else at the end; or replaces the one with its id."""
        given = members(item)
        item_id = given.get("id")
        if not isinstance(item_id, str) or str(given.get("type")) not in _KEPT_TYPES:
            return
        kept = Kept(item_id, {name: given[name] for name in _KEPT if given.get(name) is not None})
        kept.size = _size(kept.item)
        place = self._place(item_id)
        if place is not None:
            if kept.size >= self.items[place].size:
                self.items[place] = kept
        else:
            behind = -1 if first else self._place(after)
            self.items.insert(len(self.items) if behind is None else behind + 1, kept)
        self._shorten()

    def transcribe(self, item_id: Any, index: Any, transcript: Any) -> None:
        """Notes what a part of an item says."""
        place = self._place(item_id)
        content = [] if place is None else self.items[place].item.get("content")
        if place is None or not isinstance(content, list) or not isinstance(transcript, str):
            return
        if isinstance(index, int) and 0 <= index < len(content) and isinstance(content[index], dict):
            content[index]["transcript"] = transcript
            self.items[place].size = _size(self.items[place].item)

    def drop(self, item_id: Any) -> None:
        """Forgets an item."""
        self.items = [kept for kept in self.items if kept.id != item_id]

    @property
    def last_id(self) -> str | None:
        """The id of the last item."""
        return self.items[-1].id if self.items else None

    def get(self, item_id: Any) -> Event | None:
        """The item of that id."""
        place = self._place(item_id)
        return None if place is None else self.items[place].item

    def again(self) -> list[Event]:
        """The items as a client would write them."""
        return [
            item for kept in self.items if kept.size <= ITEM_BYTES_MAX and (item := _written(kept.item)) is not None
        ]

    def _place(self, item_id: Any) -> int | None:
        return next((place for place, kept in enumerate(self.items) if kept.id == item_id), None)

    def _shorten(self) -> None:
        for kept in self.items:
            if kept.size > ITEM_BYTES_MAX:
                kept.item = {"id": kept.id}
        while len(self.items) > ITEMS_MAX or sum(min(kept.size, ITEM_BYTES_MAX) for kept in self.items) > BYTES_MAX:
            del self.items[0]


def _size(item: Event) -> int:
    return len(orjson.dumps(item))


def _written(item: Event) -> Event | None:
    """The item, with the words of its sound; `None` where nothing is known of what it says."""
    if item.get("type") != "message":
        return item
    role = item.get("role")
    content = list(_parts(item.get("content"), _TEXT_TYPES.get(str(role), "input_text")))
    return {**item, "content": content} if content else None


def _parts(content: Any, text_type: str) -> Iterable[Event]:
    for part in content if isinstance(content, list) else ():
        if members(part).get("type") == "input_image":
            yield part
            continue
        text = members(part).get("text") or members(part).get("transcript")
        if isinstance(text, str) and text:
            yield {"type": text_type, "text": text}
