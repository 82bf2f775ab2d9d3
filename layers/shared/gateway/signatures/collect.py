"""Reads the signed parts of an answer that its provider will require back. Unsigned parts, text and arguments are
skipped.

Signed parts belong to the tool call after them, because every wire returns the call's id. A turn without calls needs
none: providers require thoughts only with the results of tools.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from gateway.canonical.events import Event, RedactedThinkingDelta, TextDelta, ThinkingDelta, ToolCallStarted
from gateway.canonical.parts import RedactedThinking, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse
from gateway.ports.signatures import SignedCall, SignedThought


class Collector:
    """Collects from one streamed answer of a provider of the wire `signed_by`."""

    def __init__(self, signed_by: str) -> None:
        self._turns: defaultdict[int, _Turn] = defaultdict(lambda: _Turn(signed_by))

    @property
    def calls(self) -> tuple[SignedCall, ...]:
        """The calls so far that have signed parts."""
        return tuple(call for turn in self._turns.values() for call in turn.calls)

    def note(self, event: Event) -> None:
        """Reads one event; most have no effect."""
        reader = _READERS.get(type(event))
        if reader is not None:
            reader(self._turns, event)


def collected(response: ChatResponse, signed_by: str) -> tuple[SignedCall, ...]:
    """The calls of a whole answer that have signed parts."""
    calls: list[SignedCall] = []
    for choice in response.choices:
        turn = _Turn(signed_by)
        for place, part in enumerate(choice.parts):
            match part:
                case Text(text, signature=signature):
                    turn.say(text, signature)
                case Thinking(text, signature, author):
                    turn.think(place, text, signature, author)
                case RedactedThinking(_, author):
                    turn.hide(part, author)
                case ToolCall(identity, signature=signature):
                    turn.call(identity, signature)
        calls += turn.calls
    return tuple(calls)


class _Thought(Struct):
    """A thought that may still grow."""

    said_characters: int
    pieces: list[str] = field(default_factory=list)
    signature: str = ""

    def whole(self, signed_by: str) -> SignedThought:
        signature = self.signature or None
        part = Thinking("".join(self.pieces), signature, signed_by if signature else None)
        return SignedThought(part, self.said_characters)


class _Turn(Struct):
    """One choice of an answer, up to the current event."""

    signed_by: str
    calls: list[SignedCall] = field(default_factory=list)
    _said_characters: int = 0
    _thoughts: list[_Thought | SignedThought] = field(default_factory=list)
    _growing: dict[int, _Thought] = field(default_factory=dict)

    def say(self, text: str, signature: str | None) -> None:
        self._said_characters += len(text)
        if signature:
            self._thoughts.append(SignedThought(Text("", signature=signature), self._said_characters))

    def think(self, part: int, text: str, signature: str | None, author: str | None) -> None:
        thought = self._growing.get(part)
        if thought is None:
            thought = self._growing[part] = _Thought(self._said_characters)
            self._thoughts.append(thought)
        thought.pieces.append(text)
        if signature and author == self.signed_by:
            thought.signature += signature

    def hide(self, thought: RedactedThinking, author: str | None) -> None:
        if author == self.signed_by:
            self._thoughts.append(SignedThought(thought, self._said_characters))

    def call(self, call_id: str, signature: str | None) -> None:
        thoughts = _worth_keeping(
            [thought.whole(self.signed_by) if isinstance(thought, _Thought) else thought for thought in self._thoughts]
        )
        self._thoughts, self._growing = [], {}
        if signature or thoughts:
            self.calls.append(SignedCall(call_id, self.signed_by, signature, thoughts))


def _worth_keeping(thoughts: list[SignedThought]) -> tuple[SignedThought, ...]:
    """The signed thoughts, and those covered by a later signature: reasoning in parts has one signature, at its end."""
    kept: list[SignedThought] = []
    is_spoken_for = False
    for thought in reversed(thoughts):
        if isinstance(thought.part, Thinking):
            is_spoken_for = is_spoken_for or thought.part.signature is not None
        if is_spoken_for or not isinstance(thought.part, Thinking):
            kept.append(thought)
    return tuple(reversed(kept))


_Turns = Mapping[int, _Turn]


def _text(turns: _Turns, event: TextDelta) -> None:
    turns[event.choice].say(event.text, event.signature)


def _thinking(turns: _Turns, event: ThinkingDelta) -> None:
    turns[event.choice].think(event.part, event.text, event.signature, event.signed_by)


def _redacted(turns: _Turns, event: RedactedThinkingDelta) -> None:
    turns[event.choice].hide(RedactedThinking(event.data, event.signed_by), event.signed_by)


def _call(turns: _Turns, event: ToolCallStarted) -> None:
    turns[event.choice].call(event.id, event.signature)


_READERS: Mapping[type, Callable[[_Turns, Any], None]] = {
    TextDelta: _text,
    ThinkingDelta: _thinking,
    RedactedThinkingDelta: _redacted,
    ToolCallStarted: _call,
}
