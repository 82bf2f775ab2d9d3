"""Finds the item of a stream that an event belongs to.

Providers number an item otherwise when it is done, or give every item the same number or the same id: the id counts
where one open item has it, then the number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.protocols.shared.provider_json import as_index, as_object, as_word


class Places:
    """The items of one stream so far. A place is the wire's `output_index` unless two items share one."""

    def __init__(self) -> None:
        self._by_id: dict[str, int] = {}
        self._by_index: dict[int, int] = {}
        self._ids: dict[int, str] = {}
        self._closed: set[int] = set()

    def open(self, event: Mapping[str, Any]) -> int:
        """The place of the item that an event opens; a new one where another item has its index."""
        identity = _identity(event)
        index = as_index(event.get("output_index"), self._by_id.get(identity, 0))
        is_taken = bool(identity and self._ids.get(index) not in (None, "", identity))
        place = self._by_index[index] = max(self._ids) + 1 if is_taken else index
        self._ids[place] = identity
        if identity:
            self._by_id[identity] = place
        return place

    def of(self, event: Mapping[str, Any]) -> int:
        """The place of an item that grows or ends."""
        identity = _identity(event)
        known = self._by_id.get(identity)
        index = as_index(event.get("output_index"), 0 if known is None else known)
        place = self._by_index.get(index, index)
        if known is not None and known not in self._closed and self._ids.get(place) != identity:
            return known
        if identity:
            self._by_id[identity] = place
            self._ids.setdefault(place, identity)
        return place

    def close(self, place: int) -> None:
        """Notes that an item is done: what has its id from now on is another one."""
        self._closed.add(place)

    def listed(self, index: int, item: Mapping[str, Any]) -> int:
        """The place of an item that stands at `index` of the whole answer."""
        return self._by_id.get(as_word(item.get("id")), index)


def _identity(event: Mapping[str, Any]) -> str:
    """The id of an event's item, or empty text."""
    return as_word(event.get("item_id")) or as_word(as_object(event.get("item")).get("id"))
