"""Removes signatures that a provider refuses from a conversation, so that one bad thought does not end it (field case
E3).

A thought without its signature is refused as well, so the thoughts are removed too. Texts and calls of the model
remain. On the caller's own wire the forwarded bytes are edited; their signed members have the same names everywhere:
https://docs.claude.com/en/api/messages, https://ai.google.dev/api/caching#Part,
https://platform.openai.com/docs/api-reference/responses.
"""

from __future__ import annotations

from typing import Any

import orjson
from msgspec.structs import replace

from gateway.canonical.parts import Part, RedactedThinking, Text, Thinking, ToolCall
from gateway.canonical.request import ChatRequest
from gateway.errors import GatewayError
from gateway.framing import json_values
from gateway.framing.json_edit import edit, members

# The codecs' code, and OpenAI's own.
_CODES = frozenset({"invalid_signature", "invalid_encrypted_content"})
_CONVERSATIONS = ("messages", "contents", "input")
_CONTENTS = ("content", "parts")
_THOUGHTS = frozenset({"thinking", "redacted_thinking", "reasoning"})
_SIGNATURES = frozenset({"thoughtSignature", "thought_signature"})

Json = dict[str, Any]


def is_about_signatures(error: GatewayError) -> bool:
    """Tells whether a provider refused the conversation because of a wrong or missing signature."""
    return error.code in _CODES


def unsigned(request: ChatRequest) -> ChatRequest:
    """The request without any signed part, for its own wire and for others."""
    messages = (replace(message, parts=_without_seals(message.parts)) for message in request.messages)
    return replace(
        request,
        messages=tuple(message for message in messages if message.parts),
        source=_source_without_seals(request.source),
    )


def _without_seals(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return tuple(_unsealed(part) for part in parts if not isinstance(part, Thinking | RedactedThinking))


def _unsealed(part: Part) -> Part:
    return replace(part, signature=None) if isinstance(part, Text | ToolCall) and part.signature else part


def _source_without_seals(source: bytes) -> bytes:
    held = members(source)
    turns = {name: json_values.loads(held[name]) for name in _CONVERSATIONS if name in held}
    freed = {name: _freed(value) for name, value in turns.items() if isinstance(value, list)}
    return edit(source, {name: orjson.dumps(value) for name, value in freed.items() if value != turns[name]})


def _freed(turns: list[Json]) -> list[Json]:
    """The turns or items without their signed members; one that held nothing else is dropped."""
    left = []
    for turn in turns:
        if _is_thought(turn):
            continue
        name = next((name for name in _CONTENTS if isinstance(turn.get(name), list)), None)
        if name is None:
            left.append(turn)
            continue
        pieces = [_without_signature(piece) for piece in turn[name] if not _is_thought(piece)]
        if pieces or not turn[name]:
            left.append(turn | {name: pieces})
    return left


def _is_thought(piece: Json) -> bool:
    return piece.get("type") in _THOUGHTS or piece.get("thought") is True


def _without_signature(piece: Json) -> Json:
    return {name: value for name, value in piece.items() if name not in _SIGNATURES}
