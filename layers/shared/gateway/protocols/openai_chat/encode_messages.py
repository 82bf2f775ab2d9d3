"""A canonical conversation as this wire's messages, for a provider that did not see it in this form.

Mappings, each with a test: reasoning becomes `reasoning_content`, its signature stays with the gateway;
encrypted reasoning has no reader here and is left out; text files become text; media in a tool's result
follow in a user message, since a tool message holds text only; a failed tool's text says so; cache markers
are dropped, since OpenAI finds prefixes by itself. The rest of what the wire cannot say is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.canonical.parts import (
    Audio,
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
    UploadedMedia,
)
from gateway.protocols.openai_chat.decode_messages import AUDIO_TYPES
from gateway.protocols.openai_chat.encode_answer import encode_tool_call
from gateway.protocols.shared.inexpressible import inexpressible_part, plain_text
from gateway.protocols.shared.openai_members import data_url, encode_content

Encoded = dict[str, Any]

_AUDIO_FORMATS: Mapping[str, str] = {kind: name for name, kind in AUDIO_TYPES.items()}


def encode_messages(messages: tuple[Message, ...], system_role: str) -> list[Encoded]:
    """The conversation; instructions go under `system_role`."""
    return [
        encoded
        for position, message in enumerate(messages)
        for encoded in _ROLES[message.role](message, f"messages[{position}]", system_role)
    ]


def _instruction(message: Message, path: str, system_role: str) -> Iterator[Encoded]:
    yield _named({"role": system_role, "content": encode_content(message.parts, path, _part)}, message)


def _user(message: Message, path: str, _: str) -> Iterator[Encoded]:
    yield _named({"role": "user", "content": encode_content(message.parts, path, _part)}, message)


def _assistant(message: Message, path: str, _: str) -> Iterator[Encoded]:
    """Encodes one message for every order of its parts: the wire keeps text and calls apart."""
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
                raise inexpressible_part(part, f"{path}.content[{position}]")
    if texts:
        turn["content"] = encode_content(tuple(texts), path, _part)
    if len(turn) > 2 or texts:
        yield _named(turn, message)


def _tool(message: Message, path: str, _: str) -> Iterator[Encoded]:
    """A message for each result, and one more for the media among them, behind the last result."""
    media: list[Encoded] = []
    for position, part in enumerate(message.parts):
        here = f"{path}.content[{position}]"
        if not isinstance(part, ToolResult):
            raise inexpressible_part(part, here)
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
            raise inexpressible_part(part, path)


def _image(image: Image, path: str) -> Encoded:
    detail = {} if image.detail is None else {"detail": image.detail}
    match image.source:
        case InlineMedia():
            return {"type": "image_url", "image_url": {"url": data_url(image.source)} | detail}
        case RemoteMedia(url):
            return {"type": "image_url", "image_url": {"url": url} | detail}
        case UploadedMedia():
            raise inexpressible_part(image, path)


def _document(document: Document, path: str) -> Encoded:
    match document.source:
        case InlineMedia(data, media_type) if media_type.startswith("text/"):
            return {"type": "text", "text": plain_text(data, path)}
        case InlineMedia() as source:
            name = document.name or "document"
            return {"type": "file", "file": {"filename": name, "file_data": data_url(source)}}
        case UploadedMedia(file_id):
            return {"type": "file", "file": {"file_id": file_id}}
        case RemoteMedia():
            raise inexpressible_part(document, path)
