"""Reads what a picture says of itself at its beginning: format, width and height, and whether it can be transparent.

Pure, and forgiving: what cannot be read is not known. `pictures` judges whether a file is a sound picture.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from msgspec import Struct

# A JPEG's frame follows its metadata, of which one segment has 64 KB at most.
FACTS_BYTES = 256 * 1024

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PNG_ALPHA = frozenset({4, 6})
_VP8X_ALPHA = 0x10
_SIDE_14_BITS = 0x3FFF


class PictureFacts(Struct, frozen=True):
    """The format in OpenAI's word for it; `alpha` is true for a picture that has a channel of transparency."""

    form: str
    width: int
    height: int
    alpha: bool


def facts_of(head: bytes) -> PictureFacts | None:
    """The facts of the picture that begins with these bytes, `FACTS_BYTES` or all of it; nothing if it is none."""
    for signature, offset, read in _READERS:
        if head.startswith(signature, offset):
            try:
                return read(head)
            except (IndexError, struct.error):
                return None
    return None


def _png(head: bytes) -> PictureFacts:
    """https://www.w3.org/TR/png-3/#11IHDR; a tRNS chunk stands before the first IDAT."""
    width, height = struct.unpack_from(">II", head, 16)
    before_pixels = head[33:found] if (found := head.find(b"IDAT")) > 0 else head[33:]
    return PictureFacts("png", width, height, head[25] in _PNG_ALPHA or b"tRNS" in before_pixels)


def _jpeg(head: bytes) -> PictureFacts:
    """https://www.w3.org/Graphics/JPEG/itu-t81.pdf: segments up to the frame's header."""
    at = 2
    while head[at] == 0xFF:
        marker = head[at + 1]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", head, at + 5)
            return PictureFacts("jpeg", width, height, alpha=False)
        # A fill byte precedes the marker, or the segment states its length.
        at += 1 if marker == 0xFF else 2 + struct.unpack_from(">H", head, at + 2)[0]
    raise IndexError


def _webp(head: bytes) -> PictureFacts:
    """https://developers.google.com/speed/webp/docs/riff_container: the first chunk is the picture's or the canvas'."""
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        return PictureFacts("webp", width, height, bool(head[20] & _VP8X_ALPHA))
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        width, height = (bits & _SIDE_14_BITS) + 1, (bits >> 14 & _SIDE_14_BITS) + 1
        return PictureFacts("webp", width, height, bool(bits >> 28 & 1))
    width, height = struct.unpack_from("<HH", head, 26)
    return PictureFacts("webp", width & _SIDE_14_BITS, height & _SIDE_14_BITS, alpha=False)


def _gif(head: bytes) -> PictureFacts:
    width, height = struct.unpack_from("<HH", head, 6)
    return PictureFacts("gif", width, height, alpha=False)


_READERS: tuple[tuple[bytes, int, Callable[[bytes], PictureFacts]], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, _png),
    (b"\xff\xd8", 0, _jpeg),
    (b"WEBP", 8, _webp),
    (b"GIF8", 0, _gif),
)
