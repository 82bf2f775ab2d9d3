"""Counts the samples of sound in MP4, M4A and QuickTime (ISO/IEC 14496-12), whole or in fragments.

A sample counts if its bytes are in the file. How long it is says its coding: the times in `stts` and `trun` are stated.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct

from gateway.untrusted.sound.codecs import Codec, aac, opus_seconds
from gateway.untrusted.sound.mpeg import mp3_seconds
from gateway.untrusted.sound.steps import Length, Steps, Unreadable

# A sample entry has 28 bytes before its boxes, and more in QuickTime's versions.
_ENTRY_BYTES = {0: 28, 1: 44, 2: 64}
# Sample entries of sound: what is coded by them is sound, even in a track that says that it is something else.
_SOUNDS = frozenset({b"mp4a", b".mp3", b"mp3 ", b"Opus", b"fLaC", b"alac", b"ac-3", b"ec-3", b"sowt", b"twos"})
# objectTypeIndication, http://www.mp4ra.org/registered-types/object-types: AAC as MPEG 4 and as MPEG 2, and MP3.
_AAC, _MP3 = (0x40, 0x66, 0x67, 0x68), (0x69, 0x6B)
_FRAGMENT_BASE, _FRAGMENT_INDEX, _FRAGMENT_TIME, _FRAGMENT_SIZE = 1, 2, 8, 16
_RUN_OFFSET, _RUN_FLAGS, _RUN_TIME, _RUN_SIZE, _RUN_SAMPLE_FLAGS, _RUN_SHIFT = 1, 4, 0x100, 0x200, 0x400, 0x800

_TABLES = (b"stsd", b"stsz", b"stsc", b"stco", b"co64")

# The name of a box, and the bounds of what is in it.
_Box = tuple[bytes, int, int]


class Track(Struct):
    """One track of sound: how its samples are coded, and what they come to so far."""

    codec: Codec
    counted: float = 0.0


class Film:
    """A file as it is walked."""

    def __init__(self, content: bytes) -> None:
        self.content, self.steps = content, Steps()
        self.tracks: list[tuple[int, Track]] = []
        self.sizes: dict[int, int] = {}
        self.stated: float | None = None

    def number(self, at: int, size: int = 4) -> int:
        """The number that stands there."""
        if at + size > len(self.content):
            raise Unreadable
        return int.from_bytes(self.content[at : at + size], "big")

    def boxes(self, start: int, end: int) -> Iterator[_Box]:
        """The boxes in these bounds."""
        while start + 8 <= end:
            self.steps.take()
            size, name, body = self.number(start), self.content[start + 4 : start + 8], start + 8
            if size == 1:
                size, body = self.number(start + 8, 8), start + 16
            stop = end if size == 0 else min(start + size, end)
            if stop < body:
                return
            yield name, body, stop
            start = stop

    def under(self, start: int, end: int, *path: bytes) -> list[_Box]:
        """All boxes with the last name of the path, in boxes of the names before it."""
        found = [(b"", start, end)]
        for name in path:
            found = [box for _, begun, stop in found for box in self.boxes(begun, stop) if box[0] == name]
        return found

    def sample(self, track: Track, offset: int, size: int) -> None:
        """Counts a sample, if its bytes are there."""
        data = self.content[offset : offset + size] if 0 <= offset <= len(self.content) - size else b""
        self.steps.take(len(data))
        if data:
            track.counted += track.codec(data)


def length(content: bytes) -> Length:
    """The length of the longest track of sound; `mvhd` is what a file states."""
    film = Film(content)
    for _, start, end in film.under(0, len(content), b"moov"):
        _read_film(film, start, end)
    for name, start, end in film.boxes(0, len(content)):
        if name == b"moof":
            _read_fragment(film, start - 8, start, end)
    return Length(max((track.counted for _, track in film.tracks), default=0.0), film.stated)


def _read_film(film: Film, start: int, end: int) -> None:
    for _, at, _ in film.under(start, end, b"mvhd"):
        is_long = film.number(at, 1) == 1
        scale, lasting = (at + 20, at + 24) if is_long else (at + 12, at + 16)
        film.stated = film.number(lasting, 8 if is_long else 4) / max(1, film.number(scale))
    for _, at, _ in film.under(start, end, b"mvex", b"trex"):
        film.sizes[film.number(at + 4)] = film.number(at + 16)
    for _, at, stop in film.under(start, end, b"trak"):
        head = film.under(at, stop, b"tkhd")
        if not head:
            raise Unreadable
        _, begun, _ = head[0]
        track_id = film.number(begun + (20 if film.number(begun, 1) == 1 else 12))
        handlers = film.under(at, stop, b"mdia", b"hdlr")
        is_sound = any(film.content[begun + 8 : begun + 12] == b"soun" for _, begun, _ in handlers)
        for _, inner, inner_stop in film.under(at, stop, b"mdia", b"minf", b"stbl"):
            boxes = _unique(film, inner, inner_stop)
            entry = _entry(film, boxes)
            if is_sound or entry[0] in _SOUNDS:
                track = Track(_codec(film, entry))
                film.tracks.append((track_id, track))
                _count_table(film, track, boxes)


def _unique(film: Film, start: int, end: int) -> dict[bytes, int]:
    """Where each box of a sample table begins; raises `Unreadable` for two of a name, of which decoders take either."""
    found = [(name, at) for name, at, _ in film.boxes(start, end)]
    boxes = dict(found)
    if any(sum(name == each for each, _ in found) > 1 for name in _TABLES):
        raise Unreadable
    return boxes


def _count_table(film: Film, track: Track, boxes: dict[bytes, int]) -> None:
    """Counts the samples that `stsz`, `stsc` and `stco` place."""
    if b"stsz" not in boxes or b"stsc" not in boxes:
        raise Unreadable
    at = boxes[b"stsz"]
    same, left, at = film.number(at + 4), film.number(at + 8), at + 12
    for start, count in _chunks(film, boxes):
        offset = start
        for _ in range(min(count, left)):
            size = same or film.number(at)
            at, left = at if same else at + 4, left - 1
            film.sample(track, offset, size)
            offset += size
    if left:
        raise Unreadable


def _chunks(film: Film, boxes: dict[bytes, int]) -> Iterator[tuple[int, int]]:
    """The place of each chunk, and the number of its samples."""
    width, name = (8, b"co64") if b"co64" in boxes else (4, b"stco")
    if name not in boxes:
        return
    places, kinds = boxes[name], boxes[b"stsc"]
    left, kind, count = film.number(kinds + 4), kinds + 8, 0
    for chunk in range(film.number(places + 4)):
        film.steps.take()
        while left and film.number(kind) <= chunk + 1:
            count, left, kind = film.number(kind + 4), left - 1, kind + 12
        yield film.number(places + 8 + width * chunk, width), count


def _read_fragment(film: Film, origin: int, start: int, end: int) -> None:
    for _, at, stop in film.under(start, end, b"traf"):
        base, size = origin, None
        tracks: list[Track] = []
        for name, begun, _ in film.boxes(at, stop):
            if name == b"tfhd":
                flags, track_id, field = film.number(begun) & 0xFFFFFF, film.number(begun + 4), begun + 8
                tracks = [track for known, track in film.tracks if known == track_id]
                size = film.sizes.get(track_id, 0)
                if flags & _FRAGMENT_BASE:
                    base, field = film.number(field, 8), field + 8
                field += 4 * (bool(flags & _FRAGMENT_INDEX) + bool(flags & _FRAGMENT_TIME))
                if flags & _FRAGMENT_SIZE:
                    size = film.number(field)
            elif name == b"trun":
                base = _count_run(film, tracks, begun, origin if size is None else base, size or 0)


def _count_run(film: Film, tracks: list[Track], at: int, base: int, same: int) -> int:
    """Counts the samples of a run; returns where the next one begins that names no place of its own."""
    flags, count, field = film.number(at) & 0xFFFFFF, film.number(at + 4), at + 8
    offset = base
    if flags & _RUN_OFFSET:
        (shift,) = struct.unpack(">i", film.content[field : field + 4].rjust(4, b"\0"))
        offset, field = base + shift, field + 4
    field += 4 * bool(flags & _RUN_FLAGS)
    before = 4 * bool(flags & _RUN_TIME)
    width = before + 4 * sum(bool(flags & each) for each in (_RUN_SIZE, _RUN_SAMPLE_FLAGS, _RUN_SHIFT))
    for _ in range(count):
        film.steps.take()
        size = film.number(field + before) if flags & _RUN_SIZE else same
        for track in tracks:
            film.sample(track, max(0, offset), size)
        offset, field = offset + size, field + width
    return base if flags & _RUN_OFFSET else offset


def _entry(film: Film, boxes: dict[bytes, int]) -> _Box:
    """The one sample entry of a track; raises `Unreadable` for several, of which a chunk may name any."""
    at = boxes.get(b"stsd", len(film.content))
    if film.number(at + 4) != 1:
        raise Unreadable
    size = film.number(at + 8)
    return film.content[at + 12 : at + 16], at + 16, min(at + 8 + size, len(film.content))


def _codec(film: Film, entry: _Box) -> Codec:
    """The coding of a track; raises `Unreadable` for others than are known here."""
    name, begun, stop = entry
    if name in (b".mp3", b"mp3 "):
        return mp3_seconds
    if name == b"Opus":
        return opus_seconds
    boxes = _entry_boxes(film, begun, stop) if name == b"mp4a" else {}
    if b"esds" not in boxes:
        raise Unreadable
    return _described(film.content[slice(*boxes[b"esds"])][4:])


def _entry_boxes(film: Film, start: int, end: int) -> dict[bytes, tuple[int, int]]:
    """The boxes of a sample entry, also those that QuickTime puts into `wave`."""
    at = start + _ENTRY_BYTES.get(film.number(start + 8, 2), 28)
    found = {name: (begun, stop) for name, begun, stop in film.boxes(at, end)}
    if b"wave" in found:
        found |= {name: (begun, stop) for name, begun, stop in film.boxes(*found[b"wave"])}
    return found


def _described(data: bytes) -> Codec:
    """The coding that an elementary stream's descriptors tell (ISO/IEC 14496-1, 7.2.6)."""
    while len(data) >= 2:
        tag, size, at = data[0], 0, 1
        while at < len(data) and at <= 4:
            size, at = size << 7 | data[at] & 0x7F, at + 1
            if data[at - 1] < 0x80:
                break
        body = data[at:]
        if tag == 3:
            flags = body[2] if len(body) > 2 else 0
            skip = 3 + 2 * bool(flags & 0x80) + 2 * bool(flags & 0x20)
            if flags & 0x40 and len(body) > skip:
                skip += 1 + body[skip]
            data = body[skip:]
        elif tag == 4 and body and body[0] in _MP3:
            return mp3_seconds
        elif tag == 4 and body and body[0] in _AAC:
            data = body[13:]
        elif tag == 5:
            return aac(body[:size])
        else:
            break
    raise Unreadable
