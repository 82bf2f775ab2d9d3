"""Images, documents, sounds and videos as Converse's blocks: bytes, in base64.

The wire names formats, not media types, and fetches from S3 only, which it would do with the gateway's own rights
and so for no caller: an address is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.canonical.parts import Audio, Document, Image, InlineMedia, MediaSource
from gateway.errors import InvalidRequest

Encoded = dict[str, Any]

_IMAGES: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
_DOCUMENTS: Mapping[str, str] = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_SOUNDS: Mapping[str, str] = {
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/webm": "webm",
}
_VIDEOS: Mapping[str, str] = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/x-matroska": "mkv",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/x-ms-wmv": "wmv",
    "video/3gpp": "three_gp",
}
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9()\[\]-]+")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_NAME_CHARACTERS_MAX = 190


class Media:
    """The media of one conversation. The wire wants a name for each document, and no name twice in a request."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def encode(self, part: Image | Document | Audio, path: str) -> Encoded:
        """The part's block; raises `InvalidRequest` for a format or a source that the wire has not."""
        match part:
            case Image(source):
                return {"image": _media(source, _IMAGES, path)}
            case Document(source, name):
                return {"document": _media(source, _DOCUMENTS, path) | {"name": self._name(name or "")}}
            case Audio(InlineMedia(media_type=media_type) as source) if media_type.startswith("video/"):
                return {"video": _media(source, _VIDEOS, path)}
            case Audio(source):
                return {"audio": _media(source, _SOUNDS, path)}

    def _name(self, given: str) -> str:
        """Returns the name in the wire's letters.

        From its second use on it is numbered, in upper or lower case alike.
        """
        plain = _NOT_IN_A_NAME.sub(" ", _EXTENSION.sub("", given)).strip()[:_NAME_CHARACTERS_MAX].strip() or "document"
        name, number = plain, 1
        while name.casefold() in self._names:
            number += 1
            name = f"{plain} {number}"
        self._names.add(name.casefold())
        return name


def _media(source: MediaSource, formats: Mapping[str, str], path: str) -> Encoded:
    match source:
        case InlineMedia(data, media_type):
            return {"format": _format(media_type, formats, path), "source": {"bytes": data}}
        case _:
            message = f"Invalid '{path}': this model's provider takes media inline only, as base64."
            raise InvalidRequest(message, param=path, code="unsupported_content")


def _format(media_type: str, formats: Mapping[str, str], path: str) -> str:
    if media_type in formats:
        return formats[media_type]
    # Sources of programs and the like: a text of any kind.
    if media_type.startswith("text/") and "text/plain" in formats:
        return formats["text/plain"]
    known = ", ".join(f"'{known}'" for known in formats)
    message = f"Invalid '{path}': unsupported media type '{media_type[:100]}'. Supported are: {known}."
    raise InvalidRequest(message, param=path, code="unsupported_content")
