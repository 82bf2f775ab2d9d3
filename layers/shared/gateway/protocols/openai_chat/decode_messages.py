"""Messages and their parts to canonical form, with what only this wire can say kept apart under its path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.canonical.cache_marks import marked
from gateway.canonical.parts import (
    Audio,
    CacheLifetime,
    Document,
    Image,
    InlineMedia,
    MediaSource,
    Message,
    Opaque,
    Part,
    Refusal,
    RemoteMedia,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    UploadedMedia,
)
from gateway.protocols.openai_chat.answer import PROTOCOL
from gateway.protocols.shared.document import Node
from gateway.protocols.shared.replayed import said_arguments, said_parts

AUDIO_TYPES: Mapping[str, str] = {"wav": "audio/wav", "mp3": "audio/mpeg"}

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
# Dialects of the wire have parts of their own, which only the same wire can carry.
_DIALECT_PARTS = frozenset({"audio_url", "document_url", "input_video", "thinking", "video_url"})
# `annotations` and what follows them is carried by answers and sent back with the history; it tells the next turn
# nothing.
_KNOWN = frozenset(
    {
        "content",
        "function_call",
        "name",
        "reasoning",
        "reasoning_content",
        "refusal",
        "role",
        "tool_call_id",
        "tool_calls",
        "cache_control",
        "annotations",
        "channel",
        "executed_tools",
        "index",
        "reasoning_details",
    }
)
_CONTENT = "one of a string or array of objects"
# OpenAI's prompt_cache_breakpoint knows other times; each becomes the longest one that is not longer.
_LIFETIMES: Mapping[str, CacheLifetime] = {
    "5m": CacheLifetime.FIVE_MINUTES,
    "30m": CacheLifetime.FIVE_MINUTES,
    "1h": CacheLifetime.ONE_HOUR,
    "12h": CacheLifetime.ONE_HOUR,
}


def decode_messages(messages: Node) -> tuple[tuple[Message, ...], dict[str, Any]]:
    """The conversation, and the members of its messages that no other wire is known to express, by their
    path.
    """
    unmapped: dict[str, Any] = {}
    legacy_calls: list[ToolCall] = []
    decoded = tuple(_message(node, legacy_calls, unmapped) for node in messages.elements(minimum=1))
    return decoded, unmapped


def _message(node: Node, legacy_calls: list[ToolCall], unmapped: dict[str, Any]) -> Message:
    """One turn. `legacy_calls` are the calls so far that had no id of their own."""
    members = node.as_object()
    word = node.required("role").as_one_of(tuple(_ROLES))
    for extra in members.keys() - _KNOWN:
        if members[extra] is not None:
            unmapped[Node(None, node, extra).path] = members[extra]
    name = node.member("name")
    return Message(
        role=_ROLES[word],
        parts=marked(_DECODERS[word](node, legacy_calls), decode_cache(node)),
        name=None if name is None or word == "function" else name.as_string(),
    )


def _instruction(node: Node, _: list[ToolCall]) -> tuple[Part, ...]:
    return _content(node.required("content"), _TEXT_PARTS)


def _user(node: Node, _: list[ToolCall]) -> tuple[Part, ...]:
    return _content(node.required("content"), _USER_PARTS)


def _assistant(node: Node, legacy_calls: list[ToolCall]) -> tuple[Part, ...]:
    parts: list[Part] = []
    thinking = node.member("reasoning_content") or node.member("reasoning")
    if thinking is not None and isinstance(thinking.value, str):
        parts.append(Thinking(thinking.value))
    refusal = node.member("refusal")
    calls, function_call = node.member("tool_calls"), node.member("function_call")
    parts += [_part(part, _ASSISTANT_PARTS) for part in said_parts(node, "content", type="text")]
    if refusal is not None:
        parts.append(Refusal(refusal.as_string()))
    if calls is not None:
        parts += [_tool_call(call) for call in calls.elements()]
    if function_call is not None:
        parts.append(_legacy_call(function_call, legacy_calls))
    # An answer that ended before it said anything has null for content; clients leave null out as they send it back.
    return tuple(parts)


def _tool(node: Node, _: list[ToolCall]) -> tuple[Part, ...]:
    parts = _content(node.required("content"), _USER_PARTS)
    kept = tuple(part for part in parts if isinstance(part, Text | Image | Document | Audio))
    if len(kept) < len(parts):
        raise node.required("content").error("A tool message holds text and media only.")
    name = node.member("name")
    return (
        ToolResult(
            call_id=node.required("tool_call_id").as_string(),
            parts=kept,
            name=None if name is None else name.as_string(),
        ),
    )


def _function(node: Node, legacy_calls: list[ToolCall]) -> tuple[Part, ...]:
    """A legacy function's result answers the last call of that name."""
    name = node.required("name").as_string()
    content = node.member("content")
    text = "" if content is None else content.as_string()
    call_id = next((call.id for call in reversed(legacy_calls) if call.name == name), f"call_{name}")
    return (ToolResult(call_id=call_id, parts=(Text(text),), name=name),)


_DECODERS: Mapping[str, Callable[[Node, list[ToolCall]], tuple[Part, ...]]] = {
    "system": _instruction,
    "developer": _instruction,
    "user": _user,
    "assistant": _assistant,
    "tool": _tool,
    "function": _function,
}


def _tool_call(node: Node) -> ToolCall:
    identity = node.required("id").as_string()
    custom = node.member("custom")
    if custom is not None:
        name, text = custom.required("name"), custom.required("input")
        return ToolCall(identity, name.as_string(), text.as_string(), custom=True)
    function = node.required("function")
    return ToolCall(identity, function.required("name").as_string(), said_arguments(function, "arguments"))


def _legacy_call(node: Node, legacy_calls: list[ToolCall]) -> ToolCall:
    """A call of the wire's first manner had no id; it gets one from its name and place."""
    name = node.required("name").as_string()
    call = ToolCall(f"call_{len(legacy_calls)}_{name}", name, said_arguments(node, "arguments"))
    legacy_calls.append(call)
    return call


def _content(content: Node, allowed: tuple[str, ...]) -> tuple[Part, ...]:
    if isinstance(content.value, str):
        return (Text(content.value),)
    if not isinstance(content.value, list):
        raise content.wrong_type(_CONTENT)
    return tuple(_part(node, allowed) for node in content.elements())


def _part(node: Node, allowed: tuple[str, ...]) -> Part:
    kind_node = node.required("type")
    kind = kind_node.as_string()
    if kind in _DIALECT_PARTS:
        return Opaque(PROTOCOL, orjson.dumps(node.value).decode())
    if kind not in allowed:
        raise kind_node.unsupported(kind, allowed)
    return _PARTS[kind](node)


def _text(node: Node) -> Part:
    return Text(node.required("text").as_string(), cache=decode_cache(node))


def _refusal(node: Node) -> Part:
    return Refusal(node.required("refusal").as_string())


def _image(node: Node) -> Part:
    image = node.required("image_url")
    detail = image.member("detail")
    return Image(
        source=_address(image.required("url")),
        detail=None if detail is None else detail.as_string(),
        cache=decode_cache(node),
    )


def _address(url: Node) -> MediaSource:
    """A data URL (RFC 2397, base64), a web address, or the id of an upload."""
    text = url.as_string(minimum=1)
    if text.startswith("data:"):
        return _data_url(url)
    if text.startswith(("https://", "http://")):
        return RemoteMedia(text)
    if text.startswith(("file-", "file_")):
        return UploadedMedia(text)
    raise url.error(f"Invalid '{url.path}': expected a base64 data URL or an http(s) URL.", "invalid_image_url")


def _data_url(url: Node) -> InlineMedia:
    head, comma, data = url.as_string().partition(",")
    media_type, _, encoding = head.removeprefix("data:").rpartition(";")
    if not comma or encoding != "base64" or "/" not in media_type:
        raise url.error(
            f"Invalid '{url.path}': expected a base64-encoded data URL with a media type "
            "(e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU=')."
        )
    return InlineMedia(data, media_type)


def _audio(node: Node) -> Part:
    audio = node.required("input_audio")
    kind = audio.required("format").as_one_of(tuple(AUDIO_TYPES))
    return Audio(InlineMedia(audio.required("data").as_string(minimum=1), AUDIO_TYPES[kind]), cache=decode_cache(node))


def _file(node: Node) -> Part:
    file = node.required("file")
    data, identity, name = file.member("file_data"), file.member("file_id"), file.member("filename")
    if data is not None:
        source: MediaSource = _file_data(data)
    elif identity is not None:
        source = UploadedMedia(identity.as_string(minimum=1))
    else:
        source = _file_data(file.required("file_data"))
    return Document(source, name=None if name is None else name.as_string(), cache=decode_cache(node))


def _file_data(data: Node) -> MediaSource:
    """A data URL, or bare base64, which OpenAI takes for a PDF."""
    text = data.as_string(minimum=1)
    return _address(data) if text.startswith(("data:", "https://")) else InlineMedia(text, "application/pdf")


def decode_cache(node: Node) -> CacheLifetime | None:
    """The end of a prompt prefix to keep: OpenAI's breakpoint, or `cache_control` of gateways that speak this
    wire.
    """
    marker = node.member("prompt_cache_breakpoint") or node.member("cache_control")
    if marker is None:
        return None
    ttl = marker.member("ttl")
    return CacheLifetime.FIVE_MINUTES if ttl is None else _LIFETIMES[ttl.as_one_of(tuple(_LIFETIMES))]


_PARTS: Mapping[str, Callable[[Node], Part]] = {
    "text": _text,
    "image_url": _image,
    "input_audio": _audio,
    "file": _file,
    "refusal": _refusal,
}
_TEXT_PARTS = ("text",)
_USER_PARTS = ("text", "image_url", "input_audio", "file")
_ASSISTANT_PARTS = ("text", "refusal")
