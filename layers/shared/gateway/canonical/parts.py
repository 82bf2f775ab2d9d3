"""The parts of a message, in requests and answers alike; every codec matches them exhaustively.

A part holds exactly what its source wire sent. Base64 stays text, a tool call's arguments stay the JSON text that the
model wrote, and signatures are opaque and survive byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Literal

from msgspec import Struct
from msgspec.structs import force_setattr

from gateway.canonical.file_ids import names_own_file
from gateway.canonical.media_types import registered


class InlineMedia(Struct, frozen=True):
    """Bytes carried in the request, as base64 text; the media type is stored in its registered form."""

    data_base64: str
    media_type: str

    def __post_init__(self) -> None:
        force_setattr(self, "media_type", registered(self.media_type))


class RemoteMedia(Struct, frozen=True):
    """Bytes that the provider fetches; the media type is stored in its registered form."""

    url: str
    media_type: str | None = None

    def __post_init__(self) -> None:
        if self.media_type is not None:
            force_setattr(self, "media_type", registered(self.media_type))


class UploadedMedia(Struct, frozen=True):
    """Bytes that were uploaded before, by the upload's id."""

    file_id: str


MediaSource = InlineMedia | RemoteMedia | UploadedMedia


class CacheLifetime(StrEnum):
    """The time for which a provider keeps a prompt prefix that ends at a marked part."""

    FIVE_MINUTES = "5m"
    ONE_HOUR = "1h"


class Citation(Struct, frozen=True):
    """A provider's pointer from an answer to its source, kept as the JSON text it came in."""

    protocol: str
    json_text: str


class Text(Struct, frozen=True):
    """Plain text. `signature` is Gemini's thought signature, if it is on a text part."""

    text: str
    cache: CacheLifetime | None = None
    citations: tuple[Citation, ...] = ()
    signature: str | None = None


class Image(Struct, frozen=True):
    """An image; `detail` is OpenAI's low, high or auto."""

    source: MediaSource
    detail: str | None = None
    cache: CacheLifetime | None = None


class Document(Struct, frozen=True):
    """A PDF or text file."""

    source: MediaSource
    name: str | None = None
    cache: CacheLifetime | None = None


class Audio(Struct, frozen=True):
    """A sound, or a video's bytes on a wire that has no type for video."""

    source: MediaSource
    cache: CacheLifetime | None = None


class Thinking(Struct, frozen=True):
    """A model's reasoning, with the signature its provider wants back unchanged.

    `signed_by` is the protocol that issued the signature: no other would take it.
    """

    text: str
    signature: str | None = None
    signed_by: str | None = None


class RedactedThinking(Struct, frozen=True):
    """Reasoning that its provider encrypted; `signed_by` is the protocol that issued it."""

    data: str
    signed_by: str | None = None


class Refusal(Struct, frozen=True):
    """A model's own refusal, on a wire that separates it from text."""

    text: str


class ToolCall(Struct, frozen=True):
    """A tool call by the model.

    `arguments` is JSON text exactly as generated, possibly empty or malformed. `signature` is Gemini's thought
    signature. `custom` marks a call with free-text input (OpenAI custom tools).
    """

    id: str
    name: str
    arguments: str
    signature: str | None = None
    custom: bool = False
    cache: CacheLifetime | None = None


class ToolResult(Struct, frozen=True):
    """The result that the caller's tool gave for the call `call_id`."""

    call_id: str
    parts: tuple[Text | Image | Document | Audio, ...]
    is_error: bool = False
    name: str | None = None
    cache: CacheLifetime | None = None


class Opaque(Struct, frozen=True):
    """A block that only its own wire can express, such as a provider's built-in tool; unchanged JSON text.

    `generated` is false for what such a tool has found, which the model reads.
    """

    protocol: str
    json_text: str
    generated: bool = True


Part = Text | Image | Document | Audio | Thinking | RedactedThinking | Refusal | ToolCall | ToolResult | Opaque

Role = Literal["system", "user", "assistant", "tool"]


class Message(Struct, frozen=True):
    """One message of a conversation. `system` covers OpenAI's developer role; `tool` holds only `ToolResult` parts."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


def all_parts(messages: Iterable[Message]) -> Iterator[Part]:
    """The parts of a conversation, those inside tool results included."""
    for message in messages:
        for part in message.parts:
            yield part
            if isinstance(part, ToolResult):
                yield from part.parts


def media_in(messages: Iterable[Message]) -> list[Image | Document | Audio]:
    """The media of a conversation, those inside tool results included.

    A body may have 100,000 parts, which are looked at several times: a plain text costs one comparison.
    """
    found: list[Image | Document | Audio] = []
    for message in messages:
        for part in message.parts:
            if type(part) is Text:
                continue
            if isinstance(part, ToolResult):
                found += [each for each in part.parts if isinstance(each, Image | Document | Audio)]
            elif isinstance(part, Image | Document | Audio):
                found.append(part)
    return found


def input_kind(part: Part) -> str | None:
    """The catalog's word for the kind of input that the part is; none for text, and for an upload that is not read."""
    match part:
        case Image(UploadedMedia(file_id)) | Document(UploadedMedia(file_id)) if names_own_file(file_id):
            return None
        case Image():
            return "image"
        case Document(InlineMedia(media_type=media_type)) if media_type.startswith("text/"):
            return None
        case Document():
            return "file"
        case Audio():
            return "audio"
        case _:
            return None
