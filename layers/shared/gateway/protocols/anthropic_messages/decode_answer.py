"""A whole answer to canonical form; blocks that only this wire knows are kept as they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.call_ids import CallIds
from gateway.canonical.parts import Citation, Opaque, Part, RedactedThinking, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice
from gateway.canonical.usage import uses_of
from gateway.errors import UnreadableAnswer
from gateway.protocols.anthropic_messages import answer
from gateway.protocols.anthropic_messages.answer import PROTOCOL
from gateway.protocols.anthropic_messages.errors import decode_error_object
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

_RESULT = "_tool_result"


def decode_response(body: bytes, answer_id: str = "") -> ChatResponse:
    """The answer; raises what an error in its place means, and `UnreadableAnswer` where it cannot be read."""
    value = load(body)
    if value.get("error"):
        raise decode_error_object(value["error"])
    with counting(answer.decode_usage, value.get("usage")):
        if value.get("content") is None:
            raise UnreadableAnswer("it has no content")
        ids = CallIds(answer_id)
        parts = tuple(_part(block, ids) for block in as_parts(value["content"], type="text"))
        called = any(isinstance(part, ToolCall) for part in parts)
        choice = Choice(
            index=0,
            parts=parts,
            finish_reason=answer.decode_finish_reason(value.get("stop_reason"), called),
            stop_sequence=answer.stop_sequence(value.get("stop_sequence")),
        )
        blocks = [block for block in as_parts(value["content"], type="text") if block.get("type") not in _PARTS]
        uses = uses_of(Counter(filter(None, map(used_tool, blocks))) - Counter(filter(None, map(failed_tool, blocks))))
        return ChatResponse(
            upstream_id=as_word(value.get("id")),
            model=as_word(value.get("model")),
            created_s=None,
            choices=(choice,),
            usage=answer.decode_usage(value.get("usage"), uses),
            uses=uses,
        )


def used_tool(block: dict[str, Any]) -> str | None:
    """The counted tool that a block shows the provider to use, or `None`."""
    name = as_word(block.get("name"))
    return name if block.get("type") == "server_tool_use" and name in answer.COUNTED else None


def failed_tool(block: dict[str, Any]) -> str | None:
    """The counted tool whose use a block shows to have failed, which is not paid, or `None`."""
    kind, found = as_word(block.get("type")), block.get("content")
    failed = isinstance(found, dict) and as_word(found.get("type")).endswith("_tool_result_error")
    return kind.removesuffix(_RESULT) if failed and kind.removesuffix(_RESULT) in answer.COUNTED else None


def is_generated(block: dict[str, Any]) -> bool:
    """False for what the provider's own tool has found, which the model reads."""
    return not as_word(block.get("type")).endswith(_RESULT)


def signed_thinking(block: dict[str, Any]) -> Thinking:
    """A thought, signed by this wire's provider where it is signed."""
    signature = as_text(block.get("signature")) or None
    return Thinking(as_text(block.get("thinking")), signature, PROTOCOL if signature else None)


def citation(value: object) -> Citation:
    """A source, as the wire points to it."""
    return Citation(PROTOCOL, dumped(as_object(value)))


def input_text(value: object) -> str:
    """A call's input as JSON text; one that is left out is empty."""
    return as_arguments(value) or "{}"


def _part(block: dict[str, Any], ids: CallIds) -> Part:
    kind = as_text(block.get("type")) or ("text" if "text" in block else "")
    if not kind:
        raise UnreadableAnswer("a block has no type")
    if kind == "tool_use":
        identity, name = ids.of(as_word(block.get("id"))), as_text(block.get("name"))
        return ToolCall(identity, name, input_text(block.get("input")))
    reader = _PARTS.get(kind)
    return Opaque(PROTOCOL, dumped(block), generated=is_generated(block)) if reader is None else reader(block)


def _text(block: dict[str, Any]) -> Part:
    citations = tuple(citation(each) for each in as_objects(block.get("citations")))
    return Text(as_text(block.get("text")), citations=citations)


def _redacted(block: dict[str, Any]) -> Part:
    return RedactedThinking(as_text(block.get("data")), PROTOCOL)


_PARTS: Mapping[str, Callable[[dict[str, Any]], Part]] = {
    "text": _text,
    "thinking": signed_thinking,
    "redacted_thinking": _redacted,
}
