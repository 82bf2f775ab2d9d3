"""Makes sound in every form of OpenAI's speech, frame by frame: the same text has the same sound.

WAV, PCM and FLAC hold a tone that the text decides; MP3, AAC and Opus hold frames of silence, which need no coder:
- MP3: ISO/IEC 11172-3, a frame whose side information is zero. AAC: ISO/IEC 14496-3 in ADTS, one silent channel.
- Opus: RFC 6716, a packet of CELT silence, in Ogg pages (RFC 3533, RFC 7845).
- FLAC: RFC 9639, verbatim subframes.
"""

from __future__ import annotations

import array
import functools
import hashlib
import itertools
import math
import struct
from collections.abc import Callable, Iterator

RATE = 24_000
CHARACTERS_PER_S = 15
TOKENS_PER_S = 20
# A frame of each form, in samples of the rate that it says.
PCM_SAMPLES, FLAC_SAMPLES = 2_400, 4_096
MP3_RATE, MP3_SAMPLES, MP3_BYTES = 44_100, 1_152, 417
AAC_RATE, AAC_SAMPLES = 24_000, 1_024
OPUS_RATE, OPUS_SAMPLES, OPUS_PACKETS = 48_000, 960, 25

_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}


def content_type(form: str) -> str:
    """Returns the content type of a form."""
    return _TYPES[form]


def seconds(text: str) -> float:
    """Returns the time that a text takes to speak."""
    return max(0.5, len(text) / CHARACTERS_PER_S)


def frames(form: str, text: str, length_s: float) -> Iterator[bytes]:
    """Yields a file of so many seconds in pieces, the first of which has the file's head."""
    return _FORMS[form](text, length_s)


def whole(form: str, text: str, length_s: float) -> bytes:
    """Builds a file of so many seconds; a WAV file's head tells its length."""
    found = b"".join(frames(form, text, length_s))
    return found if form != "wav" else _wav_head(len(found) - 44) + found[44:]


@functools.lru_cache(maxsize=64)
def _wave(text: str) -> bytes:
    """A tenth of a second of a tone whose pitch is the text's; its end meets its beginning."""
    pitch = 10 * (20 + int.from_bytes(hashlib.sha256(text.encode()).digest()[:2]) % 60)
    samples = (round(8_000 * math.sin(2 * math.pi * pitch * at / RATE)) for at in range(PCM_SAMPLES))
    return struct.pack(f"<{PCM_SAMPLES}h", *samples)


def _pcm(text: str, length_s: float) -> Iterator[bytes]:
    left = 2 * round(length_s * RATE)
    while left > 0:
        yield _wave(text)[:left]
        left -= 2 * PCM_SAMPLES


def _wav_head(size: int | None = None) -> bytes:
    longest = 0xFFFFFFFF
    return (
        b"RIFF" + struct.pack("<I", longest if size is None else size + 36) + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
        + b"data" + struct.pack("<I", longest if size is None else size)
    )  # fmt: skip


def _wav(text: str, length_s: float) -> Iterator[bytes]:
    return itertools.chain((_wav_head(),), _pcm(text, length_s))


def _mp3(_: str, length_s: float) -> Iterator[bytes]:
    # MPEG 1, layer III, 128 kbit/s, 44,100 Hz, one channel.
    frame = b"\xff\xfb\x90\xc4".ljust(MP3_BYTES, b"\0")
    return itertools.repeat(frame, math.ceil(length_s * MP3_RATE / MP3_SAMPLES))


def _aac(_: str, length_s: float) -> Iterator[bytes]:
    block = bytes.fromhex("00c800802380")
    size = 7 + len(block)
    # Low complexity, 24,000 Hz, one channel, a buffer that is always full.
    head = 0xFFF << 44 | 1 << 40 | 1 << 38 | 6 << 34 | 1 << 30 | size << 13 | 0x7FF << 2
    return itertools.repeat(head.to_bytes(7) + block, math.ceil(length_s * AAC_RATE / AAC_SAMPLES))


def _opus(text: str, length_s: float) -> Iterator[bytes]:
    serial = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
    yield _page(serial, 0, 0, 2, [b"OpusHead" + struct.pack("<BBHIHB", 1, 1, 0, OPUS_RATE, 0, 0)])
    yield _page(serial, 1, 0, 0, [b"OpusTags" + struct.pack("<I", 3) + b"sim" + struct.pack("<I", 0)])
    left, at = math.ceil(length_s * OPUS_RATE / OPUS_SAMPLES), 0
    for number in itertools.count(2):
        packets = min(left, OPUS_PACKETS)
        left, at = left - packets, at + packets * OPUS_SAMPLES
        yield _page(serial, number, at, 0 if left else 4, [b"\xf8\xff\xfe"] * packets)
        if not left:
            return


def _page(serial: int, number: int, granule: int, kind: int, packets: list[bytes]) -> bytes:
    """An Ogg page whose packets are shorter than 255 bytes."""
    sizes = bytes(map(len, packets))

    def built(checksum: int) -> bytes:
        head = struct.pack("<4sBBqIIIB", b"OggS", 0, kind, granule, serial, number, checksum, len(sizes))
        return head + sizes + b"".join(packets)

    return built(_crc(built(0), 32, 0x04C11DB7))


def _flac(text: str, length_s: float) -> Iterator[bytes]:
    total = round(length_s * RATE)
    facts = RATE << 44 | 0 << 41 | 15 << 36 | total
    yield (
        b"fLaC\x80" + (34).to_bytes(3) + struct.pack(">HH", FLAC_SAMPLES, FLAC_SAMPLES) + bytes(6)
        + facts.to_bytes(8) + bytes(16)
    )  # fmt: skip
    tone = _wave(text)
    for number, start in enumerate(range(0, total, FLAC_SAMPLES)):
        count = min(FLAC_SAMPLES, total - start)
        at = 2 * start % len(tone)
        samples = (tone[at:] + tone * (2 * count // len(tone) + 1))[: 2 * count]
        yield _flac_frame(number, samples)


def _flac_frame(number: int, samples: bytes) -> bytes:
    """A frame of one verbatim subframe, of 16 bits, whose length stands in its head."""
    head = b"\xff\xf8\x77\x08" + _utf8(number) + struct.pack(">H", len(samples) // 2 - 1)
    head += bytes((_crc(head, 8, 0x07),))
    swapped = array.array("h", samples)
    swapped.byteswap()
    frame = head + b"\x02" + swapped.tobytes()
    return frame + struct.pack(">H", _crc(frame, 16, 0x8005))


def _utf8(number: int) -> bytes:
    return chr(number).encode("utf-8", "surrogatepass")


@functools.cache
def _crc_table(width: int, polynomial: int) -> list[int]:
    top, mask = 1 << (width - 1), (1 << width) - 1
    table = []
    for byte in range(256):
        value = byte << (width - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return table


def _crc(data: bytes, width: int, polynomial: int) -> int:
    table, mask, value = _crc_table(width, polynomial), (1 << width) - 1, 0
    for byte in data:
        value = (value << 8 ^ table[value >> (width - 8) ^ byte]) & mask
    return value


_FORMS: dict[str, Callable[[str, float], Iterator[bytes]]] = {
    "mp3": _mp3,
    "opus": _opus,
    "aac": _aac,
    "flac": _flac,
    "wav": _wav,
    "pcm": _pcm,
}
