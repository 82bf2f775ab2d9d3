"""A canonical conversation as this wire's messages, for a provider that did not see it in this form.

Mappings, each with a test: reasoning becomes `reasoning_content`, its signature stays with the gateway;
encrypted reasoning has no reader here and is left out; text files become text; media in a tool's result
follow in a user message, since a tool message holds text only; a failed tool's text says so; cache markers
are dropped, since OpenAI finds prefixes by itself. The rest of what the wire cannot say is refused by name.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gateway.canonical.parts import (
    Audio,
    Document,
    Image,
    InlineMedia,
    Message,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    RemoteMedia,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    UploadedMedia,
)
from gateway.errors import InvalidRequest
from gateway.protocols.openai_chat.decode_messages import AUDIO_TYPES
from gateway.protocols.openai_chat.encode_answer import encode_tool_call

Encoded = dict[str, Any]

_AUDIO_FORMATS: Mapping[str, str] = {kind: name for name, kind in AUDIO_TYPES.items()} | {
    "audio/mp3": "mp3",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
}


def encode_messages(messages: tuple[Message, ...], system_role: str) -> list[Encoded]:
    """The conversation; instructions go under `system_role`."""
    return [
        encoded
        for position, message in enumerate(messages)
        for encoded in _ROLES[message.role](message, f"messages[{position}]", system_role)
    ]


def _instruction(message: Message, path: str, system_role: str) -> Iterator[Encoded]:
    yield _named({"role": system_role, "content": _content(message.parts, path)}, message)


def _user(message: Message, path: str, _: str) -> Iterator[Encoded]:
    yield _named({"role": "user", "content": _content(message.parts, path)}, message)


def _assistant(message: Message, path: str, _: str) -> Iterator[Encoded]:
    """One message whatever the order of its parts: the wire keeps text and calls apart."""
    turn: Encoded = {"role": "assistant", "content": None}
    texts: list[Part] = []
    for position, part in enumerate(message.parts):
        match part:
            case Text():
                texts.append(part)
            case Thinking(text):
                turn["reasoning_content"] = turn.get("reasoning_content", "") + text
            case Refusal(text):
                turn["refusal"] = turn.get("refusal", "") + text
            case ToolCall():
                turn.setdefault("tool_calls", []).append(encode_tool_call(part))
            case RedactedThinking():
                pass
            case _:
                raise _inexpressible(part, f"{path}.content[{position}]")
    if texts:
        turn["content"] = _content(tuple(texts), path)
    if len(turn) > 2 or texts:
        yield _named(turn, message)


def _tool(message: Message, path: str, _: str) -> Iterator[Encoded]:
    """A message for each result, and one more for the media among them, behind the last result."""
    media: list[Encoded] = []
    for position, part in enumerate(message.parts):
        here = f"{path}.content[{position}]"
        if not isinstance(part, ToolResult):
            raise _inexpressible(part, here)
        yield {"role": "tool", "tool_call_id": part.call_id, "content": _result_text(part)}
        shown = [piece for piece in part.parts if not isinstance(piece, Text)]
        if shown:
            media.append({"type": "text", "text": f"Media returned by the tool call {part.call_id}:"})
            media += [_part(piece, here) for piece in shown]
    if media:
        yield {"role": "user", "content": media}


_ROLES: Mapping[str, Callable[[Message, str, str], Iterator[Encoded]]] = {
    "system": _instruction,
    "user": _user,
    "assistant": _assistant,
    "tool": _tool,
}


def _named(turn: Encoded, message: Message) -> Encoded:
    return turn if message.name is None else turn | {"name": message.name}


def _result_text(result: ToolResult) -> str:
    text = "\n".join(piece.text for piece in result.parts if isinstance(piece, Text))
    return f"Error: {text}" if result.is_error else text


def _content(parts: Iterable[Part], path: str) -> str | list[Encoded]:
    """A plain string where there is one plain text, which every dialect reads."""
    listed = list(parts)
    if len(listed) == 1 and isinstance(listed[0], Text):
        return listed[0].text
    return [_part(part, f"{path}.content[{position}]") for position, part in enumerate(listed)]


def _part(part: Part, path: str) -> Encoded:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image():
            return _image(part, path)
        case Document():
            return _document(part, path)
        case Audio(InlineMedia(data, media_type)) if media_type in _AUDIO_FORMATS:
            return {"type": "input_audio", "input_audio": {"data": data, "format": _AUDIO_FORMATS[media_type]}}
        case _:
            raise _inexpressible(part, path)


def _image(image: Image, path: str) -> Encoded:
    detail = {} if image.detail is None else {"detail": image.detail}
    match image.source:
        case InlineMedia():
            return {"type": "image_url", "image_url": {"url": _data_url(image.source)} | detail}
        case RemoteMedia(url):
            return {"type": "image_url", "image_url": {"url": url} | detail}
        case UploadedMedia():
            raise _inexpressible(image, path)


def _document(document: Document, path: str) -> Encoded:
    match document.source:
        case InlineMedia(data, media_type) if media_type.startswith("text/"):
            return {"type": "text", "text": _plain_text(data, path)}
        case InlineMedia() as source:
            name = document.name or "document"
            return {"type": "file", "file": {"filename": name, "file_data": _data_url(source)}}
        case UploadedMedia(file_id):
            return {"type": "file", "file": {"file_id": file_id}}
        case RemoteMedia():
            raise _inexpressible(document, path)


def _data_url(media: InlineMedia) -> str:
    return f"data:{media.media_type};base64,{media.data_base64}"


def _plain_text(data_base64: str, path: str) -> str:
    try:
        return base64.b64decode(data_base64, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidRequest(f"Invalid '{path}': expected base64 of UTF-8 text.", param=path) from None


def _inexpressible(part: Part, path: str) -> InvalidRequest:
    kind = f"{part.protocol} content" if isinstance(part, Opaque) else type(part).__name__.lower()
    message = f"Invalid '{path}': this {kind} cannot be expressed for this model's provider."
    return InvalidRequest(message, param=path, code="unsupported_content")
