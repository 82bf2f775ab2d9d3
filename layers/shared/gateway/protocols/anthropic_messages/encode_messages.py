"""A canonical conversation as this wire's messages, for a provider that did not see it in this form.

Mappings, each with a test: instructions go to the top, from any place; turns of one role in a row become one, and
results of parallel calls one user turn that opens with them (field cases E4, E9); thoughts that this wire's providers
did not sign are left out, since they would be refused (E2); a refusal is text; names of participants are left out.
The rest of what the wire cannot say is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.canonical.parts import (
    CacheLifetime,
    Document,
    Image,
    InlineMedia,
    Message,
    Part,
    RedactedThinking,
    Refusal,
    RemoteMedia,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from gateway.errors import InvalidRequest
from gateway.protocols.anthropic_messages.answer import PROTOCOL
from gateway.protocols.anthropic_messages.encode_answer import encode_tool_input
from gateway.protocols.shared.inexpressible import inexpressible_part, plain_text

Block = dict[str, Any]

_ROLES: Mapping[str, str] = {"user": "user", "tool": "user", "assistant": "assistant"}


def encode_system(messages: Sequence[Message]) -> list[Block]:
    """The instructions of a conversation, in their order."""
    return [
        block
        for position, message in enumerate(messages)
        if message.role == "system"
        for block in _encoded(message, f"messages[{position}]")
    ]


def encode_messages(messages: Sequence[Message]) -> list[Block]:
    """The turns of a conversation; raises `InvalidRequest` where there is none."""
    turns: list[Block] = []
    for position, message in enumerate(messages):
        blocks = [] if message.role == "system" else _encoded(message, f"messages[{position}]")
        if not blocks:
            continue
        role = _ROLES[message.role]
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    if not turns:
        raise InvalidRequest("This model's provider needs a message beside the instructions.", param="messages")
    for turn in turns:
        turn["content"].sort(key=_after_results)
    return turns


def encode_cache(cache: CacheLifetime | None) -> Block:
    """The marker of a prefix to keep; five minutes is the wire's default."""
    if cache is None:
        return {}
    marker = {"type": "ephemeral"} | ({"ttl": "1h"} if cache is CacheLifetime.ONE_HOUR else {})
    return {"cache_control": marker}


def _after_results(block: Block) -> bool:
    return bool(block["type"] != "tool_result")


def _encoded(message: Message, path: str) -> list[Block]:
    encoded = []
    for position, part in enumerate(message.parts):
        encoded += _blocks(part, f"{path}.content[{position}]")
    return encoded


def _blocks(part: Part, path: str) -> list[Block]:
    """The block of a part; none for what is left out."""
    match part:
        case Text() | Refusal():
            return _text(part)
        case Thinking() | RedactedThinking():
            return _thought(part)
        case ToolCall():
            call = {"type": "tool_use", "id": part.id, "name": part.name}
            return [call | {"input": encode_tool_input(part)} | encode_cache(part.cache)]
        case ToolResult():
            return [_tool_result(part, path)]
        case Image():
            return [{"type": "image", "source": _image_source(part, path)} | encode_cache(part.cache)]
        case Document():
            name = {} if part.name is None else {"title": part.name}
            return [{"type": "document", "source": _document_source(part, path)} | name | encode_cache(part.cache)]
        case _:
            raise inexpressible_part(part, path)


def _text(part: Text | Refusal) -> list[Block]:
    cache = part.cache if isinstance(part, Text) else None
    return [{"type": "text", "text": part.text} | encode_cache(cache)]


def _thought(part: Thinking | RedactedThinking) -> list[Block]:
    """Encodes a thought only for the provider that signed it."""
    match part:
        case Thinking(text, str() as signature, signed_by) if signed_by == PROTOCOL:
            return [{"type": "thinking", "thinking": text, "signature": signature}]
        case RedactedThinking(data, signed_by) if signed_by == PROTOCOL:
            return [{"type": "redacted_thinking", "data": data}]
        case _:
            return []


def _tool_result(result: ToolResult, path: str) -> Block:
    content = [block for part in result.parts for block in _blocks(part, path)]
    block: Block = {"type": "tool_result", "tool_use_id": result.call_id}
    if content:
        block["content"] = content
    if result.is_error:
        block["is_error"] = True
    return block | encode_cache(result.cache)


def _image_source(image: Image, path: str) -> Block:
    match image.source:
        case InlineMedia(data, media_type):
            return {"type": "base64", "media_type": media_type, "data": data}
        case RemoteMedia(url):
            return {"type": "url", "url": url}
        case _:
            raise inexpressible_part(image, path)


def _document_source(document: Document, path: str) -> Block:
    match document.source:
        case InlineMedia(data, "application/pdf"):
            return {"type": "base64", "media_type": "application/pdf", "data": data}
        case InlineMedia(data, media_type) if media_type.startswith("text/"):
            return {"type": "text", "media_type": "text/plain", "data": plain_text(data, path)}
        case RemoteMedia(url):
            return {"type": "url", "url": url}
        case _:
            raise inexpressible_part(document, path)
