"""Frees a conversation from signatures that its provider refuses: one bad thought does not end it (field case E3).

A thought without its signature is refused as well, so the thoughts go too. What models said and called remains; on the
caller's own wire that holds for the bytes that are forwarded, whose sealed pieces have the same names wherever they
are: https://docs.claude.com/en/api/messages, https://ai.google.dev/api/caching#Part,
https://platform.openai.com/docs/api-reference/responses.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from gateway.canonical.parts import Part, RedactedThinking, Text, Thinking, ToolCall
from gateway.canonical.request import ChatRequest
from gateway.errors import GatewayError
from gateway.framing.splice import edit, members

# What the codecs call it, and OpenAI's own word.
_CODES = frozenset({"invalid_signature", "invalid_encrypted_content"})
_CONVERSATIONS = ("messages", "contents", "input")
_CONTENTS = ("content", "parts")
_THOUGHTS = frozenset({"thinking", "redacted_thinking", "reasoning"})
_SIGNATURES = frozenset({"thoughtSignature", "thought_signature"})

Json = dict[str, Any]


def is_about_signatures(error: GatewayError) -> bool:
    """Whether a provider refused the conversation for a signature in it, or for one that it misses."""
    return error.code in _CODES


def unsigned(request: ChatRequest) -> ChatRequest:
    """The request without anything that a provider signed, on whichever wire it goes on."""
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
    turns = {name: orjson.loads(held[name]) for name in _CONVERSATIONS if name in held}
    freed = {name: _freed(value) for name, value in turns.items() if isinstance(value, list)}
    return edit(source, {name: orjson.dumps(value) for name, value in freed.items() if value != turns[name]})


def _freed(turns: list[Json]) -> list[Json]:
    """The turns or items that are left, each without its sealed pieces; one that held nothing else is gone."""
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
