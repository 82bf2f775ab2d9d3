"""Counts the frames of MP3 and of AAC in ADTS, which follow each other without a container.

The heads are those of ISO/IEC 11172-3 2.4.1.3, ISO/IEC 13818-3 and 13818-7 6.2. A frame says how long it is, and the
next one follows it. Where none does, the walk goes on behind the last head, so that a false head hides nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from msgspec import Struct

from gateway.untrusted.sound.codecs import AAC_RATES, AAC_SAMPLES, aac_frames
from gateway.untrusted.sound.steps import Length, Steps

# A head that is like none before is one by chance, unless others like it follow.
RUN_LEAST = 3
_MP3 = re.compile(rb"\xff[\xe2-\xe7\xf2-\xff][\x10-\xef]")
_ADTS = re.compile(rb"\xff[\xf0\xf1\xf8\xf9]")
_ADTS_HEAD_BYTES = 7
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
_INDEX = re.compile(rb"Xing|Info|VBRI")


class Frame(Struct, frozen=True):
    """A frame: its bytes, its seconds, and what is the same in all frames of one sound."""

    size: int
    seconds: float
    kind: int


def length(content: bytes, start: int = 0) -> Length:
    """The length of MP3 or ADTS. A file of both is as long as the longer, since a decoder may take either."""
    steps = Steps()
    return Length(max(_counted(content, start, _MP3, mp3_frame, steps), _counted(content, start, _ADTS, _adts, steps)))


def mp3_seconds(packet: bytes) -> float:
    """The seconds of a packet of MP3 in another container."""
    return _counted(packet, 0, _MP3, mp3_frame, Steps())


def _counted(
    content: bytes, start: int, sync: re.Pattern[bytes], frame_at: Callable[[bytes, int], Frame | None], steps: Steps
) -> float:
    kinds: set[int] = set()
    total, at = 0.0, start
    while found := sync.search(content, at):
        begun = end = last = found.start()
        run, run_s, kind = 0, 0.0, 0
        while frame := frame_at(content, end):
            steps.take()
            last, end = end, end + frame.size
            kind = kind or frame.kind
            if kinds or run or not _INDEX.search(content, last, min(end, last + 64)):
                run_s += frame.seconds
            run += 1
        steps.take()
        if run and (kind in kinds or run >= RUN_LEAST or begun == start or end == len(content)):
            kinds.add(kind)
            total += run_s
        else:
            last = begun
        at = last + 1
    return total


def mp3_frame(content: bytes, at: int) -> Frame | None:
    """The frame of MPEG sound whose head stands there, if one does."""
    if at + 4 > len(content) or content[at] != 0xFF:
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


def _adts(content: bytes, at: int) -> Frame | None:
    head = content[at : at + _ADTS_HEAD_BYTES]
    if len(head) < _ADTS_HEAD_BYTES or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate, size = head[2] >> 2 & 15, (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate >= len(AAC_RATES) or size < _ADTS_HEAD_BYTES:
        return None
    channels = (head[2] & 1) << 2 | head[3] >> 6
    blocks = max(1 + (head[6] & 3), aac_frames(size - _ADTS_HEAD_BYTES, channels))
    return Frame(size, blocks * AAC_SAMPLES / AAC_RATES[rate], (head[1] & 0xFE) << 8 | head[2] & 0xFC)
