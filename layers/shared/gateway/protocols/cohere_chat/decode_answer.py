"""A whole answer to canonical form. The plan that a model makes before it calls tools is its reasoning.

https://docs.cohere.com/docs/tool-use-overview.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.call_ids import CallIds
from gateway.canonical.parts import Citation, Opaque, Part, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice
from gateway.errors import UnreadableAnswer
from gateway.protocols.cohere_chat import answer
from gateway.protocols.cohere_chat.answer import PROTOCOL
from gateway.protocols.shared.provider_json import (
    as_arguments,
    as_object,
    as_objects,
    as_parts,
    as_text,
    as_word,
    counting,
    dumped,
    load,
)


def decode_response(body: bytes, answer_id: str = "") -> ChatResponse:
    """The answer, which does not name its model; raises `UnreadableAnswer` where it cannot be read."""
    value = load(body)
    with counting(answer.decode_usage, value.get("usage")):
        message = value.get("message")
        if not isinstance(message, dict):
            raise UnreadableAnswer("it has no message")
        ids = CallIds(answer_id)
        parts = [*_said(message), *(_call(call, ids) for call in as_objects(message.get("tool_calls")))]
        called = any(isinstance(part, ToolCall) for part in parts)
        reason = answer.decode_finish_reason(value.get("finish_reason"), called)
        return ChatResponse(
            upstream_id=as_word(value.get("id")),
            model="",
            created_s=None,
            choices=(Choice(0, tuple(parts), reason),),
            usage=answer.decode_usage(value.get("usage")),
        )


def citation(value: object) -> Citation:
    """A source, as it came."""
    return Citation(PROTOCOL, dumped(as_object(value)))


def _said(message: dict[str, Any]) -> list[Part]:
    plan = as_text(message.get("tool_plan"))
    parts: list[Part] = [Thinking(plan)] if plan else []
    parts += [part for block in as_parts(message.get("content"), type="text") if (part := _block(block)) is not None]
    return _cited(parts, tuple(map(citation, as_objects(message.get("citations")))))


def _block(block: dict[str, Any]) -> Part | None:
    """The part of a block; none where it says nothing."""
    kind = as_word(block.get("type", "text"))
    reader = BLOCKS.get(kind)
    if reader is None:
        return Opaque(PROTOCOL, dumped(block))
    text = as_text(block.get(kind))
    return reader(text) if text else None


def _cited(parts: list[Part], citations: tuple[Citation, ...]) -> list[Part]:
    """Citations count characters in all of an answer's text, which is one part almost always."""
    last = next((place for place in reversed(range(len(parts))) if isinstance(parts[place], Text)), None)
    if last is None or not citations:
        return parts
    text = parts[last]
    cited = Text(text.text, citations=citations) if isinstance(text, Text) else text
    return [*parts[:last], cited, *parts[last + 1 :]]


def _call(call: dict[str, Any], ids: CallIds) -> Part:
    function = as_object(call.get("function"))
    return ToolCall(
        id=ids.of(as_word(call.get("id"))),
        name=as_text(function.get("name")),
        arguments=as_arguments(function.get("arguments")),
    )


# A block's text stands in the member that is called like its type.
BLOCKS: Mapping[str, Callable[[str], Part]] = {"text": Text, "thinking": Thinking}
