"""The pieces a message is made of, in requests and answers alike; every codec matches them exhaustively.

A part holds what its source wire said and no more: base64 stays the text it arrived as, a tool call's arguments stay
the JSON text that the model wrote, signatures are opaque and survive byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


@dataclass(frozen=True, slots=True)
class InlineMedia:
    """Bytes carried in the request, as base64 text."""

    data_base64: str
    media_type: str


@dataclass(frozen=True, slots=True)
class RemoteMedia:
    """Bytes that the provider is to fetch."""

    url: str
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class UploadedMedia:
    """Bytes that were uploaded before, by the id that the upload answered."""

    file_id: str


MediaSource = InlineMedia | RemoteMedia | UploadedMedia


class CacheLifetime(StrEnum):
    """How long a provider keeps a prompt prefix that ends at a marked part."""

    FIVE_MINUTES = "5m"
    ONE_HOUR = "1h"


@dataclass(frozen=True, slots=True)
class Citation:
    """A provider's pointer from an answer to its source, kept as the JSON text it came in."""

    protocol: str
    json_text: str


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text. `signature` is Gemini's thought signature where it sits on a text part."""

    text: str
    cache: CacheLifetime | None = None
    citations: tuple[Citation, ...] = ()
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture; `detail` is OpenAI's low, high or auto."""

    source: MediaSource
    detail: str | None = None
    cache: CacheLifetime | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF or text file."""

    source: MediaSource
    name: str | None = None
    cache: CacheLifetime | None = None


@dataclass(frozen=True, slots=True)
class Audio:
    """A sound, or a video's bytes where a wire knows no other word."""

    source: MediaSource
    cache: CacheLifetime | None = None


@dataclass(frozen=True, slots=True)
class Thinking:
    """A model's reasoning, with the signature its provider wants back unchanged.

    `signed_by` is the protocol that issued the signature: no other would take it.
    """

    text: str
    signature: str | None = None
    signed_by: str | None = None


@dataclass(frozen=True, slots=True)
class RedactedThinking:
    """Reasoning that its provider encrypted; `signed_by` as in `Thinking`."""

    data: str
    signed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A model's own refusal, where a wire tells it from text."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model asks for.

    `arguments` is JSON text exactly as generated, possibly empty or malformed. `signature` is Gemini's thought
    signature. `custom` marks a call with free-text input (OpenAI custom tools).
    """

    id: str
    name: str
    arguments: str
    signature: str | None = None
    custom: bool = False
    cache: CacheLifetime | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the caller's tool answered to the call `call_id`."""

    call_id: str
    parts: tuple[Text | Image | Document | Audio, ...]
    is_error: bool = False
    name: str | None = None
    cache: CacheLifetime | None = None


@dataclass(frozen=True, slots=True)
class Opaque:
    """A block that only its own wire can express, such as a provider's built-in tool; JSON text, as it came."""

    protocol: str
    json_text: str


Part = Text | Image | Document | Audio | Thinking | RedactedThinking | Refusal | ToolCall | ToolResult | Opaque

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `system` covers OpenAI's developer role; `tool` holds only `ToolResult` parts."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
