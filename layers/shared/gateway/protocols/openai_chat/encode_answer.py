"""A canonical answer as a chat completion (https://platform.openai.com/docs/api-reference/chat/object)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from gateway.canonical.parts import Citation, Opaque, Part, Refusal, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice, Extension, Stamp
from gateway.framing.json_values import reread
from gateway.protocols.openai_chat.answer import PROTOCOL, encode_finish_reason, encode_usage
from gateway.protocols.shared.pictures import picture_in

# The one kind of source that this wire documents.
_WEB_PAGE = "url_citation"


def encode_response(response: ChatResponse, stamp: Stamp, extension: Extension) -> bytes:
    """The whole body; what this wire has no word for is left out, as docs/bridging.md has it."""
    body: dict[str, Any] = {
        "id": stamp.response_id,
        "object": "chat.completion",
        "created": stamp.created_s,
        "model": stamp.model,
        "choices": [_choice(choice) for choice in response.choices],
    }
    if response.usage is not None:
        body["usage"] = encode_usage(response.usage)
    body["nexevo"] = extension.as_json()
    return orjson.dumps(body)


def encode_tool_call(call: ToolCall) -> dict[str, Any]:
    """A call as it stands in an answer and in a conversation."""
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _choice(choice: Choice) -> dict[str, Any]:
    return {
        "index": choice.index,
        "message": _message(choice.parts),
        "logprobs": choice.logprobs,
        "finish_reason": encode_finish_reason(choice.finish_reason),
    }


def _message(parts: tuple[Part, ...]) -> dict[str, Any]:
    texts = [part for part in parts if isinstance(part, Text)]
    calls = [encode_tool_call(part) for part in parts if isinstance(part, ToolCall)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(text.text for text in texts) if texts else None,
        "refusal": _joined(part.text for part in parts if isinstance(part, Refusal)),
    }
    if thinking := _joined(part.text for part in parts if isinstance(part, Thinking)):
        message["reasoning_content"] = thinking
    message["tool_calls"] = calls or None
    if annotations := [source for text in texts for source in encode_citations(text.citations)]:
        message["annotations"] = annotations
    foreign: list[str] = []
    for part in parts:
        if isinstance(part, Opaque) and part.protocol == PROTOCOL:
            message |= reread(part.json_text)
        elif isinstance(part, Opaque):
            foreign.append(part.json_text)
    if images := encode_images(foreign):
        message["images"] = images
    return message


def encode_images(opaque: Iterable[str], first: int = 0) -> list[dict[str, Any]]:
    """The pictures that a model of another wire has made, counted from `first`.

    OpenAI's wire has no word for them; routers agree on this one, which the SDKs keep as it stands:
    https://openrouter.ai/docs/features/multimodal/image-generation.
    """
    made = [picture for json_text in opaque if (picture := picture_in(json_text)) is not None]
    return [
        {"index": index, "type": "image_url", "image_url": {"url": picture.data_url}}
        for index, picture in enumerate(made, first)
    ]


def _joined(texts: Iterable[str]) -> str | None:
    return "".join(texts) or None


def encode_citations(citations: Iterable[Citation]) -> list[dict[str, Any]]:
    """The sources that this wire can point to; OpenAI's Responses wire writes a web page's one level higher."""
    return [source for citation in citations if (source := _annotation(citation)) is not None]


def _annotation(citation: Citation) -> dict[str, Any] | None:
    value: dict[str, Any] = reread(citation.json_text)
    if citation.protocol == PROTOCOL:
        return value
    if value.get("type") != _WEB_PAGE:
        return None
    return {"type": _WEB_PAGE, _WEB_PAGE: {name: member for name, member in value.items() if name != "type"}}
