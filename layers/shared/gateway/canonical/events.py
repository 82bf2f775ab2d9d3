"""Events of a streamed answer, each a frozen value.

A decoder turns a provider's frames into events, and an encoder turns events into a caller's frames. `choice` is the
alternative, `part` the ordinal of the content part inside it. Deltas of one part share the ordinal, and a new ordinal
closes the part before it, so wires with blocks (Anthropic, Responses) and wires without (OpenAI chat) share one model.
Parallel tool calls may interleave: then their ordinals alternate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gateway.canonical.parts import Citation
from gateway.canonical.response import FinishReason
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError


class Started(Struct, frozen=True):
    """The provider has begun, without content yet. `usage` is the usage that a wire reports up front."""

    upstream_id: str
    model: str
    created_s: int | None = None
    usage: Usage | None = None


class TextDelta(Struct, frozen=True):
    """Text to append. `logprobs` is JSON in the OpenAI chat shape; `signature` is Gemini's thought signature."""

    text: str
    part: int
    choice: int = 0
    logprobs: Any = None
    signature: str | None = None


class ThinkingDelta(Struct, frozen=True):
    """Reasoning to append; a signature may come alone, at the end. `signed_by` is the protocol that issued it."""

    text: str
    part: int
    choice: int = 0
    signature: str | None = None
    signed_by: str | None = None


class RedactedThinkingDelta(Struct, frozen=True):
    """A whole block of encrypted reasoning; `signed_by` is the protocol that issued it."""

    data: str
    part: int
    choice: int = 0
    signed_by: str | None = None


class RefusalDelta(Struct, frozen=True):
    """Refusal text to append."""

    text: str
    part: int
    choice: int = 0


class ToolCallStarted(Struct, frozen=True):
    """A tool call begins; `index` counts the calls of this choice from 0."""

    id: str
    name: str
    index: int
    part: int
    choice: int = 0
    signature: str | None = None
    custom: bool = False


class ToolCallDelta(Struct, frozen=True):
    """Arguments of a call to append, as JSON text."""

    arguments: str
    index: int
    part: int
    choice: int = 0


class CitationAdded(Struct, frozen=True):
    """A source for the text part `part`."""

    citation: Citation
    part: int
    choice: int = 0


class OpaqueDelta(Struct, frozen=True):
    """Content that only the wire `protocol` can express, as JSON text; forwarded there, refused elsewhere.

    `generated` is false for what a provider's own tool has found: the model reads it, and writes none of it.
    `counted_bytes` is what the content counts as, where that is not its length: a picture's base64 is no text.
    """

    protocol: str
    json_text: str
    part: int
    choice: int = 0
    generated: bool = True
    counted_bytes: int | None = None


class Finished(Struct, frozen=True):
    """One choice is complete."""

    reason: FinishReason
    choice: int = 0
    stop_sequence: str | None = None


class UsageReported(Struct, frozen=True):
    """The provider's token counts so far; a later report replaces an earlier one."""

    usage: Usage


class Ended(Struct, frozen=True):
    """The wire's own terminal mark arrived: the stream is complete."""


class Failed(Struct, frozen=True):
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


# The member that holds what an event delivers. By a table, since every chunk is asked: a match of classes costs eight
# times as much.
_CONTENT: Mapping[type, str] = {
    TextDelta: "text",
    ThinkingDelta: "text",
    RefusalDelta: "text",
    ToolCallStarted: "name",
    ToolCallDelta: "arguments",
    RedactedThinkingDelta: "data",
    OpaqueDelta: "json_text",
}


def delivered_bytes(event: Event) -> int:
    """The size in UTF-8 bytes of the content that an event delivers, which the caller pays for; 0 without content."""
    content = _CONTENT.get(type(event))
    if content is None:
        return 0
    if type(event) is OpaqueDelta:
        if not event.generated:
            return 0
        if event.counted_bytes is not None:
            return event.counted_bytes
    return len(getattr(event, content).encode())
