"""A canonical conversation as this wire's input items, for a provider that did not see it in this form.

Mappings, each with a test: reasoning goes only to the protocol that issued its signature, other reasoning is left out;
text files become text; a failed tool's output says so; cache markers are dropped, since OpenAI finds prefixes by
itself. The rest of what the wire cannot say is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
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
from gateway.protocols.openai_responses.answer import PROTOCOL
from gateway.protocols.shared.inexpressible import inexpressible_part, plain_text
from gateway.protocols.shared.openai_members import data_url, encode_content

Item = dict[str, Any]


def encode_input(messages: tuple[Message, ...], system_role: str) -> list[Item]:
    """The conversation; instructions go under `system_role`."""
    calls = (part for message in messages for part in message.parts if isinstance(part, ToolCall))
    custom = {call.id for call in calls if call.custom}
    return [
        item for position, message in enumerate(messages) for item in _items(message, position, system_role, custom)
    ]


def _items(message: Message, position: int, system_role: str, custom: Collection[str]) -> Iterable[Item]:
    path = f"messages[{position}]"
    match message.role:
        case "system":
            return [{"role": system_role, "content": encode_content(message.parts, path, _part)}]
        case "user":
            return [{"role": "user", "content": encode_content(message.parts, path, _part)}]
        case "assistant":
            return _assistant(message.parts, path)
        case "tool":
            return [_result(part, path, custom) for part in message.parts]


def _assistant(parts: tuple[Part, ...], path: str) -> Iterator[Item]:
    """Encodes texts, thoughts and calls in order; adjacent texts are one message."""
    said: list[Item] = []
    summary: list[Item] = []
    for position, part in enumerate(parts):
        piece = _said(part)
        if piece is not None:
            said.append(piece)
            continue
        if said:
            yield _spoken(said)
            said = []
        match part:
            case Thinking(text, signature, signed_by):
                summary += [{"type": "summary_text", "text": text}] if text else []
                if signature and signed_by == PROTOCOL:
                    yield {"type": "reasoning", "summary": summary, "encrypted_content": signature}
                summary = summary if signature is None else []
            case RedactedThinking(data, signed_by):
                if signed_by == PROTOCOL:
                    yield {"type": "reasoning", "summary": [], "encrypted_content": data}
            case ToolCall():
                yield _call(part)
            case _:
                raise inexpressible_part(part, f"{path}.content[{position}]")
    if said:
        yield _spoken(said)


def _said(part: Part) -> Item | None:
    match part:
        case Text(text):
            return {"type": "output_text", "text": text}
        case Refusal(text):
            return {"type": "refusal", "refusal": text}
        case _:
            return None


def _spoken(said: list[Item]) -> Item:
    """Texts are one string, the form in which an answer comes back without the id that its provider gave it."""
    if all(piece["type"] == "output_text" for piece in said):
        return {"role": "assistant", "content": "".join(piece["text"] for piece in said)}
    return {"type": "message", "role": "assistant", "content": said}


def _call(call: ToolCall) -> Item:
    if call.custom:
        return {"type": "custom_tool_call", "call_id": call.id, "name": call.name, "input": call.arguments}
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}


def _result(part: Part, path: str, custom: Collection[str]) -> Item:
    if not isinstance(part, ToolResult):
        raise inexpressible_part(part, path)
    kind = "custom_tool_call_output" if part.call_id in custom else "function_call_output"
    output = encode_content(part.parts, path, _part)
    if part.is_error:
        output = f"Error: {output}" if isinstance(output, str) else [{"type": "input_text", "text": "Error:"}, *output]
    return {"type": kind, "call_id": part.call_id, "output": output}


def _part(part: Part, path: str) -> Item:
    match part:
        case Text(text):
            return {"type": "input_text", "text": text}
        case Image(source, detail):
            return {"type": "input_image", "detail": detail or "auto", **_IMAGE_SOURCES[type(source)](source)}
        case Document(InlineMedia(data, media_type)) if media_type.startswith("text/"):
            return {"type": "input_text", "text": plain_text(data, path)}
        case Document(source, name):
            return {"type": "input_file", **_FILE_SOURCES[type(source)](source, name)}
        case Audio() | Thinking() | RedactedThinking() | Refusal() | ToolCall() | ToolResult() | Opaque():
            raise inexpressible_part(part, path)


_IMAGE_SOURCES: Mapping[type, Callable[[Any], Item]] = {
    InlineMedia: lambda source: {"image_url": data_url(source)},
    RemoteMedia: lambda source: {"image_url": source.url},
    UploadedMedia: lambda source: {"file_id": source.file_id},
}
# Bytes need a name to be taken for a file.
_FILE_SOURCES: Mapping[type, Callable[[Any, str | None], Item]] = {
    InlineMedia: lambda source, name: {"filename": name or "document", "file_data": data_url(source)},
    RemoteMedia: lambda source, _: {"file_url": source.url},
    UploadedMedia: lambda source, _: {"file_id": source.file_id},
}
