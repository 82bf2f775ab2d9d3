"""Changes what sound files state: each field of lengths, sizes and counts, one at a time, and bytes anywhere."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import PurePath

# The fields behind each mark that have to do with lengths: where they begin, counted from the mark, and their bytes.
FOUR = tuple((at, 4) for at in range(4, 32, 4))
BOXES = ("mvhd", "tkhd", "mdhd", "elst", "stts", "stsz", "stsc", "stco", "mehd", "trex", "tfhd", "trun", "tfdt", "esds")
SIZE = ((-4, 4),)
MARKS: dict[str, dict[bytes, tuple[tuple[int, int], ...]]] = {
    "mp4": {name.encode(): SIZE + FOUR for name in BOXES} | dict.fromkeys((b"mdat", b"moov", b"trak"), SIZE),
    "mp3": {
        b"ID3": tuple((at, 1) for at in range(3, 10)),
        b"Xing": FOUR,
        b"Info": FOUR,
        b"LAME": ((9, 1), (21, 3), (28, 4)),
        b"\xff\xfb": ((1, 1), (2, 1), (3, 1)),
        b"\xff\xf3": ((1, 1), (2, 1), (3, 1)),
    },
    "aac": {b"\xff\xf1": tuple((at, 1) for at in range(1, 7))},
    "webm": {
        # Duration, TimestampScale, DefaultDuration, CodecDelay, SeekPreRoll, Segment, Cluster, Timestamp, SimpleBlock.
        b"\x44\x89": ((2, 1), (3, 4)), b"\x2a\xd7\xb1": ((3, 1), (4, 3)), b"\x23\xe3\x83": ((3, 1), (4, 3)),
        b"\x56\xaa": ((2, 1), (3, 3)), b"\x56\xbb": ((2, 1), (3, 3)), b"\x18\x53\x80\x67": ((4, 8),),
        b"\x1f\x43\xb6\x75": ((4, 8),), b"\xe7": ((1, 1), (2, 2)), b"\xa3": ((1, 1), (2, 2), (4, 1), (5, 1)),
        b"OpusHead": ((10, 2), (12, 4)),
    },
    "ogg": {
        b"OggS": ((4, 2), (6, 8), (18, 4), (26, 1), (27, 1)),
        b"OpusHead": ((10, 2), (12, 4)), b"vorbis": ((5, 8), (21, 2)),
    },
    "flac": {b"fLaC": ((5, 3), (8, 4), (12, 6), (18, 3), (21, 5)), b"\xff\xf8": ((2, 1), (3, 1), (4, 1))},
    "wav": {
        b"RIFF": ((4, 4),), b"data": ((4, 4),),
        b"fmt ": ((4, 4), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2), (22, 2)),
    },
}  # fmt: skip
MARKS["m4a"] = MARKS["mp4"]
# How many times a mark is looked for: a file has hundreds of frames.
EACH_MOST = 3
NOISES = 12
OGG_POLYNOMIAL = 0x04C11DB7


def tampered(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yields what was changed, and the file with it."""
    is_ogg = name.endswith(".ogg")
    for mark, fields in MARKS[PurePath(name).suffix[1:]].items():
        at = -1
        for _ in range(EACH_MOST):
            at = content.find(mark, at + 1)
            if at < 0:
                break
            for offset, size in fields:
                begun = at + offset
                for value in values(content[begun : begun + size]):
                    changed = content[:begun] + value + content[begun + size :]
                    yield f"{name}: {mark!r} {at}+{offset} {value.hex()}", checked(changed) if is_ogg else changed
    chosen = random.Random(name)
    for number in range(NOISES):
        noisy = bytearray(content)
        for _ in range(1 + number % 4):
            noisy[chosen.randrange(len(noisy))] = chosen.randrange(256)
        yield f"{name}: noise {number}", checked(bytes(noisy)) if is_ogg else bytes(noisy)
        yield f"{name}: cut {number}", content[: chosen.randrange(len(content))]


def values(field: bytes) -> list[bytes]:
    """Returns other values of a field, of either order of bytes."""
    size = len(field)
    half, twice = int.from_bytes(field, "big") // 2, int.from_bytes(field, "big") * 2 % (1 << 8 * size)
    few = [
        bytes(size),
        b"\xff" * size,
        (1).to_bytes(size, "big"),
        half.to_bytes(size, "big"),
        twice.to_bytes(size, "big"),
    ]
    few.append((int.from_bytes(field, "little") // 2).to_bytes(size, "little"))
    return [each for each in dict.fromkeys(few) if each != field]


def checked(content: bytes) -> bytes:
    """Returns an Ogg file whose pages have the checksums of what is in them now."""
    found, at = bytearray(content), 0
    while (at := content.find(b"OggS", at)) >= 0 and at + 27 <= len(content):
        segments = content[at + 26]
        end = at + 27 + segments + sum(content[at + 27 : at + 27 + segments])
        if end > len(content):
            break
        found[at + 22 : at + 26] = bytes(4)
        found[at + 22 : at + 26] = ogg_checksum(bytes(found[at:end])).to_bytes(4, "little")
        at = end
    return bytes(found)


def ogg_checksum(page: bytes) -> int:
    """Returns the checksum of RFC 3533."""
    value = 0
    for byte in page:
        value = value << 8 & 0xFFFFFFFF ^ TABLE[value >> 24 ^ byte]
    return value


def _table() -> list[int]:
    found = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ OGG_POLYNOMIAL if value & 0x80000000 else value << 1) & 0xFFFFFFFF
        found.append(value)
    return found


TABLE = _table()
