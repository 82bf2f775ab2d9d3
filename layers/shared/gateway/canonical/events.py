"""What happens while an answer streams, one frozen value a happening.

A decoder turns a provider's frames into these and an encoder turns them into a caller's. `choice` is the alternative,
`part` the ordinal of the content part inside it: deltas of one part share the ordinal, a new ordinal closes the part
before it, so wires with blocks (Anthropic, Responses) and wires without (OpenAI chat) meet here. Parallel tool calls
may interleave: then their ordinals alternate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.canonical.parts import Citation
from gateway.canonical.response import FinishReason
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError


@dataclass(frozen=True, slots=True)
class Started:
    """The provider has begun; nothing has been said yet. `usage` is what a wire reports up front."""

    upstream_id: str
    model: str
    created_s: int | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text. `logprobs` is JSON in the OpenAI chat shape; `signature` as in `parts.Text`."""

    text: str
    part: int
    choice: int = 0
    logprobs: Any = None
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """More reasoning; a signature may come alone, at its end. `signed_by` as in `parts.Thinking`."""

    text: str
    part: int
    choice: int = 0
    signature: str | None = None
    signed_by: str | None = None


@dataclass(frozen=True, slots=True)
class RedactedThinkingDelta:
    """A whole block of encrypted reasoning; `signed_by` as in `parts.Thinking`."""

    data: str
    part: int
    choice: int = 0
    signed_by: str | None = None


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """More of a refusal."""

    text: str
    part: int
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """A call opens; `index` counts the calls of this choice from 0."""

    id: str
    name: str
    index: int
    part: int
    choice: int = 0
    signature: str | None = None
    custom: bool = False


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of a call's arguments, as JSON text."""

    arguments: str
    index: int
    part: int
    choice: int = 0


@dataclass(frozen=True, slots=True)
class CitationAdded:
    """A source for the text part `part`."""

    citation: Citation
    part: int
    choice: int = 0


@dataclass(frozen=True, slots=True)
class OpaqueDelta:
    """Something that only the wire `protocol` can express, as JSON text; forwarded there, refused elsewhere."""

    protocol: str
    json_text: str
    part: int
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """One choice is complete."""

    reason: FinishReason
    choice: int = 0
    stop_sequence: str | None = None


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The provider's count so far; a later report replaces an earlier one."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Ended:
    """The wire's own terminal mark came: the stream is whole."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider ended its own stream with an error."""

    error: GatewayError


Content = (
    TextDelta
    | ThinkingDelta
    | RedactedThinkingDelta
    | RefusalDelta
    | ToolCallStarted
    | ToolCallDelta
    | CitationAdded
    | OpaqueDelta
)
Event = Started | Content | Finished | UsageReported | Ended | Failed


def delivered_bytes(event: Event) -> int:
    """How much an event delivers of what a caller pays for, as UTF-8; 0 for one that delivers nothing."""
    match event:
        case TextDelta(text) | ThinkingDelta(text) | RefusalDelta(text):
            return len(text.encode())
        case ToolCallStarted(name=text) | ToolCallDelta(text) | RedactedThinkingDelta(text):
            return len(text.encode())
        case OpaqueDelta(json_text=text):
            return len(text.encode())
        case _:
            return 0
