"""Removes parts of other models' answers that Anthropic would refuse: thoughts and ids.

A conversation may change its model between two turns. Everything else of the caller's messages stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.canonical.parts import Message, Part, RedactedThinking, Thinking, ToolCall, ToolResult
from gateway.protocols.anthropic_messages.answer import PROTOCOL
from gateway.protocols.anthropic_messages.signatures import decode_signature

Block = dict[str, Any]

_NOT_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")


def has_foreign(messages: Sequence[Message]) -> bool:
    """True if any part of the conversation came from another wire."""
    return any(_is_foreign(part) for message in messages for part in message.parts)


def without_foreign(messages: Sequence[Block]) -> list[Block]:
    """The caller's messages less the thoughts of others, ids in the wire's characters; an emptied turn is gone."""
    kept = []
    for message in messages:
        given = message.get("content")
        blocks = [given] if isinstance(given, dict) else given
        if not isinstance(blocks, list):
            kept.append(message)
            continue
        content = [fit for block in blocks if (fit := _fit(block)) is not None]
        if content or not blocks:
            kept.append(message | {"content": content})
    return kept


def _is_foreign(part: Part) -> bool:
    match part:
        case Thinking(signed_by=signed_by) | RedactedThinking(signed_by=signed_by):
            return signed_by != PROTOCOL
        case ToolCall(id=call_id) | ToolResult(call_id=call_id):
            return _NOT_IN_ID.search(call_id) is not None
        case _:
            return False


def _fit(block: Any) -> Any:
    """A block as it may be sent; `None` for one that may not. An answer of this wire may hold bare strings."""
    rewrite = _REWRITES.get(str(block.get("type"))) if isinstance(block, dict) else None
    return block if rewrite is None else rewrite(block)


def _fit_id(call_id: str) -> str:
    """The id in the characters that the wire takes, the same for a call and its result."""
    return _NOT_IN_ID.sub("_", call_id)


def _own_thought(member: str) -> Callable[[Block], Block | None]:
    """Keeps a block whose seal, under `member`, is this wire's."""
    return lambda block: block if decode_signature(block.get(member) or "")[1] == PROTOCOL else None


def _with_id(member: str) -> Callable[[Block], Block | None]:
    return lambda block: block | {member: _fit_id(block[member])}


_REWRITES: Mapping[str, Callable[[Block], Block | None]] = {
    "thinking": _own_thought("signature"),
    "redacted_thinking": _own_thought("data"),
    "tool_use": _with_id("id"),
    "tool_result": _with_id("tool_use_id"),
}
