"""A canonical answer as a message (https://docs.claude.com/en/api/messages#response)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from gateway.canonical.arguments import written_object
from gateway.canonical.parts import Citation, Opaque, Part, RedactedThinking, Refusal, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice, Extension, FinishReason, Stamp
from gateway.canonical.usage import Usage
from gateway.protocols.anthropic_messages.answer import PROTOCOL, encode_finish_reason, encode_usage
from gateway.protocols.anthropic_messages.signatures import encode_signature
from gateway.protocols.shared.pictures import picture_in

Block = dict[str, Any]


def encode_response(response: ChatResponse, stamp: Stamp, extension: Extension) -> bytes:
    """The whole body; what this wire has no word for is left out, as docs/bridging.md has it.

    A provider that was asked for one answer and split it over several choices (field case E8) gets them joined.
    """
    parts = [part for choice in response.choices for part in choice.parts]
    last = _last_word(response.choices)
    message = envelope(stamp, response.usage or Usage())
    message["content"] = [block for part in parts for block in _blocks(part)]
    message["stop_reason"] = encode_finish_reason(last.finish_reason)
    message["stop_sequence"] = last.stop_sequence
    message["nexevo"] = extension.as_json()
    return orjson.dumps(message)


def envelope(stamp: Stamp, usage: Usage) -> dict[str, Any]:
    """A message that has not begun to speak."""
    return {
        "id": stamp.response_id,
        "type": "message",
        "role": "assistant",
        "model": stamp.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": encode_usage(usage),
    }


def encode_tool_input(call: ToolCall) -> Block | orjson.Fragment:
    """A call's arguments as the object that this wire wants.

    No arguments are an empty object. Free text goes under `input`; what the model wrote that is no object, under
    `arguments`, for its author to see and mend.
    """
    if call.custom:
        return {"input": call.arguments}
    written = written_object(call.arguments)
    return {"arguments": call.arguments} if written is None else orjson.Fragment(written)


def own_citations(citations: Sequence[Citation]) -> list[orjson.Fragment]:
    """Keeps the citations that this wire can express."""
    return [orjson.Fragment(each.json_text) for each in citations if each.protocol == PROTOCOL]


def _last_word(choices: Sequence[Choice]) -> Choice:
    """The choice whose end is the message's: the one that calls tools, else the last one."""
    calling = (choice for choice in choices if choice.finish_reason is FinishReason.TOOL_CALLS)
    return next(calling, choices[-1])


def _blocks(part: Part) -> Sequence[Any]:
    match part:
        case Text(text, citations=citations):
            cited = own_citations(citations)
            return [{"type": "text", "text": text} | ({"citations": cited} if cited else {})] if text else []
        case Refusal(text):
            return [{"type": "text", "text": text}]
        case Thinking(text, signature, signed_by):
            return [{"type": "thinking", "thinking": text, "signature": encode_signature(signature, signed_by)}]
        case RedactedThinking(data, signed_by):
            return [{"type": "redacted_thinking", "data": encode_signature(data, signed_by)}]
        case ToolCall():
            return [{"type": "tool_use", "id": part.id, "name": part.name, "input": encode_tool_input(part)}]
        case Opaque(protocol, json_text) if protocol == PROTOCOL:
            return [orjson.Fragment(json_text)]
        case Opaque(_, json_text):
            picture = picture_in(json_text)
            return [] if picture is None else [{"type": "text", "text": picture.markdown}]
        case _:
            return []
