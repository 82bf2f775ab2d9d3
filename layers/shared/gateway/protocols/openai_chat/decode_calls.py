"""The calls of one streamed choice, put together from the pieces in which providers say them.

A call begins once its name is whole, which some providers say after its id, or piece by piece: with its first argument,
or with what follows it. What says nothing is no call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from gateway.canonical.call_ids import CallIds
from gateway.canonical.events import Event, ToolCallDelta, ToolCallStarted
from gateway.errors import UnreadableAnswer
from gateway.protocols.openai_chat.decode_answer import called_custom, is_empty_call
from gateway.protocols.shared.provider_json import as_arguments, as_object, as_text, as_word

Json = dict[str, Any]


class _Call(Struct):
    """One call. `index` and `part` are known once it has begun; `held` are arguments that came before."""

    id: str
    custom: bool
    name: str = ""
    held: str = ""
    index: int | None = None
    part: int = 0


class StreamedCalls:
    """The calls of one choice so far; `next_part` gives the ordinal of a new part."""

    def __init__(self, choice: int, ids: CallIds, next_part: Callable[[], int]) -> None:
        self._choice = choice
        self._ids = ids
        self._next_part = next_part
        self._places = _Places()
        self._calls: list[_Call] = []
        self._begun = 0

    @property
    def called(self) -> bool:
        """True if a tool is called."""
        return any(call.name or call.held for call in self._calls)

    def says_nothing(self, call: object) -> bool:
        """True for an entry that neither opens a call nor belongs to one."""
        if not is_empty_call(call):
            return False
        said = as_object(call)
        return call is None or not (as_word(said.get("id")) or self._places.knows(said.get("index")))

    def read(self, call: Json, position: int, together: int, events: list[Event]) -> bool:
        """Adds the events of one entry; true if the entry had to be put right in place."""
        custom = called_custom(call)
        said = as_object(call.get("custom" if custom else "function"))
        name, identity = as_text(said.get("name")), as_word(call.get("id"))
        place, is_new, repaired = self._places.find(call.get("index"), identity, name, position, together)
        if repaired:
            call["index"] = place
        if is_new:
            unique = self._ids.of(identity)
            self._calls.append(_Call(unique, custom))
            repaired = repaired or unique != identity
            call["id"] = unique
        found = self._calls[place]
        self.begin_named(events, other_than=found)
        found.custom = found.custom or custom
        if found.index is None and name != found.name:
            found.name += name
        member = "input" if custom else "arguments"
        if arguments := as_arguments(said.get(member)):
            repaired = repaired or said[member] is not arguments
            said[member] = arguments
            found.held += arguments
            if found.name:
                self._begin(found, events)
        return repaired

    def begin_named(self, events: list[Event], other_than: _Call | None = None) -> None:
        """Begins the calls whose names are whole, since something else follows."""
        for call in self._calls:
            if call.name and call.index is None and call is not other_than:
                self._begin(call, events)

    def end(self, events: list[Event]) -> None:
        """Begins what has not begun, since nothing follows; a call that never said anything is none."""
        for call in self._calls:
            if call.index is None and (call.name or call.held):
                self._begin(call, events)

    def _begin(self, call: _Call, events: list[Event]) -> None:
        """Adds what is known of the call: its beginning, if it has not begun, and the arguments held for it."""
        if call.index is None:
            call.index, call.part = self._begun, self._next_part()
            self._begun += 1
            events.append(ToolCallStarted(call.id, call.name, call.index, call.part, self._choice, custom=call.custom))
        if call.held:
            events.append(ToolCallDelta(call.held, call.index, call.part, self._choice))
            call.held = ""


class _Places:
    """Finds a delta's call, also if providers omit the index or give all calls the same one.

    Field cases B9, B10 and F5: the index counts, unless the delta opens a call with another id; without an
    index the id counts, then a name opens a call, then the place in the array or the call that was opened
    last.
    """

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._by_wire: dict[int, int] = {}
        self._useless: set[int] = set()

    def knows(self, wire: object) -> bool:
        """True if there is a call at this index of the wire, or any where the wire tells none."""
        return wire in self._by_wire if type(wire) is int else bool(self._ids)

    def find(self, wire: object, identity: str, name: str, position: int, together: int) -> tuple[int, bool, bool]:
        """The call's index, whether it is new, and whether the wire's own index was of no use."""
        if type(wire) is int:
            known = self._by_wire.get(wire)
            useless = known is not None and bool(identity and name) and identity != self._ids[known]
            found = None if useless else known
        else:
            found, useless = self._without_index(identity, name, position, together), True
        index = len(self._ids) if found is None else found
        if found is None:
            self._ids.append(identity)
        if type(wire) is int:
            self._by_wire[wire] = index
        if useless:
            self._useless.add(index)
        return index, found is None, index in self._useless

    def _without_index(self, identity: str, name: str, position: int, together: int) -> int | None:
        if identity:
            return self._ids.index(identity) if identity in self._ids else None
        if name:
            return None
        index = position if together > 1 else len(self._ids) - 1
        if not 0 <= index < len(self._ids):
            raise UnreadableAnswer("more of a tool call came before the call")
        return index
