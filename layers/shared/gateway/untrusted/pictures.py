"""Pictures walked from the first byte to the last, so that nothing else rides along in them. Pure.

A picture ends where its format says. What phones and cameras append is known and let be: zero bytes, further JPEGs
(MPF: previews, depth and gain maps) and the clip of a motion photo (Google's and Samsung's). Metadata may hold anything
but what a server or a browser would run, and the directory of an archive, which is read from a file's end.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from gateway.untrusted.containers import Malformed, boxes_end, no_archive

SIDE_PIXELS_MAX = 65_535
# Beyond any camera: decoded, such a picture takes a gigabyte.
PIXELS_MAX = 268_435_456
# A GIF's width and height lie right behind its signature. From 8224 on both bytes of one can be printable, and
# "GIF89a/*" begins a script; no picture is that large in 256 colours.
GIF_SIDE_PIXELS_MAX = 8191
# What would be run by whoever takes the file for a page or a script: PHP, JSP, HTML.
# Nothing shorter: three given bytes stand by chance in every large picture.
_ACTIVE = re.compile(rb"<\?php\s|<%@ ?page|<script[\s>]|<!doctype html|<html[\s>]", re.IGNORECASE)
_PADDING = re.compile(rb"\x00+")

_PNG_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
# In the bytes of a scan only these markers stand: restarts, and an escaped FF. https://www.w3.org/Graphics/JPEG/itu-t81.pdf
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_TEM, _JPEG_SOI, _JPEG_EOI, _JPEG_SOS = 0x01, 0xD8, 0xD9, 0xDA
_SAMSUNG_TRAILER = b"SEFT"

CUT_OFF = "it is cut off."
TRAILING = "something follows its end."
NO_PICTURE = "it holds no picture."
SIZE = "its width and height cannot be those of a picture."
ACTIVE = "it holds a page or a script."


def walk_png(content: bytes) -> None:
    """https://www.w3.org/TR/png-3/: the signature, IHDR, chunks with their checksums, and IEND last."""
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
    at = 8
    while at + 12 <= len(content):
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
    """https://www.w3.org/Graphics/JPEG/itu-t81.pdf: segments from SOI to EOI, and only what cameras append."""
    at = _jpeg_end(content, 0)
    while at < len(content):
        if content.startswith(b"\xff\xd8\xff", at):
            at = _jpeg_end(content, at)
        elif content.startswith(b"ftyp", at + 4):
            at = _after_clip(content, at)
        elif padding := _PADDING.match(content, at):
            at = padding.end()
        elif content.endswith(_SAMSUNG_TRAILER):
            at = _after_samsung(content, at)
        else:
            raise Malformed(TRAILING)
    _refuse_riders(content)


def _jpeg_end(content: bytes, start: int) -> int:
    """Where the JPEG that begins at `start` ends."""
    at, framed = start + 2, False
    while True:
        found = _JPEG_MARKER.match(content, at)
        if found is None:
            # Fill bytes before a marker are allowed (B.1.1.2).
            if content[at : at + 2] == b"\xff\xff":
                at += 1
                continue
            raise Malformed(CUT_OFF if at >= len(content) - 1 else "its segments do not follow one another.")
        marker = content[at + 1]
        if marker == _JPEG_EOI:
            if not framed:
                raise Malformed(NO_PICTURE)
            return at + 2
        at = _after_segment(content, at, marker)
        framed = framed or marker in _JPEG_FRAMES


def _after_segment(content: bytes, at: int, marker: int) -> int:
    """Where the next segment begins, past the scan that follows an SOS."""
    if marker in {_JPEG_SOI, _JPEG_TEM} or at + 4 > len(content):
        raise Malformed("its segments do not follow one another.")
    (length,) = struct.unpack_from(">H", content, at + 2)
    if length < 2 or at + 2 + length > len(content):
        raise Malformed(CUT_OFF)
    if marker in _JPEG_FRAMES:
        if length < 8:
            raise Malformed(NO_PICTURE)
        height, width = struct.unpack_from(">HH", content, at + 5)
        # A height of 0 is told after the first scan (B.2.5).
        _check_size(width, height or 1, SIDE_PIXELS_MAX)
    at += 2 + length
    if marker != _JPEG_SOS:
        return at
    found = _JPEG_MARKER.search(content, at)
    if found is None:
        raise Malformed(CUT_OFF)
    return found.start()


def _after_clip(content: bytes, at: int) -> int:
    """Past the MP4 of a motion photo: https://developer.android.com/media/platform/motion-photo-format."""
    end = boxes_end(content, at)
    if b"moov" not in content[at:end]:
        raise Malformed(TRAILING)
    return end


def _after_samsung(content: bytes, at: int) -> int:
    """Past Samsung's trailer: blocks, then a directory `SEFH` whose size stands before the final `SEFT`.

    A block has a name; that of a motion photo is followed by its clip. https://exiftool.org/TagNames/Samsung.html
    """
    (directory_bytes,) = struct.unpack_from("<I", content, len(content) - 8)
    directory = len(content) - 8 - directory_bytes
    if directory < at or content[directory : directory + 4] != b"SEFH":
        raise Malformed(TRAILING)
    return len(content)


def walk_gif(content: bytes) -> None:
    """https://www.w3.org/Graphics/GIF/spec-gif89a.txt: blocks until the trailer; zero bytes may pad its end."""
    if len(content) < 13:
        raise Malformed(CUT_OFF)
    width, height = struct.unpack_from("<HH", content, 6)
    _check_size(width, height, GIF_SIDE_PIXELS_MAX)
    at, drawn = 13 + _colours_bytes(content[10]), False
    while True:
        kind = content[at : at + 1]
        if kind == b"\x3b":
            break
        if kind == b"\x21":
            at = _after_blocks(content, at + 2)
        elif kind == b"\x2c" and at + 10 < len(content):
            at, drawn = _after_blocks(content, at + 11 + _colours_bytes(content[at + 9])), True
        else:
            raise Malformed("its blocks do not follow one another." if kind else CUT_OFF)
    if not drawn:
        raise Malformed(NO_PICTURE)
    if content[at + 1 :].strip(b"\x00"):
        raise Malformed(TRAILING)
    _refuse_riders(content)


def _colours_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(content: bytes, at: int) -> int:
    """Past sub-blocks, each led by its length, up to an empty one."""
    while at < len(content) and content[at]:
        at += 1 + content[at]
    if at >= len(content):
        raise Malformed(CUT_OFF)
    return at + 1


def walk_webp(content: bytes) -> None:
    """https://developers.google.com/speed/webp/docs/riff_container: the RIFF is the file, its chunks fill it."""
    names = set()
    if int.from_bytes(content[4:8], "little") + 8 != len(content):
        raise Malformed("its length is not the one it states.")
    at = 12
    while at < len(content):
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
