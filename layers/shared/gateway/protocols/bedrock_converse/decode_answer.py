"""A whole answer to canonical form: Converse's content blocks, each a part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.call_ids import CallIds
from gateway.canonical.parts import Part, RedactedThinking, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice
from gateway.errors import UnreadableAnswer
from gateway.protocols.bedrock_converse import answer
from gateway.protocols.bedrock_converse.answer import PROTOCOL
from gateway.protocols.shared.provider_json import (
    as_arguments,
    as_object,
    as_objects,
    as_text,
    as_word,
    counting,
    load,
)


def decode_response(body: bytes, answer_id: str = "") -> ChatResponse:
    """The answer, to which the wire gives no id and no model; raises `UnreadableAnswer` where it cannot be read."""
    value = load(body)
    with counting(answer.decode_usage, value.get("usage")):
        message = as_object(value.get("output")).get("message")
        if message is None:
            raise UnreadableAnswer("it has no message")
        ids = CallIds(answer_id)
        content = as_object(message).get("content")
        blocks = [content] if isinstance(content, dict) else as_objects(content)
        parts = tuple(_part(block, ids) for block in blocks)
        called = any(isinstance(part, ToolCall) for part in parts)
        choice = Choice(
            index=0,
            parts=parts,
            finish_reason=answer.decode_finish_reason(value.get("stopReason"), called),
            stop_sequence=answer.decode_stop_sequence(value.get("additionalModelResponseFields")),
        )
        return ChatResponse(
            upstream_id="",
            model="",
            created_s=None,
            choices=(choice,),
            usage=answer.decode_usage(value.get("usage")),
        )


def _part(block: dict[str, Any], ids: CallIds) -> Part:
    for name, value in block.items():
        if name in _BLOCKS and value is not None:
            return _BLOCKS[name](value, ids)
    return answer.opaque(block)


def _text(text: object, _: CallIds) -> Part:
    return Text(as_text(text))


def _cited(block: object, _: CallIds) -> Part:
    """Text with its sources, which are one block on this wire."""
    cited = as_object(block)
    return Text(
        "".join(as_text(piece.get("text")) for piece in as_objects(cited.get("content"))),
        citations=tuple(answer.citation(source) for source in as_objects(cited.get("citations"))),
    )


def _tool_use(block: object, ids: CallIds) -> Part:
    use = as_object(block)
    if answer.is_server_tool(use):
        return answer.opaque({"toolUse": use})
    return ToolCall(
        id=ids.of(as_word(use.get("toolUseId"))),
        name=as_text(use.get("name")),
        arguments=as_arguments(use.get("input")) or "{}",
    )


def _reasoning(block: object, _: CallIds) -> Part:
    reasoning = as_object(block)
    if reasoning.get("redactedContent") is not None:
        return RedactedThinking(as_text(reasoning["redactedContent"]), PROTOCOL)
    text = as_object(reasoning.get("reasoningText"))
    signature = as_text(text.get("signature")) or None
    return Thinking(as_text(text.get("text")), signature, PROTOCOL if signature else None)


_BLOCKS: Mapping[str, Callable[[object, CallIds], Part]] = {
    "text": _text,
    "citationsContent": _cited,
    "toolUse": _tool_use,
    "reasoningContent": _reasoning,
}
