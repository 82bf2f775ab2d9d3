"""Input items to canonical messages: what one turn said, thought and called is one message (field case E9).

Items are those of https://platform.openai.com/docs/api-reference/responses/create#responses-create-input. What only
providers of this wire can read, such as the calls of their own tools, goes to `unmapped` under its path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.canonical.parts import (
    Audio,
    CacheLifetime,
    Document,
    Image,
    InlineMedia,
    MediaSource,
    Message,
    Part,
    Refusal,
    RemoteMedia,
    Role,
    Text,
    ToolCall,
    ToolResult,
    UploadedMedia,
)
from gateway.protocols.openai_responses.decode_tools import qualified_name
from gateway.protocols.openai_responses.signatures import decode_reasoning
from gateway.protocols.shared.document import Node
from gateway.protocols.shared.replayed import said_arguments, said_parts

AUDIO_TYPES: Mapping[str, str] = {"wav": "audio/wav", "mp3": "audio/mpeg"}

_ROLES: Mapping[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_CONTENT = "one of a string or array of objects"
# The wire knows other times; each becomes the longest one that is not longer.
_LIFETIMES: Mapping[str, CacheLifetime] = {
    "5m": CacheLifetime.FIVE_MINUTES,
    "30m": CacheLifetime.FIVE_MINUTES,
    "1h": CacheLifetime.ONE_HOUR,
    "12h": CacheLifetime.ONE_HOUR,
}
# Turns whose items follow one another as one message.
_JOINED = frozenset({"assistant", "tool"})

Unmapped = dict[str, Any]
Turn = tuple[Role, list[Part]]


def decode_input(given: Node, unmapped: Unmapped) -> tuple[Message, ...]:
    """The conversation; a string is a user's message."""
    if isinstance(given.value, str):
        return (Message("user", (Text(given.value),)),)
    if not isinstance(given.value, list):
        raise given.wrong_type("one of a string or array of objects")
    turns: list[Turn] = []
    for node in given.elements():
        role, parts = _turn(node, unmapped)
        if turns and turns[-1][0] == role and role in _JOINED:
            turns[-1][1].extend(parts)
        elif parts:
            turns.append((role, parts))
    return tuple(Message(role, tuple(parts)) for role, parts in turns)


def _turn(node: Node, unmapped: Unmapped) -> Turn:
    """Reads an item's role and content; an item without a type is a message."""
    kind = node.member("type")
    word = "message" if kind is None else kind.as_string()
    decode = _ITEMS.get(word)
    if decode is None:
        unmapped[node.path] = node.value
        return "assistant", []
    return decode(node, unmapped)


def _message(node: Node, unmapped: Unmapped) -> Turn:
    role = _ROLES[node.required("role").as_one_of(tuple(_ROLES))]
    if role == "assistant":
        return role, _listed(said_parts(node, "content", type="output_text"), unmapped)
    return role, _content(node.required("content"), unmapped)


def _call(node: Node, _: Unmapped) -> Turn:
    return "assistant", [ToolCall(_call_id(node), _called(node), said_arguments(node, "arguments"))]


def _custom_call(node: Node, _: Unmapped) -> Turn:
    return "assistant", [ToolCall(_call_id(node), _called(node), node.required("input").as_string(), custom=True)]


def _called(node: Node) -> str:
    namespace = node.member("namespace")
    name = node.required("name").as_string(minimum=1)
    return name if namespace is None else qualified_name(namespace.as_string(), name)


def _call_id(node: Node) -> str:
    return node.required("call_id").as_string(minimum=1)


def _result(node: Node, unmapped: Unmapped) -> Turn:
    parts = _content(node.required("output"), unmapped)
    kept = tuple(part for part in parts if isinstance(part, Text | Image | Document | Audio))
    if len(kept) < len(parts):
        raise node.required("output").error("A tool's output holds text, images and files only.")
    return "tool", [ToolResult(_call_id(node), kept)]


def _reasoning(node: Node, _: Unmapped) -> Turn:
    texts = [text for name in ("summary", "content") for text in _texts(node, name)]
    encrypted = node.member("encrypted_content")
    return "assistant", list(decode_reasoning(texts, "" if encrypted is None else encrypted.as_string()))


def _texts(node: Node, name: str) -> list[str]:
    return [part.required("text").as_string() for part in said_parts(node, name)]


_ITEMS: Mapping[str, Callable[[Node, Unmapped], Turn]] = {
    "message": _message,
    "function_call": _call,
    "custom_tool_call": _custom_call,
    "function_call_output": _result,
    "custom_tool_call_output": _result,
    "reasoning": _reasoning,
}


def _content(content: Node, unmapped: Unmapped) -> list[Part]:
    if isinstance(content.value, str):
        return [Text(content.value)]
    if not isinstance(content.value, list):
        raise content.wrong_type(_CONTENT)
    return _listed(content.elements(), unmapped)


def _listed(nodes: Iterable[Node], unmapped: Unmapped) -> list[Part]:
    parts = []
    for node in nodes:
        decode = _PARTS.get(node.required("type").as_string())
        if decode is None:
            unmapped[node.path] = node.value
        else:
            parts.append(decode(node))
    return parts


def _text(node: Node) -> Part:
    return Text(node.required("text").as_string(), cache=_cache(node))


def _refusal(node: Node) -> Part:
    return Refusal(node.required("refusal").as_string())


def _image(node: Node) -> Part:
    url, detail = node.member("image_url"), node.member("detail")
    source = _uploaded(node, "image_url") if url is None else _address(url)
    return Image(source, detail=None if detail is None else detail.as_string(), cache=_cache(node))


def _file(node: Node) -> Part:
    data, url, name = node.member("file_data"), node.member("file_url"), node.member("filename")
    if data is not None:
        source = _file_data(data)
    elif url is not None:
        source = _address(url)
    else:
        source = _uploaded(node, "file_data")
    return Document(source, name=None if name is None else name.as_string(), cache=_cache(node))


def _audio(node: Node) -> Part:
    audio = node.required("input_audio")
    kind = audio.required("format").as_one_of(tuple(AUDIO_TYPES))
    return Audio(InlineMedia(audio.required("data").as_string(minimum=1), AUDIO_TYPES[kind]), cache=_cache(node))


def _uploaded(node: Node, otherwise: str) -> MediaSource:
    """The id of an upload; without one, the member `otherwise` is what is missing."""
    identity = node.member("file_id")
    return UploadedMedia((node.required(otherwise) if identity is None else identity).as_string(minimum=1))


def _file_data(data: Node) -> MediaSource:
    """A data URL, or bare base64, which OpenAI takes for a PDF."""
    text = data.as_string(minimum=1)
    return _address(data) if text.startswith("data:") else InlineMedia(text, "application/pdf")


def _address(url: Node) -> MediaSource:
    """A data URL (RFC 2397, base64) or a web address."""
    text = url.as_string(minimum=1)
    if text.startswith(("https://", "http://")):
        return RemoteMedia(text)
    head, comma, data = text.partition(",")
    media_type, _, encoding = head.removeprefix("data:").rpartition(";")
    if not head.startswith("data:") or not comma or encoding != "base64" or "/" not in media_type:
        raise url.error(
            f"Invalid '{url.path}': expected an http(s) URL or a base64-encoded data URL with a media type "
            "(e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU=')."
        )
    return InlineMedia(data, media_type)


def _cache(node: Node) -> CacheLifetime | None:
    """The end of a prompt prefix to keep."""
    marker = node.member("prompt_cache_breakpoint")
    if marker is None:
        return None
    ttl = marker.member("ttl")
    return CacheLifetime.FIVE_MINUTES if ttl is None else _LIFETIMES[ttl.as_one_of(tuple(_LIFETIMES))]


_PARTS: Mapping[str, Callable[[Node], Part]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
    "refusal": _refusal,
}
