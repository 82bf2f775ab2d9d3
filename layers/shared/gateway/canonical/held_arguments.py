"""Holds back the arguments of tool calls in a stream until they are whole, to be written anew then."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct, field

from gateway.canonical.events import Event, Finished, ToolCallDelta, ToolCallStarted

Rewrite = Callable[[str], str]


class _Held(Struct):
    """The arguments of a call that are not whole yet."""

    part: int
    rewrite: Rewrite
    pieces: list[str] = field(default_factory=list)


class HeldArguments:
    """The calls of one stream whose arguments are rewritten."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, int], _Held] = {}

    def hold(self, call: ToolCallStarted, rewrite: Rewrite) -> None:
        """Holds the call's arguments back from here on."""
        self._held[call.choice, call.index] = _Held(call.part, rewrite)

    def passed(self, event: Event) -> Iterator[Event]:
        """The events to pass on for this one: none for held arguments, which come whole before their choice ends."""
        match event:
            case ToolCallDelta() if (event.choice, event.index) in self._held:
                self._held[event.choice, event.index].pieces.append(event.arguments)
            case Finished(choice=choice):
                yield from self._whole(choice)
                yield event
            case _:
                yield event

    def _whole(self, choice: int) -> Iterator[Event]:
        for place in [place for place in self._held if place[0] == choice]:
            held = self._held.pop(place)
            yield ToolCallDelta(held.rewrite("".join(held.pieces)), place[1], held.part, choice)
