"""Marks the end of a conversation as the end of a prefix to keep, as a request with one marker for all of it asks.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching#automatic-caching
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from gateway.canonical.parts import (
    Audio,
    CacheLifetime,
    Document,
    Image,
    Message,
    Part,
    Text,
    ToolCall,
    ToolResult,
    all_parts,
)
from gateway.canonical.request import Tool

# A prompt has four marks at most; one more is refused.
_MARKS_MAX = 4


def marked(parts: tuple[Part, ...], lifetime: CacheLifetime | None) -> tuple[Part, ...]:
    """The turn with its end as the end of a prefix to keep, as the AI SDK marks whole messages."""
    match parts:
        case (*before, Text() | Image() | Document() | Audio() | ToolCall() | ToolResult() as last) if lifetime:
            return (*before, replace(last, cache=lifetime))
        case _:
            return parts


def marked_end(
    messages: tuple[Message, ...], lifetime: CacheLifetime | None, tools: Iterable[Tool] = ()
) -> tuple[Message, ...]:
    """The conversation with its end marked, unless it is already, or the prompt has all the marks that it may have."""
    if lifetime is None or not messages:
        return messages
    last = messages[-1]
    marks = sum(getattr(one, "cache", None) is not None for one in (*tools, *all_parts(messages)))
    if marks >= _MARKS_MAX or any(getattr(part, "cache", None) for part in last.parts[-1:]):
        return messages
    return (*messages[:-1], replace(last, parts=marked(last.parts, lifetime)))
