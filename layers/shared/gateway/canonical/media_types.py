"""Media types in their registered form (https://www.iana.org/assignments/media-types): lower case, no parameters.

Callers write the name that a browser or a file name gave them: `image/jpg`, `image/PNG`, `image/png;charset=utf-8`.
"""

from __future__ import annotations

from collections.abc import Mapping

_REGISTERED: Mapping[str, str] = {
    "application/x-pdf": "application/pdf",
    "audio/mp3": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "text/x-markdown": "text/markdown",
}
# First bytes of an image, in base64.
_BEGINNINGS: Mapping[str, str] = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGODdh": "image/gif",
    "R0lGODlh": "image/gif",
    "UklGR": "image/webp",
}


def registered(media_type: str) -> str:
    """The registered form of a caller's media type."""
    plain = media_type.partition(";")[0].strip().lower()
    return _REGISTERED.get(plain, plain)


def type_of_image(data_base64: str) -> str | None:
    """The media type that an image's first bytes show; `None` if they match no known type."""
    return next((kind for start, kind in _BEGINNINGS.items() if data_base64.startswith(start)), None)
