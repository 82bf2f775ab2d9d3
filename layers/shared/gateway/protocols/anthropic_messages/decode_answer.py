"""A whole answer to canonical form; blocks that only this wire knows are kept as they came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.parts import Citation, Opaque, Part, RedactedThinking, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice
from gateway.errors import UpstreamError
from gateway.framing.provider_json import UNREADABLE, as_object, as_objects, as_text, dumped, load
from gateway.protocols.anthropic_messages import answer
from gateway.protocols.anthropic_messages.answer import PROTOCOL
from gateway.protocols.anthropic_messages.errors import decode_error_object


def decode_response(body: bytes) -> ChatResponse:
    """The answer; raises what an error in its place means, and `UpstreamError` where it cannot be read."""
    value = load(body)
    if value.get("error"):
        raise decode_error_object(value["error"])
    if not isinstance(value.get("content"), list):
        raise UpstreamError(UNREADABLE)
    choice = Choice(
        index=0,
        parts=tuple(_part(block) for block in as_objects(value["content"])),
        finish_reason=answer.decode_finish_reason(value.get("stop_reason")),
        stop_sequence=answer.stop_sequence(value.get("stop_sequence")),
    )
    return ChatResponse(
        upstream_id=as_text(value.get("id")),
        model=as_text(value.get("model")),
        created_s=None,
        choices=(choice,),
        usage=answer.decode_usage(value.get("usage")),
    )


def signed_thinking(block: dict[str, Any]) -> Thinking:
    """A thought, signed by this wire's provider where it is signed."""
    signature = as_text(block.get("signature")) or None
    return Thinking(as_text(block.get("thinking")), signature, PROTOCOL if signature else None)


def citation(value: object) -> Citation:
    """A source, as the wire points to it."""
    return Citation(PROTOCOL, dumped(as_object(value)))


def _part(block: dict[str, Any]) -> Part:
    reader = _PARTS.get(as_text(block.get("type")))
    return Opaque(PROTOCOL, dumped(block)) if reader is None else reader(block)


def _text(block: dict[str, Any]) -> Part:
    citations = tuple(citation(each) for each in as_objects(block.get("citations")))
    return Text(as_text(block.get("text")), citations=citations)


def _redacted(block: dict[str, Any]) -> Part:
    return RedactedThinking(as_text(block.get("data")), PROTOCOL)


def _tool_use(block: dict[str, Any]) -> Part:
    arguments = dumped(as_object(block.get("input")))
    return ToolCall(as_text(block.get("id")), as_text(block.get("name")), arguments)


_PARTS: Mapping[str, Callable[[dict[str, Any]], Part]] = {
    "text": _text,
    "thinking": signed_thinking,
    "redacted_thinking": _redacted,
    "tool_use": _tool_use,
}
