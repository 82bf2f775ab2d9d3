"""Counts the samples of sound in MP4, M4A and QuickTime (ISO/IEC 14496-12), whole or in fragments.

How long a sample is says its coding: the times in `stts` and `trun` are stated. What decoders read in several ways, or
find where the standard has no place for it, makes a file unreadable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from gateway.untrusted.sound.codecs import OPUS_FRAME_S, Codec, aac, opus_seconds
from gateway.untrusted.sound.steps import STEP_BYTES, Length, Steps, Unreadable

# A sample entry has 28 bytes before its boxes, and more in QuickTime's versions.
_ENTRY_BYTES = {0: 28, 1: 44, 2: 64}
# Sample entries of sound: what is coded by them is sound, even in a track that says that it is something else.
_SOUNDS = frozenset({b"mp4a", b".mp3", b"Opus", b"fLaC", b"alac", b"ac-3", b"ec-3", b"sowt", b"twos"})
# objectTypeIndication, http://www.mp4ra.org/registered-types/object-types: AAC as MPEG 4 and as MPEG 2.
_AAC = (0x40, 0x66, 0x67, 0x68)
_FRAGMENT_BASE, _FRAGMENT_INDEX, _FRAGMENT_TIME, _FRAGMENT_SIZE = 1, 2, 8, 16
_FRAGMENT_BASE_IS_MOOF = 0x20000
_RUN_OFFSET, _RUN_FLAGS, _RUN_TIME, _RUN_SIZE, _RUN_SAMPLE_FLAGS, _RUN_SHIFT = 1, 4, 0x100, 0x200, 0x400, 0x800

_TABLES = (b"stsd", b"stsz", b"stsc", b"stco", b"co64")
# Other forms of a table or of a whole film, which are not read here.
_OTHER_TABLES, _PACKED_FILM = (b"stz2",), b"cmov"
# Boxes that decoders look for in any other box: each has to be where it belongs.
_PLACED = (b"moov", b"trak", b"stbl", b"moof", b"traf", b"trun")

# The name of a box, and the bounds of what is in it.
_Box = tuple[bytes, int, int]


class Track(Struct):
    """One track of sound: how its samples are coded, and what they come to so far."""

    codec: Codec
    frame_s: float
    counted: float = 0.0


class Film:
    """A file as it is walked."""

    def __init__(self, content: bytes, steps: Steps) -> None:
        self.content, self.view, self.steps = content, memoryview(content), steps
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
            stop = end if size == 0 else start + size
            if not body <= stop <= end:
                raise Unreadable
            yield name, body, stop
            start = stop

    def under(self, start: int, end: int, *path: bytes) -> list[_Box]:
        """All boxes with the last name of the path, in boxes of the names before it."""
        found = [(b"", start, end)]
        for name in path:
            found = [box for _, begun, stop in found for box in self.boxes(begun, stop) if box[0] == name]
        return found

    def sample(self, track: Track, offset: int, size: int) -> None:
        """Counts a sample; raises `Unreadable` if its bytes are not all in the file."""
        self.steps.take()
        if not 0 <= offset <= len(self.content) - size:
            # Decoders take what is there of it, which may be all frames behind it.
            raise Unreadable
        if size:
            track.counted += track.codec(self.view[offset : offset + size])


def length(content: bytes, steps: Steps) -> Length:
    """The length of the longest track of sound; `mvhd` is what a file states."""
    film = Film(content, steps)
    boxes = list(film.boxes(0, len(content)))
    _refuse_misplaced(film, boxes)
    for name, start, end in boxes:
        if name == b"moov":
            _read_film(film, start, end)
    for name, start, end in boxes:
        if name == b"moof":
            _read_fragment(film, start - 8, start, end)
    longest = max((track for _, track in film.tracks), key=lambda track: track.counted, default=None)
    if longest is None:
        raise Unreadable
    return Length(longest.counted, film.stated, longest.frame_s)


def _refuse_misplaced(film: Film, boxes: list[_Box]) -> None:
    """Raises `Unreadable` if a box with a part of a film is in another place than its own, or the film is packed."""
    placed = Counter(name for name, _, _ in boxes)
    for name, start, end in boxes:
        if name == b"moov":
            placed[b"trak"] += len(film.under(start, end, b"trak"))
            placed[b"stbl"] += len(film.under(start, end, b"trak", b"mdia", b"minf", b"stbl"))
        elif name == b"moof":
            placed[b"traf"] += len(film.under(start, end, b"traf"))
            placed[b"trun"] += len(film.under(start, end, b"traf", b"trun"))
    marks = Counter[bytes]()
    for name, start, end in boxes:
        marks[name] += 1
        if name != b"mdat":
            marks.update({each: film.content.count(each, start, end) for each in (*_PLACED, _PACKED_FILM)})
    if placed[b"moov"] != 1 or marks[_PACKED_FILM] or any(marks[each] != placed[each] for each in _PLACED):
        raise Unreadable


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
        tables = film.under(at, stop, b"mdia", b"minf", b"stbl")
        if len(tables) != 1 or not handlers:
            raise Unreadable
        _, inner, inner_stop = tables[0]
        boxes = _unique(film, inner, inner_stop)
        entry = _entry(film, boxes)
        if is_sound or entry[0] in _SOUNDS:
            track = Track(*_codec(film, entry))
            film.tracks.append((track_id, track))
            _count_table(film, track, boxes)


def _unique(film: Film, start: int, end: int) -> dict[bytes, int]:
    """The start of each box of a sample table; raises `Unreadable` for two of a name, of which decoders take either."""
    found = [(name, at) for name, at, _ in film.boxes(start, end)]
    boxes = dict(found)
    if any(sum(name == each for each, _ in found) > 1 for name in _TABLES):
        raise Unreadable
    if any(name in boxes for name in _OTHER_TABLES) or (b"stco" in boxes and b"co64" in boxes):
        raise Unreadable
    # A sample a tick: FFmpeg takes the samples of a chunk for those of plain sound, and cuts packets of its own.
    if b"stts" in boxes and film.number(boxes[b"stts"] + 4) == 1 and film.number(boxes[b"stts"] + 12) <= 1:
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
    for chunk in range(1, 1 + film.number(places + 4)):
        film.steps.take()
        if left and film.number(kind) <= chunk:
            # Decoders mend a list whose chunks do not rise from the first, each in its own way.
            if film.number(kind) != chunk or not film.number(kind + 4) or film.number(kind + 8) != 1:
                raise Unreadable
            count, left, kind = film.number(kind + 4), left - 1, kind + 12
        yield film.number(places + 8 + width * (chunk - 1), width), count


def _read_fragment(film: Film, origin: int, start: int, end: int) -> None:
    """Counts the runs of a fragment, whose places are told from `origin`, or from where its own head says."""
    for number, (_, at, stop) in enumerate(film.under(start, end, b"traf")):
        tracks: list[Track] | None = None
        base, size, runs = origin, 0, 0
        for name, begun, closed in film.boxes(at, stop):
            if name == b"tfhd":
                flags, track_id, field = film.number(begun) & 0xFFFFFF, film.number(begun + 4), begun + 8
                # Where a second part without a place begins, decoders differ, as they do for a second head.
                if tracks is not None or (number and not flags & (_FRAGMENT_BASE | _FRAGMENT_BASE_IS_MOOF)):
                    raise Unreadable
                film.steps.take(STEP_BYTES * len(film.tracks))
                tracks = [track for known, track in film.tracks if known == track_id]
                size = film.sizes.get(track_id, 0)
                if flags & _FRAGMENT_BASE:
                    base, field = film.number(field, 8), field + 8
                field += 4 * (bool(flags & _FRAGMENT_INDEX) + bool(flags & _FRAGMENT_TIME))
                if flags & _FRAGMENT_SIZE:
                    size = film.number(field)
            elif name == b"trun":
                if tracks is None or (runs and not film.number(begun) & _RUN_OFFSET):
                    raise Unreadable
                runs += 1
                _count_run(film, tracks, (begun, closed), base, size)


def _count_run(film: Film, tracks: list[Track], bounds: tuple[int, int], base: int, same: int) -> None:
    """Counts the samples of a run; raises `Unreadable` for more than it has room for, and for any number of nothing."""
    at, end = bounds
    flags, count, field = film.number(at) & 0xFFFFFF, film.number(at + 4), at + 8
    offset = base
    if flags & _RUN_OFFSET:
        shift = film.number(field)
        offset, field = base + shift - (shift >> 31 << 32), field + 4
    field += 4 * bool(flags & _RUN_FLAGS)
    before = 4 * bool(flags & _RUN_TIME)
    width = before + 4 * sum(bool(flags & each) for each in (_RUN_SIZE, _RUN_SAMPLE_FLAGS, _RUN_SHIFT))
    if field + count * width > end or (count and not width and not same):
        raise Unreadable
    for _ in range(count if tracks else 0):
        size = film.number(field + before) if flags & _RUN_SIZE else same
        for track in tracks:
            film.sample(track, offset, size)
        offset, field = offset + size, field + width


def _entry(film: Film, boxes: dict[bytes, int]) -> _Box:
    """The one sample entry of a track; raises `Unreadable` for several, of which a chunk may name any."""
    at = boxes.get(b"stsd", len(film.content))
    if film.number(at + 4) != 1:
        raise Unreadable
    size = film.number(at + 8)
    return film.content[at + 12 : at + 16], at + 16, min(at + 8 + size, len(film.content))


def _codec(film: Film, entry: _Box) -> tuple[Codec, float]:
    """The coding of a track and the seconds of a frame; raises `Unreadable` for others than are known here."""
    name, begun, stop = entry
    if name == b"Opus":
        return opus_seconds, OPUS_FRAME_S
    boxes = _entry_boxes(film, begun, stop) if name == b"mp4a" else {}
    if b"esds" not in boxes:
        raise Unreadable
    return _described(film.content[slice(*boxes[b"esds"])][4:], film.steps)


def _entry_boxes(film: Film, start: int, end: int) -> dict[bytes, tuple[int, int]]:
    """The boxes of a sample entry, also those that QuickTime puts into `wave`."""
    at = start + _ENTRY_BYTES.get(film.number(start + 8, 2), 28)
    found = {name: (begun, stop) for name, begun, stop in film.boxes(at, end)}
    if b"wave" in found:
        found |= {name: (begun, stop) for name, begun, stop in film.boxes(*found[b"wave"])}
    return found


def _described(data: bytes, steps: Steps) -> tuple[Codec, float]:
    """The coding that an elementary stream's descriptors tell (ISO/IEC 14496-1, 7.2.6)."""
    while len(data) >= 2:
        # What is in a descriptor is copied.
        steps.take(len(data))
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
        elif tag == 4 and body and body[0] in _AAC:
            data = body[13:]
        elif tag == 5:
            return aac(body[:size])
        else:
            break
    raise Unreadable
