"""Checks containers other than images by the structure in their headers, and finds marks of two files in one. Pure."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

# An archive is read from its end: this record, and a comment of at most 65,535 bytes (APPNOTE.TXT 4.3.16).
_ARCHIVE_END = b"PK\x05\x06"
_ARCHIVE_END_BYTES = 22
_COMMENT_BYTES_MAX = 65_535
_BOX_NAME = re.compile(rb"[A-Za-z0-9 \xa9._-]{4}")
_MARKUP = re.compile(rb"<\?php|<\?=|<!doctype|<html|<script|<svg", re.IGNORECASE)
# The lengths that WAVE states where it was written as a stream: unknown when its head left.
WAVE_OPEN = frozenset({0, 0xFFFFFFFF})
_STL_HEADER_BYTES = 84
_STL_TRIANGLE_BYTES = 50
# Chunks, segments, blocks or boxes. A GIF of 10 MB has 41,000 full blocks; other files have far fewer.
PARTS_MAX = 100_000


class Malformed(Exception):
    """Reports a file that is not of the type its beginning claims; the text ends a sentence for the user."""


class Parts:
    """Counts the parts of a file as they are walked: a small file of millions would take seconds."""

    def __init__(self) -> None:
        self._left = PARTS_MAX

    def pass_one(self) -> None:
        """Counts one; raises `Malformed` beyond the most that a file may have."""
        self._left -= 1
        if self._left < 0:
            raise Malformed(f"it has more than {PARTS_MAX} parts.")


def no_archive(content: bytes) -> None:
    """Raises `Malformed` if the file could also be opened as an archive."""
    if content.find(_ARCHIVE_END, max(0, len(content) - _COMMENT_BYTES_MAX - _ARCHIVE_END_BYTES)) >= 0:
        raise Malformed("it is an archive, too.")


def is_text(content: bytes) -> bool:
    """True for text in UTF-8."""
    if b"\x00" in content or not content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def walk_text(content: bytes) -> None:
    """Checks nothing more of what is text."""
    del content


def no_markup(content: bytes) -> None:
    """Raises `Malformed` if text that is not a page holds one."""
    if _MARKUP.search(content) or b"\x00" in content:
        raise Malformed("it holds a page or a script.")
    no_archive(content)


def boxes_end(content: bytes, start: int) -> int:
    """The end of the ISO/IEC 14496-12 boxes that begin at `start`: the file's end, or the first byte outside a box."""
    end = start
    for _, end in _boxes(content, start):
        if end > len(content):
            raise Malformed("it is cut off.")
    return end


def walk_boxes(content: bytes) -> None:
    """Checks MP4 and QuickTime: boxes fill the file, and one of them is a film."""
    names = []
    for name, end in _boxes(content, 0):
        if not name:
            raise Malformed("its boxes do not fill it.")
        if end > len(content):
            raise Malformed("it is cut off.")
        names.append(name)
    if b"moov" not in names and b"moof" not in names:
        raise Malformed("it holds no film.")
    no_archive(content)


def _boxes(content: bytes, at: int) -> Iterator[tuple[bytes, int]]:
    """Each box's name and end; an empty name, with the position, for bytes outside a box."""
    parts = Parts()
    while at < len(content):
        parts.pass_one()
        size, name = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(content[at + 8 : at + 16], "big")
        elif size == 0:
            size = len(content) - at
        if size < 8 or not _BOX_NAME.fullmatch(name):
            yield b"", at
            return
        at += size
        yield name, at


def walk_glb(content: bytes) -> None:
    """Checks GLB, https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#glb-file-format-specification: JSON first,
    no more.
    """
    if len(content) < 20 or int.from_bytes(content[8:12], "little") != len(content):
        raise Malformed("its length is not the one it states.")
    if content[16:20] != b"JSON":
        raise Malformed("it does not begin with its scene.")
    at, parts = 12, Parts()
    while at < len(content):
        parts.pass_one()
        if at + 8 > len(content):
            raise Malformed("its chunks do not fill it.")
        at += 8 + int.from_bytes(content[at : at + 4], "little")
    if at != len(content):
        raise Malformed("its chunks do not fill it.")
    no_archive(content)


def walk_zip(content: bytes) -> None:
    """Checks an archive: its end record is at the end of the file, as the record states."""
    at = content.rfind(_ARCHIVE_END)
    if at < 0 or at + _ARCHIVE_END_BYTES > len(content):
        raise Malformed("it is cut off.")
    (comment_bytes,) = struct.unpack_from("<H", content, at + 20)
    if at + _ARCHIVE_END_BYTES + comment_bytes != len(content):
        raise Malformed("something follows its end.")


def walk_pdf(content: bytes) -> None:
    """Checks a PDF: it ends with its own mark, and is not an archive."""
    if not content.rstrip(b"\r\n \x00").endswith(b"%%EOF"):
        raise Malformed("something follows its end, or it is cut off.")
    no_archive(content)


def walk_wave(content: bytes) -> None:
    """Checks WAVE: the RIFF fills the file, or its length is left open."""
    stated = int.from_bytes(content[4:8], "little")
    if stated not in WAVE_OPEN and stated + 8 != len(content):
        raise Malformed("its length is not the one it states.")
    no_archive(content)


def stl_size_bytes(head: bytes) -> int | None:
    """The size of a binary STL with this beginning: a header, a count, and triangles."""
    if len(head) < _STL_HEADER_BYTES:
        return None
    (triangles,) = struct.unpack_from("<I", head, _STL_HEADER_BYTES - 4)
    return _STL_HEADER_BYTES + _STL_TRIANGLE_BYTES * int(triangles) if triangles else None
