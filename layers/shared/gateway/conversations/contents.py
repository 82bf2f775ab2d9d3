"""The contents of a conversation as one document: its items in order, and which writes they came by.

An item has an id from then on, as OpenAI's Conversations have it: https://platform.openai.com/docs/api-reference/conversations.
A write names itself, so that one that is repeated changes nothing. Values in, values out: nothing here waits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson
from msgspec import Struct

from gateway.framing.json_values import reread
from gateway.protocols.openai_responses.items import Item, as_items, whole_item

SCHEMA_VERSION = 1
# A repeat comes soon after its first try: within so many writes.
WRITES_KEPT = 256
ITEM_ID = re.compile(r"[a-z]{1,16}_[A-Za-z0-9_-]{1,256}")


class Entry(Struct, frozen=True):
    """An item, the time (epoch seconds) at which it was added, and the write that added it."""

    at_s: int
    write: str
    item: Item

    @property
    def item_id(self) -> str:
        """The item's id."""
        return str(self.item["id"])


class Contents(Struct, frozen=True):
    """The items of a conversation, oldest first, and the last writes."""

    entries: tuple[Entry, ...] = ()
    writes: tuple[str, ...] = ()

    @classmethod
    def of(cls, document: bytes) -> Contents:
        """Reads the contents from their document."""
        whole = reread(document)
        entries = tuple(Entry(each["at"], each["write"], each["item"]) for each in whole["entries"])
        return cls(entries, tuple(whole["writes"]))

    def document(self) -> bytes:
        """The JSON to store."""
        entries = [{"at": entry.at_s, "write": entry.write, "item": entry.item} for entry in self.entries]
        return orjson.dumps({"schema_version": SCHEMA_VERSION, "writes": self.writes, "entries": entries})

    def added_by(self, write: str) -> tuple[Entry, ...]:
        """The items that a write added."""
        return tuple(entry for entry in self.entries if entry.write == write)

    def place_of(self, item_id: str) -> int | None:
        """The place of an item, from 0 on."""
        places = (place for place, entry in enumerate(self.entries) if entry.item_id == item_id)
        return next(places, None)

    def with_items(self, write: str, given: Sequence[Item], at_s: int, *, first: int = 0) -> Contents:
        """The contents with more items at their end, which are numbered from `first` on.

        An item keeps the id that it brings, unless the conversation has it already.
        """
        taken = {entry.item_id for entry in self.entries}
        added: list[Entry] = []
        for place, item in enumerate(as_items(list(given)), first):
            own = item.pop("id", None)
            if isinstance(own, str) and own not in taken and ITEM_ID.fullmatch(own):
                item["id"] = own
            entry = Entry(at_s, write, whole_item(item, f"nxn-{write}-in{place}"))
            taken.add(entry.item_id)
            added.append(entry)
        return self._written((write,), (*self.entries, *added))

    def without_item(self, write: str, item_id: str) -> Contents:
        """The contents without an item."""
        return self._written((write,), tuple(entry for entry in self.entries if entry.item_id != item_id))

    def without_write(self, write: str, undone: str) -> Contents:
        """The contents without what another write added, which cannot be made any more."""
        left = tuple(entry for entry in self.entries if entry.write != undone)
        return self._written((undone, write), left)

    def _written(self, writes: tuple[str, ...], entries: tuple[Entry, ...]) -> Contents:
        return Contents(entries, (*self.writes, *writes)[-WRITES_KEPT:])


def input_items(contents: Contents) -> list[Item]:
    """The items as the beginning of a response's input. The wire has no messages of tools: they become a user's."""
    return [_as_input(entry.item) for entry in contents.entries]


def message(role: str, text: str) -> Item:
    """A message of text."""
    return {"type": "message", "role": role, "content": text}


def text_of(item: Item) -> str:
    """The text of a message, without its other parts."""
    parts: Any = item.get("content")
    return "".join(str(part.get("text") or part.get("refusal") or "") for part in as_items(parts))


def _as_input(item: Item) -> Item:
    return {**item, "role": "user"} if item.get("role") == "tool" else item
