"""Normalises the arguments that a model wrote for a tool call: callers read a JSON object out of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from gateway.canonical.events import Event, Finished, ToolCallDelta, ToolCallStarted
from gateway.canonical.parts import Part, ToolCall
from gateway.canonical.response import ChatResponse

# Spellings of "no arguments" that models and their servers use.
_NOTHING = frozenset({"", "{}", "[]", "null"})
_EMPTY = r"\{\s*\}\s*"
# An object of which it cannot be said yet whether it is empty, and another one follows it.
_UNDECIDED = r"\s*(?:\{\s*\}\s*)*(?:\{\s*)?"


def written_object(arguments: str) -> str | None:
    """The JSON text of the object in `arguments`, digits unchanged; the object may be wrapped in a JSON string.

    Returns `{}` for empty arguments and `None` for anything but an object.
    """
    text = _without_empty(arguments.strip())
    if text in _NOTHING:
        return "{}"
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if isinstance(value, str):
        return written_object(value)
    return text if isinstance(value, dict) else None


def _without_empty(text: str) -> str:
    """The text without empty objects before another one, which servers send where a call opens with `{}`."""
    while (found := re.match(_EMPTY, text)) and text.startswith("{", found.end()):
        text = text[found.end() :]
    return text


def with_objects(response: ChatResponse) -> ChatResponse:
    """A whole answer in which arguments are the object that they spell; what spells none stays as it was written."""
    choices = (replace(choice, parts=tuple(_with_object(part) for part in choice.parts)) for choice in response.choices)
    return replace(response, choices=tuple(choices))


def _with_object(part: Part) -> Part:
    if not isinstance(part, ToolCall) or part.custom:
        return part
    return replace(part, arguments=_object_or_text(part.arguments))


def _object_or_text(arguments: str) -> str:
    return written_object(arguments) or arguments


class _Held(Struct):
    """The arguments of a call that have not opened as an object so far."""

    part: int
    pieces: list[str] = field(default_factory=list)
    may_open: bool = True


class ObjectStream(Struct):
    """Does the same to a stream: what does not open as an object is held until it is whole."""

    _held: dict[tuple[int, int], _Held] = field(default_factory=dict)

    def events(self, events: Iterable[Event]) -> Iterable[Event]:
        """The events with the arguments of functions as objects."""
        return (changed for event in events for changed in self._changed(event))

    def _changed(self, event: Event) -> Iterator[Event]:
        match event:
            case ToolCallStarted(custom=False):
                self._held[event.choice, event.index] = _Held(event.part)
                yield event
            case ToolCallDelta() if (event.choice, event.index) in self._held:
                yield from self._grown(event)
            case Finished(choice=choice):
                yield from self._whole(choice)
                yield event
            case _:
                yield event

    def _grown(self, event: ToolCallDelta) -> Iterator[Event]:
        held = self._held[event.choice, event.index]
        held.pieces.append(event.arguments)
        if not held.may_open:
            return
        text = "".join(held.pieces)
        if re.fullmatch(_UNDECIDED, text):
            return
        held.may_open = text.lstrip().startswith("{")
        if held.may_open:
            del self._held[event.choice, event.index]
            yield replace(event, arguments=_without_empty(text.lstrip()))

    def _whole(self, choice: int) -> Iterator[Event]:
        for place in [place for place in self._held if place[0] == choice]:
            held = self._held.pop(place)
            yield ToolCallDelta(_object_or_text("".join(held.pieces)), place[1], held.part, choice)
