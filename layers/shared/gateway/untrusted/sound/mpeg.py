"""Counts the frames of MP3 and of AAC in ADTS, which follow each other without a container.

The heads are those of ISO/IEC 11172-3 2.4.1.3, ISO/IEC 13818-3 and 13818-7 6.2. A frame says how long it is, and the
next one follows it. Where none does, the walk goes on behind the last head, so that a false head hides nothing. Frames
that stand alone are counted only if others like them were; many that were not make the file unreadable.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from msgspec import Struct, field

from gateway.untrusted.sound.codecs import AAC_RATES, AAC_SAMPLES, aac_frames
from gateway.untrusted.sound.steps import Length, Steps, Unreadable

# A head that is like none before is one by chance, unless others like it follow.
RUN_LEAST = 3
# So many in a row are no chance, though samples of a tone repeat: FFmpeg looks for 100 (`adts_aac_probe`).
CODED_RUN = 100
_MP3 = re.compile(rb"\xff[\xe2-\xe7\xf2-\xff][\x10-\xef]")
_ADTS = re.compile(rb"\xff[\xf0\xf1\xf8\xf9]")
MP3_HEAD_BYTES, ADTS_HEAD_BYTES = 4, 7
# AAC in LOAS (ISO/IEC 14496-3, 1.7.2): its frames tell only their bytes.
_LOAS, _LOAS_HEAD_BYTES = re.compile(rb"\x56[\xe0-\xff]"), 3
# Frames by chance, in what is no sound: of a second, and of a tenth of all.
_STRAYS_S, _STRAYS_PART = 1.0, 0.1
# MPEG sound of free format has no rate in its heads: only the next head tells the length of a frame.
_FREE = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x00-\x0f]")
_FREE_BYTES, _FREE_RUN = (24, 4_096), 4
# kbit/s by the index in a head: of MPEG 1 by layer, and of MPEG 2 by layer.
_KBITS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44_100, 48_000, 32_000)
# A first frame with one of these marks is an index and no sound: http://gabriel.mp3-tech.org/mp3infotag.html.
_INDEX, _INDEX_BYTES = re.compile(rb"Xing|Info|VBRI"), 64


class _Walk(Struct):
    """The seconds of frames, those of likely ones that are like no others, and the bounds of what is outside of all."""

    counted: float = 0.0
    strays: float = 0.0
    gaps: list[tuple[int, int]] = field(default_factory=list)


class Frame(Struct, frozen=True):
    """A frame: its bytes, its seconds, and what is the same in all frames of one sound."""

    size: int
    seconds: float
    kind: int


def length(content: bytes, steps: Steps, start: int) -> Length:
    """The length of MP3 or ADTS. A file of both is as long as the longer, since a decoder may take either."""
    walks = [
        _walked(content, start, sync, frame_at, steps) for sync, frame_at in ((_MP3, mp3_frame), (_ADTS, adts_frame))
    ]
    longest = max(walks, key=lambda walk: walk.counted)
    rest = b"".join(content[begun:end] for begun, end in longest.gaps)
    if longest.strays > _STRAYS_S + _STRAYS_PART * longest.counted or _is_free(rest, steps):
        raise Unreadable
    return Length(longest.counted)


def is_coded(samples: bytes, steps: Steps) -> bool:
    """True for samples that begin with frames of MP3 or AAC, or have many in a row: decoders may take them for such."""
    first = len(samples) - len(samples.lstrip(b"\0"))
    for sync, frame_at in ((_MP3, mp3_frame), (_ADTS, adts_frame), (_LOAS, _loas)):
        for begun in (0, first, *(found.start() for found in sync.finditer(samples))):
            steps.take()
            at, run = begun, 0
            while run < CODED_RUN and (frame := frame_at(samples, at)):
                steps.take()
                at, run = at + frame.size, run + 1
            if run >= (RUN_LEAST if begun in (0, first) else CODED_RUN):
                return True
    return False


def _is_free(content: bytes, steps: Steps) -> bool:
    """True if heads of free format follow each other in equal distances."""
    nearest, farthest = _FREE_BYTES
    for found in _FREE.finditer(content):
        at, mark = found.start(), content[found.start() : found.start() + 2]
        next_at = at + nearest
        while (next_at := content.find(mark, next_at, at + farthest)) >= 0:
            steps.take()
            size, run, last = next_at - at, 2, next_at
            while run < _FREE_RUN:
                # A frame may have a byte or four more than the others.
                near = content.find(mark, max(last + size - 4, last + 2), last + size + 6)
                if near < 0 or content[near + 2 : near + 3] > b"\x0f":
                    break
                run, last = run + 1, near
            if run == _FREE_RUN and content[next_at + 2] <= 0x0F:
                return True
            next_at += 1
        steps.take()
    return False


def _walked(
    content: bytes, start: int, sync: re.Pattern[bytes], frame_at: Callable[[bytes, int], Frame | None], steps: Steps
) -> _Walk:
    kinds, walk = set[int](), _Walk()
    at = covered = start
    is_first = True
    while found := sync.search(content, at):
        begun = end = last = found.start()
        run, run_s, kind = 0, 0.0, 0
        # A frame of another kind begins a run of its own: decoders that do not take it find frames inside it.
        while (frame := frame_at(content, end)) and kind in (0, frame.kind):
            steps.take()
            is_sound, is_first = not (is_first and is_index(content, end)), False
            if not is_sound:
                # Where it ends is its own word, so the walk goes on behind its head.
                break
            last, end = end, end + frame.size
            kind = frame.kind
            run_s += frame.seconds
            run += 1
        steps.take()
        if run and (kind in kinds or run >= RUN_LEAST or begun == start or end == len(content)):
            kinds.add(kind)
            walk.counted += run_s
            if begun > covered:
                walk.gaps.append((covered, begun))
            covered = max(covered, end)
        else:
            walk.strays += run_s
            last = begun
        at = last + 1
    walk.gaps.append((covered, len(content)))
    return walk


def is_index(content: bytes, at: int) -> bool:
    """True if the frame that stands there has the mark of an index."""
    return _INDEX.search(content, at, at + _INDEX_BYTES) is not None


def mp3_frame(content: bytes, at: int) -> Frame | None:
    """The frame of MPEG sound whose head stands there, if one does."""
    if at + MP3_HEAD_BYTES > len(content) or content[at] != 0xFF:
        return None
    return _mp3_frame(content[at + 1], content[at + 2])


@functools.lru_cache(maxsize=65_536)
def _mp3_frame(first: int, second: int) -> Frame | None:
    version, layer = first >> 3 & 3, 4 - (first >> 1 & 3)
    kbit, rate = second >> 4, second >> 2 & 3
    if first >> 5 != 7 or version == 1 or layer == 4 or not 0 < kbit < 15 or rate == 3:
        return None
    is_first = version == 3
    hertz = _RATES[rate] // {3: 1, 2: 2, 0: 4}[version]
    bits = 1_000 * _KBITS[1 if is_first else 2, layer][kbit - 1]
    pad = second >> 1 & 1
    samples = 384 if layer == 1 else 576 if layer == 3 and not is_first else 1_152
    size = 4 * (12 * bits // hertz + pad) if layer == 1 else samples // 8 * bits // hertz + pad
    return Frame(size, samples / hertz, (first & 0xFE) << 8 | second & 0x0C)


def adts_frame(content: bytes, at: int) -> Frame | None:
    """The frame of AAC in ADTS whose head stands there, if one does."""
    head = content[at : at + ADTS_HEAD_BYTES]
    if len(head) < ADTS_HEAD_BYTES or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate, size = head[2] >> 2 & 15, (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate >= len(AAC_RATES) or size < ADTS_HEAD_BYTES:
        return None
    channels = (head[2] & 1) << 2 | head[3] >> 6
    blocks = max(1 + (head[6] & 3), aac_frames(size - ADTS_HEAD_BYTES, channels))
    return Frame(size, blocks * AAC_SAMPLES / AAC_RATES[rate], (head[1] & 0xFE) << 8 | head[2] & 0xFC)


def _loas(content: bytes, at: int) -> Frame | None:
    head = content[at : at + _LOAS_HEAD_BYTES]
    if len(head) < _LOAS_HEAD_BYTES or head[0] != 0x56 or head[1] & 0xE0 != 0xE0:
        return None
    return Frame(_LOAS_HEAD_BYTES + ((head[1] & 0x1F) << 8 | head[2]), AAC_SAMPLES / AAC_RATES[3], 1)
