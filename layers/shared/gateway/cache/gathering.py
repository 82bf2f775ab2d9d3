"""Makes a whole answer of the events of a stream, so that it can be kept.

The reverse of `gateway.canonical.replay`. An answer with parts that only their own wire can express has no whole form
here: their pieces are that wire's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from gateway.canonical.events import (
    CitationAdded,
    Ended,
    Event,
    Failed,
    Finished,
    OpaqueDelta,
    RedactedThinkingDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.parts import Citation, Part, RedactedThinking, Refusal, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice
from gateway.canonical.usage import Usage, Uses


class _Growing(Struct):
    """One part of an answer that may still grow: its kind, its text, and what else came with it."""

    kind: type[Part]
    pieces: list[str] = field(default_factory=list)
    signature: str | None = None
    signed_by: str | None = None
    citations: list[Citation] = field(default_factory=list)
    call: ToolCallStarted | None = None

    def whole(self) -> Part:
        text = "".join(self.pieces)
        if self.kind is Text:
            return Text(text, citations=tuple(self.citations), signature=self.signature)
        if self.kind is Thinking:
            return Thinking(text, self.signature, self.signed_by)
        if self.kind is RedactedThinking:
            return RedactedThinking(text, self.signed_by)
        if self.call is not None:
            return ToolCall(self.call.id, self.call.name, text, self.call.signature, self.call.custom)
        return Refusal(text)


class _Alternative(Struct):
    """One choice so far: its parts by their ordinals."""

    parts: dict[int, _Growing] = field(default_factory=dict)
    scored: list[Any] = field(default_factory=list)
    finished: Finished | None = None


class Gathering:
    """Gathers one stream; `response` is its answer once it has ended."""

    def __init__(self) -> None:
        self._choices: dict[int, _Alternative] = {}
        self._started: Started | None = None
        self._usage: Usage | None = None
        self._uses: Uses = ()
        self._whole = False
        self._is_lost = False

    def note(self, event: Event) -> None:
        """Reads one event."""
        reader = _READERS.get(type(event))
        if reader is not None:
            reader(self, event)

    def used(self, uses: Uses) -> None:
        """Notes the tools that the provider has run."""
        self._uses = uses or self._uses

    @property
    def response(self) -> ChatResponse | None:
        """The whole answer; `None` for a stream that has not ended well, or has no whole form."""
        if self._is_lost or not self._whole or self._started is None:
            return None
        choices = tuple(_choice(index, self._choices[index]) for index in sorted(self._choices))
        started = self._started
        return ChatResponse(started.upstream_id, started.model, started.created_s, choices, self._usage, self._uses)

    def start(self, event: Started) -> None:
        """Notes the provider's names, and the usage that some wires report up front."""
        self._started = self._started or event
        self._usage = event.usage or self._usage

    def text(self, event: TextDelta) -> None:
        """Adds text, with its log probabilities."""
        growing = self._part(event, Text)
        growing.pieces.append(event.text)
        growing.signature = event.signature or growing.signature
        if event.logprobs is not None:
            self._choices[event.choice].scored.append(event.logprobs)

    def thinking(self, event: ThinkingDelta) -> None:
        """Adds reasoning; its signature may come alone, and in pieces."""
        growing = self._part(event, Thinking)
        growing.pieces.append(event.text)
        if event.signature is not None:
            growing.signature = (growing.signature or "") + event.signature
        growing.signed_by = event.signed_by or growing.signed_by

    def redacted(self, event: RedactedThinkingDelta) -> None:
        """Adds encrypted reasoning."""
        growing = self._part(event, RedactedThinking)
        growing.pieces.append(event.data)
        growing.signed_by = event.signed_by

    def refusal(self, event: RefusalDelta) -> None:
        """Adds text of a refusal."""
        self._part(event, Refusal).pieces.append(event.text)

    def call(self, event: ToolCallStarted) -> None:
        """Begins a tool call."""
        self._part(event, ToolCall).call = event

    def arguments(self, event: ToolCallDelta) -> None:
        """Adds arguments."""
        self._part(event, ToolCall).pieces.append(event.arguments)

    def citation(self, event: CitationAdded) -> None:
        """Adds a source."""
        self._part(event, Text).citations.append(event.citation)

    def finish(self, event: Finished) -> None:
        """Notes the end of a choice."""
        self._choices.setdefault(event.choice, _Alternative()).finished = event

    def report(self, event: UsageReported) -> None:
        """Notes the usage so far."""
        self._usage = event.usage

    def end(self, _: Ended) -> None:
        """Notes that the stream is whole."""
        self._whole = True

    def lose(self, _: Failed | OpaqueDelta) -> None:
        """Gives the answer up."""
        self._is_lost = True

    def _part(self, event: Any, kind: type[Part]) -> _Growing:
        """The part that an event belongs to. One that changes its kind has no whole form."""
        parts = self._choices.setdefault(event.choice, _Alternative()).parts
        growing = parts.setdefault(event.part, _Growing(kind))
        self._is_lost = self._is_lost or growing.kind is not kind
        return growing


_READERS: Mapping[type, Callable[[Gathering, Any], None]] = {
    Started: Gathering.start,
    TextDelta: Gathering.text,
    ThinkingDelta: Gathering.thinking,
    RedactedThinkingDelta: Gathering.redacted,
    RefusalDelta: Gathering.refusal,
    ToolCallStarted: Gathering.call,
    ToolCallDelta: Gathering.arguments,
    CitationAdded: Gathering.citation,
    OpaqueDelta: Gathering.lose,
    Finished: Gathering.finish,
    UsageReported: Gathering.report,
    Ended: Gathering.end,
    Failed: Gathering.lose,
}


def _choice(index: int, found: _Alternative) -> Choice:
    parts = tuple(found.parts[ordinal].whole() for ordinal in sorted(found.parts))
    finished = found.finished
    reason, stopped_by = (None, None) if finished is None else (finished.reason, finished.stop_sequence)
    return Choice(index, parts, reason, stopped_by, _joined(found.scored))


def _joined(scored: list[Any]) -> Any:
    """The log probabilities of a choice, in the OpenAI chat shape."""
    if not scored:
        return None
    return {"content": [token for piece in scored for token in piece.get("content") or ()], "refusal": None}
