"""Checks images from the first byte to the last, so that they carry nothing else. Pure.

An image ends where its format says. Additions of phones and cameras are known and accepted: zero bytes, further JPEGs
(MPF: previews, depth and gain maps) and the clip of a motion photo (Google's and Samsung's). Metadata may hold anything
except code that a server or a browser would run, and the directory of an archive, which is read from a file's end.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from gateway.untrusted.containers import Malformed, Parts, boxes_end, no_archive

SIDE_PIXELS_MAX = 65_535
# Above any camera's; decoded, such an image takes a gigabyte.
PIXELS_MAX = 268_435_456
# A GIF's width and height follow its signature. From 8224 on both bytes of one can be printable, and "GIF89a/*" begins
# a script; no image is that large in 256 colours.
GIF_SIDE_PIXELS_MAX = 8191
# Marks of PHP, JSP and HTML, which would run if the file were taken for a page or a script. None is shorter: every
# large image contains three given bytes by chance.
_ACTIVE = re.compile(rb"<\?php\s|<%@ ?page|<script[\s>]|<!doctype html|<html[\s>]", re.IGNORECASE)
_PADDING = re.compile(rb"\x00+")

_PNG_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
# Only these markers occur in the bytes of a scan: restarts, and an escaped FF.
# https://www.w3.org/Graphics/JPEG/itu-t81.pdf
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
# Fill bytes before a marker are allowed (B.1.1.2).
_JPEG_FILL = re.compile(rb"\xff+(?=\xff)")
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_TEM, _JPEG_SOI, _JPEG_EOI, _JPEG_SOS = 0x01, 0xD8, 0xD9, 0xDA
_SAMSUNG_TRAILER = b"SEFT"

CUT_OFF = "it is cut off."
TRAILING = "something follows its end."
NO_PICTURE = "it holds no picture."
SIZE = "its width and height cannot be those of a picture."
ACTIVE = "it holds a page or a script."


def walk_png(content: bytes) -> None:
    """Checks PNG, https://www.w3.org/TR/png-3/: the signature, IHDR, chunks with their checksums, and IEND last."""
    names: list[bytes] = []
    for name, data in _png_chunks(content):
        if not names:
            _png_header(name, data)
        elif name == b"IHDR" or (name[0] & 0x20 == 0 and name not in _PNG_CRITICAL):
            raise Malformed("it holds a chunk that no PNG has.")
        names.append(name)
    if b"IDAT" not in names:
        raise Malformed(NO_PICTURE)
    _refuse_riders(content)


def _png_header(name: bytes, data: bytes) -> None:
    if name != b"IHDR" or len(data) != 13:
        raise Malformed("it does not begin with its header.")
    width, height = struct.unpack_from(">II", data)
    _check_size(width, height, SIDE_PIXELS_MAX)


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk's name and data; IEND ends the file, or there is no end."""
    at, parts = 8, Parts()
    while at + 12 <= len(content):
        parts.pass_one()
        (length,) = struct.unpack_from(">I", content, at)
        name = content[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(content):
            raise Malformed(CUT_OFF)
        if not name.isalpha() or zlib.crc32(content[at + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            raise Malformed("one of its chunks is damaged.")
        yield name, content[at + 8 : end - 4]
        at = end
        if name == b"IEND":
            if length or at != len(content):
                raise Malformed(TRAILING)
            return
    raise Malformed(CUT_OFF)


def walk_jpeg(content: bytes) -> None:
    """Checks JPEG, https://www.w3.org/Graphics/JPEG/itu-t81.pdf: segments from SOI to EOI, then only cameras'
    additions.
    """
    parts = Parts()
    at = _jpeg_end(content, 0, parts)
    while at < len(content):
        parts.pass_one()
        if content.startswith(b"\xff\xd8\xff", at):
            at = _jpeg_end(content, at, parts)
        elif content.startswith(b"ftyp", at + 4):
            at = _after_clip(content, at)
        elif padding := _PADDING.match(content, at):
            at = padding.end()
        elif content.endswith(_SAMSUNG_TRAILER):
            at = _after_samsung(content, at)
        else:
            raise Malformed(TRAILING)
    _refuse_riders(content)


def _jpeg_end(content: bytes, start: int, parts: Parts) -> int:
    """The end of the JPEG that begins at `start`."""
    at, framed = start + 2, False
    while True:
        parts.pass_one()
        fill = _JPEG_FILL.match(content, at)
        at = fill.end() if fill else at
        if _JPEG_MARKER.match(content, at) is None:
            raise Malformed(CUT_OFF if at >= len(content) - 1 else "its segments do not follow one another.")
        marker = content[at + 1]
        if marker == _JPEG_EOI:
            if not framed:
                raise Malformed(NO_PICTURE)
            return at + 2
        at = _after_segment(content, at, marker)
        framed = framed or marker in _JPEG_FRAMES


def _after_segment(content: bytes, at: int, marker: int) -> int:
    """The position of the next segment, after the scan that follows an SOS."""
    if marker in {_JPEG_SOI, _JPEG_TEM} or at + 4 > len(content):
        raise Malformed("its segments do not follow one another.")
    (length,) = struct.unpack_from(">H", content, at + 2)
    if length < 2 or at + 2 + length > len(content):
        raise Malformed(CUT_OFF)
    if marker in _JPEG_FRAMES:
        if length < 8:
            raise Malformed(NO_PICTURE)
        height, width = struct.unpack_from(">HH", content, at + 5)
        # A height of 0 is defined after the first scan (B.2.5).
        _check_size(width, height or 1, SIDE_PIXELS_MAX)
    at += 2 + length
    if marker != _JPEG_SOS:
        return at
    found = _JPEG_MARKER.search(content, at)
    if found is None:
        raise Malformed(CUT_OFF)
    return found.start()


def _after_clip(content: bytes, at: int) -> int:
    """The position after the MP4 of a motion photo:
    https://developer.android.com/media/platform/motion-photo-format.
    """
    end = boxes_end(content, at)
    if b"moov" not in content[at:end]:
        raise Malformed(TRAILING)
    return end


def _after_samsung(content: bytes, at: int) -> int:
    """The position after Samsung's trailer: blocks, then a directory `SEFH` whose size stands before the final `SEFT`.

    A block has a name; that of a motion photo is followed by its clip. https://exiftool.org/TagNames/Samsung.html
    """
    (directory_bytes,) = struct.unpack_from("<I", content, len(content) - 8)
    directory = len(content) - 8 - directory_bytes
    if directory < at or content[directory : directory + 4] != b"SEFH":
        raise Malformed(TRAILING)
    return len(content)


def walk_gif(content: bytes) -> None:
    """Checks GIF, https://www.w3.org/Graphics/GIF/spec-gif89a.txt: blocks until the trailer; zero bytes may pad its
    end.
    """
    if len(content) < 13:
        raise Malformed(CUT_OFF)
    width, height = struct.unpack_from("<HH", content, 6)
    _check_size(width, height, GIF_SIDE_PIXELS_MAX)
    at, drawn, parts = 13 + _colours_bytes(content[10]), False, Parts()
    while True:
        kind = content[at : at + 1]
        if kind == b"\x3b":
            break
        if kind == b"\x21":
            at = _after_blocks(content, at + 2, parts)
        elif kind == b"\x2c" and at + 10 < len(content):
            at, drawn = _after_blocks(content, at + 11 + _colours_bytes(content[at + 9]), parts), True
        else:
            raise Malformed("its blocks do not follow one another." if kind else CUT_OFF)
    if not drawn:
        raise Malformed(NO_PICTURE)
    if content[at + 1 :].strip(b"\x00"):
        raise Malformed(TRAILING)
    _refuse_riders(content)


def _colours_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(content: bytes, at: int, parts: Parts) -> int:
    """The position after sub-blocks, each led by its length, up to an empty one."""
    parts.pass_one()
    while at < len(content) and content[at]:
        parts.pass_one()
        at += 1 + content[at]
    if at >= len(content):
        raise Malformed(CUT_OFF)
    return at + 1


def walk_webp(content: bytes) -> None:
    """Checks WebP, https://developers.google.com/speed/webp/docs/riff_container: chunks fill the RIFF, which is the
    file.
    """
    names = set()
    if int.from_bytes(content[4:8], "little") + 8 != len(content):
        raise Malformed("its length is not the one it states.")
    at, parts = 12, Parts()
    while at < len(content):
        parts.pass_one()
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        name, at = content[at : at + 4], at + 8 + size + (size & 1)
        if at > len(content) or not re.fullmatch(rb"[A-Z0-9a-z ]{4}", name):
            raise Malformed("its chunks do not fill it.")
        names.add(name)
    if names.isdisjoint({b"VP8 ", b"VP8L", b"ANMF"}):
        raise Malformed(NO_PICTURE)
    _refuse_riders(content)


def _check_size(width: int, height: int, side_pixels_max: int) -> None:
    if not (0 < width <= side_pixels_max and 0 < height <= side_pixels_max and width * height <= PIXELS_MAX):
        raise Malformed(SIZE)


def _refuse_riders(content: bytes) -> None:
    if _ACTIVE.search(content):
        raise Malformed(ACTIVE)
    no_archive(content)
