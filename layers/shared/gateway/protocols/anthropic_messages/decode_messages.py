"""Messages, the system prompt and their blocks to canonical form.

Blocks that only this wire knows (server tools, uploads to containers, additions of tools) stay as they came; what a
known block says that no other wire can is kept apart under its path. Search results and references to tools are text
to other models, and are read as that.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from msgspec.structs import replace

from gateway.canonical.media_types import registered
from gateway.canonical.parts import (
    CacheLifetime,
    Document,
    Image,
    InlineMedia,
    MediaSource,
    Message,
    Opaque,
    Part,
    RedactedThinking,
    RemoteMedia,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    UploadedMedia,
)
from gateway.protocols.anthropic_messages.answer import PROTOCOL
from gateway.protocols.anthropic_messages.signatures import decode_signature
from gateway.protocols.shared.document import Node
from gateway.protocols.shared.replayed import said_arguments, said_parts

_MESSAGES_MAX = 100_000
_CONTENT = "one of a string or array of objects"
_LIFETIMES: Mapping[str, CacheLifetime] = {"5m": CacheLifetime.FIVE_MINUTES, "1h": CacheLifetime.ONE_HOUR}
_MEMBERS = frozenset({"role", "content"})
_ACCOUNTING = re.compile(r"^x-anthropic-billing-header:[^\n]*\n*", re.IGNORECASE)
# What a block may say that other wires cannot: its member, and the value that says nothing.
_UNMAPPED: Mapping[str, Mapping[str, Any]] = {
    "document": {"context": None, "citations": {"enabled": False}},
    "image": {"transformations": None},
}

Unmapped = dict[str, Any]


def decode_messages(root: Node) -> tuple[tuple[Message, ...], Unmapped]:
    """The system prompt and the conversation, and what no other wire is known to express, by its path."""
    unmapped: Unmapped = {}
    system = root.member("system")
    decoded = [] if system is None else _system(_content(system, unmapped))
    for node in root.required("messages").elements(1, _MESSAGES_MAX):
        decoded += _turns(node, unmapped)
    lifetime = decode_cache(root)
    if lifetime is not None:
        decoded[-1] = _marked(decoded[-1], lifetime)
    return tuple(decoded), unmapped


def _system(parts: Iterable[Part]) -> list[Message]:
    """The instructions without the line by which Claude Code accounts for itself.

    It changes with each request, and would keep every provider of another wire from reading its cache.
    """
    kept = [replace(part, text=_ACCOUNTING.sub("", part.text)) if isinstance(part, Text) else part for part in parts]
    said = tuple(part for part in kept if not isinstance(part, Text) or part.text)
    return [Message("system", said)] if said else []


def _marked(message: Message, lifetime: CacheLifetime) -> Message:
    """The conversation's last turn, where the request as a whole is marked: its last block ends the prefix to keep."""
    match message.parts:
        case (*before, Text() | Image() | Document() | ToolCall() | ToolResult() as last) if last.cache is None:
            return replace(message, parts=(*before, replace(last, cache=lifetime)))
        case _:
            return message


def decode_cache(node: Node) -> CacheLifetime | None:
    """The end of a prompt prefix to keep, and for how long."""
    marker = node.member("cache_control")
    if marker is None:
        return None
    marker.required("type").as_one_of(("ephemeral",))
    ttl = marker.member("ttl")
    return CacheLifetime.FIVE_MINUTES if ttl is None else _LIFETIMES[ttl.as_one_of(tuple(_LIFETIMES))]


def _turns(node: Node, unmapped: Unmapped) -> Iterable[Message]:
    """One message; a user's with tool results in it is two turns, the tools' first."""
    members = node.as_object()
    role = node.required("role").as_one_of(("user", "assistant", "system"))
    for extra in members.keys() - _MEMBERS:
        if members[extra] is not None:
            unmapped[Node(None, node, extra).path] = members[extra]
    if role == "assistant":
        said = said_parts(node, "content", type="text")
        return (Message("assistant", tuple(_block(part, unmapped) for part in said)),)
    parts = _content(node.required("content"), unmapped)
    if role == "system":
        return (Message("system", parts),)
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    others = tuple(part for part in parts if not isinstance(part, ToolResult))
    turns = (Message("tool", results), Message("user", others))
    return [turn for turn in turns if turn.parts or not parts]


def _content(content: Node, unmapped: Unmapped) -> tuple[Part, ...]:
    if isinstance(content.value, str):
        return (Text(content.value),)
    if not isinstance(content.value, list):
        raise content.wrong_type(_CONTENT)
    return tuple(_block(node, unmapped) for node in content.elements())


def _block(node: Node, unmapped: Unmapped) -> Part:
    kind = node.required("type").as_string()
    reader = _BLOCKS.get(kind)
    if reader is None:
        return Opaque(PROTOCOL, orjson.dumps(node.value).decode())
    for name, default in _UNMAPPED.get(kind, {}).items():
        member = node.member(name)
        if member is not None and member.value != default:
            unmapped[member.path] = member.value
    return reader(node, unmapped)


def _text(node: Node, _: Unmapped) -> Part:
    return Text(node.required("text").as_string(), cache=decode_cache(node))


def _image(node: Node, _: Unmapped) -> Part:
    source = node.required("source")
    return Image(_IMAGE_SOURCES[_kind(source, _IMAGE_SOURCES)](source), cache=decode_cache(node))


def _document(node: Node, _: Unmapped) -> Part:
    source, title = node.required("source"), node.member("title")
    kind = _kind(source, _DOCUMENT_SOURCES)
    if kind == "content" and not _is_text_only(source):
        return Opaque(PROTOCOL, orjson.dumps(node.value).decode())
    name = None if title is None else title.as_string()
    return Document(_DOCUMENT_SOURCES[kind](source), name=name, cache=decode_cache(node))


def _kind(source: Node, known: Mapping[str, object]) -> str:
    return source.required("type").as_one_of(tuple(known))


def _base64_image(source: Node) -> MediaSource:
    """Reads a picture of any type. The provider decides which types its model accepts."""
    kind = source.required("media_type")
    if not registered(kind.as_string()).startswith("image/"):
        raise kind.error(f"Invalid '{kind.path}': expected an image's media type.")
    return InlineMedia(source.required("data").as_string(minimum=1), kind.as_string())


def _base64_pdf(source: Node) -> MediaSource:
    kind = source.required("media_type")
    if registered(kind.as_string()) != "application/pdf":
        kind.as_one_of(("application/pdf",))
    return InlineMedia(source.required("data").as_string(minimum=1), kind.as_string())


def _plain_text(source: Node) -> MediaSource:
    kind = source.required("media_type")
    if registered(kind.as_string()) != "text/plain":
        kind.as_one_of(("text/plain",))
    return _as_inline(source.required("data").as_string(minimum=1))


def _is_text_only(source: Node) -> bool:
    content = source.required("content")
    if isinstance(content.value, str):
        return True
    return all(block.required("type").as_string() == "text" for block in content.elements())


def _text_blocks(source: Node) -> MediaSource:
    """A document of text blocks, which other wires know as one text."""
    return _as_inline(_joined(source.required("content")))


def _joined(content: Node) -> str:
    """The text of a string or of text blocks."""
    if isinstance(content.value, str):
        return content.value
    return "\n".join(block.required("text").as_string() for block in content.elements())


def _as_inline(text: str) -> InlineMedia:
    return InlineMedia(base64.b64encode(text.encode()).decode(), "text/plain")


def _url(source: Node) -> MediaSource:
    address = source.required("url")
    if not address.as_string().startswith(("https://", "http://")):
        raise address.error(f"Invalid '{address.path}': expected an http(s) URL.")
    return RemoteMedia(address.as_string())


def _file(source: Node) -> MediaSource:
    return UploadedMedia(source.required("file_id").as_string(minimum=1))


_IMAGE_SOURCES: Mapping[str, Callable[[Node], MediaSource]] = {"base64": _base64_image, "url": _url, "file": _file}
_DOCUMENT_SOURCES: Mapping[str, Callable[[Node], MediaSource]] = {
    "base64": _base64_pdf,
    "text": _plain_text,
    "content": _text_blocks,
    "url": _url,
    "file": _file,
}


def _thinking(node: Node, _: Unmapped) -> Part:
    kept = node.member("signature")
    signature, signed_by = decode_signature("" if kept is None else kept.as_string())
    return Thinking(node.required("thinking").as_string(), signature, signed_by)


def _redacted_thinking(node: Node, _: Unmapped) -> Part:
    data, signed_by = decode_signature(node.required("data").as_string(minimum=1))
    return RedactedThinking(data or "", signed_by)


def _tool_use(node: Node, _: Unmapped) -> Part:
    return ToolCall(
        id=node.required("id").as_string(minimum=1),
        name=node.required("name").as_string(minimum=1),
        arguments=said_arguments(node, "input") or "{}",
        cache=decode_cache(node),
    )


def _tool_result(node: Node, unmapped: Unmapped) -> Part:
    content, is_error = node.member("content"), node.member("is_error")
    return ToolResult(
        call_id=node.required("tool_use_id").as_string(minimum=1),
        parts=() if content is None else _result_content(content, unmapped),
        is_error=is_error is not None and is_error.as_boolean(),
        cache=decode_cache(node),
    )


def _result_content(content: Node, unmapped: Unmapped) -> tuple[Text | Image | Document, ...]:
    """Reads the parts that a tool may answer. Other parts, such as a browser's state, belong to this wire alone."""
    kept: list[Text | Image | Document] = []
    for position, part in enumerate(_content(content, unmapped)):
        if isinstance(part, Text | Image | Document):
            kept.append(part)
        else:
            unmapped[f"{content.path}[{position}]"] = content.value[position]
    return tuple(kept)


def _search_result(node: Node, _: Unmapped) -> Part:
    heading = f"{node.required('title').as_string()}\n{node.required('source').as_string()}"
    return Text(f"{heading}\n\n{_joined(node.required('content'))}", cache=decode_cache(node))


def _tool_reference(node: Node, _: Unmapped) -> Part:
    """A tool that a search has found: other models know it already."""
    return Text(f"Tool found: {node.required('tool_name').as_string()}", cache=decode_cache(node))


_BLOCKS: Mapping[str, Callable[[Node, Unmapped], Part]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "tool_reference": _tool_reference,
}
