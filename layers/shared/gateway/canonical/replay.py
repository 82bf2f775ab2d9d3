"""Replays a whole answer as the events of a stream, so that both ways give callers the same content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.canonical.events import (
    CitationAdded,
    Content,
    Ended,
    Event,
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
from gateway.canonical.parts import (
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from gateway.canonical.response import ChatResponse, Choice, FinishReason


def replayed_events(response: ChatResponse) -> Iterator[Event]:
    """The answer's events from start to end; a whole answer without a finish reason counts as a normal stop."""
    yield Started(response.upstream_id, response.model, response.created_s)
    for choice in response.choices:
        yield from replayed_content(choice)
        yield Finished(choice.finish_reason or FinishReason.STOP, choice.index, choice.stop_sequence)
    if response.usage is not None:
        yield UsageReported(response.usage)
    yield Ended()


def replayed_content(choice: Choice) -> Iterator[Content]:
    """The content events of one choice; its log probabilities go with its first text."""
    calls = 0
    logprobs = choice.logprobs
    for number, part in enumerate(choice.parts):
        yield from _replayed_part(part, (choice.index, number), calls, logprobs)
        calls += isinstance(part, ToolCall)
        logprobs = None if isinstance(part, Text) else logprobs


def _replayed_part(part: Part, place: tuple[int, int], call: int, logprobs: Any) -> Iterator[Content]:
    """The events of one part; `place` is the choice and the part's ordinal in it."""
    choice, number = place
    match part:
        case Text(text, citations=citations, signature=signature):
            yield TextDelta(text, number, choice, logprobs, signature)
            for citation in citations:
                yield CitationAdded(citation, number, choice)
        case Thinking(text, signature, signed_by):
            yield ThinkingDelta(text, number, choice, signature, signed_by)
        case RedactedThinking(data, signed_by):
            yield RedactedThinkingDelta(data, number, choice, signed_by)
        case Refusal(text):
            yield RefusalDelta(text, number, choice)
        case ToolCall(identity, name, arguments, signature, custom):
            yield ToolCallStarted(identity, name, call, number, choice, signature, custom)
            yield ToolCallDelta(arguments, call, number, choice)
        case Opaque(protocol, json_text, generated):
            yield OpaqueDelta(protocol, json_text, number, choice, generated)
        case Image() | Document() | Audio() | ToolResult():
            return  # Only callers send these; an answer has no event for them.
