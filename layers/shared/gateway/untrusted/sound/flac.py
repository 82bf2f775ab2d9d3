"""Counts the frames of FLAC (RFC 9639, 9.1): a frame's head tells its samples, and ends with a checksum of itself."""

from __future__ import annotations

import re

from msgspec import Struct

from gateway.untrusted.sound.steps import STEP_BYTES, Length, Steps, Unreadable

_SYNC = re.compile(rb"\xff[\xf8\xf9][\x10-\xff][\x00-\xaf]")
FACTS_BYTES = 34
HEAD_BYTES_MAX = 16
# To read a head takes as long as ten steps: no more than 100,000 are, which are two hours at the usual 4,096 samples.
_HEAD_COST_BYTES = 9 * STEP_BYTES
_RATES = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)
# The units of a rate that follows in the head, by the code: its bytes, and Hz.
_LATER_RATES = {12: (1, 1_000), 13: (2, 1), 14: (2, 10)}
# Samples have heads by chance: of another rate or width than the file's, about one in six MB.
_STRAYS_LEAST, _STRAY_BYTES = 2, 4_194_304


class Head(Struct, frozen=True):
    """The facts that the head of a frame tells."""

    samples: int
    rate: int
    channels: int
    width: int

    @property
    def kind(self) -> tuple[int, int, int]:
        """The facts that are the same in all frames of one sound."""
        return self.rate, self.channels, self.width


def rate_in(facts: bytes) -> int:
    """The samples a second that the STREAMINFO states."""
    return int.from_bytes(facts[10:13], "big") >> 4


def length(content: bytes, steps: Steps) -> Length:
    """The length of a file; raises `Unreadable` if its frames are of several kinds, of which decoders may take any."""
    facts = content[8 : 8 + FACTS_BYTES]
    if len(facts) < FACTS_BYTES or not (rate := rate_in(facts)):
        raise Unreadable
    return Length(_counted(content, _frames_start(content, steps), rate, steps))


def _frames_start(content: bytes, steps: Steps) -> int:
    at, is_last = 4, False
    while not is_last and at + 4 <= len(content):
        steps.take()
        is_last = bool(content[at] & 0x80)
        at += 4 + int.from_bytes(content[at + 1 : at + 4], "big")
    return at


def _counted(content: bytes, at: int, rate: int, steps: Steps) -> float:
    first, total, strays = head_at(content, at, rate), 0.0, 0
    if first is None or first.rate != rate:
        raise Unreadable
    for found in _SYNC.finditer(content, at):
        steps.take(_HEAD_COST_BYTES)
        head = head_at(content, found.start(), rate)
        if head is None:
            continue
        if head.kind == first.kind:
            total += head.samples / head.rate
        else:
            strays += 1
    if strays > _STRAYS_LEAST + len(content) // _STRAY_BYTES:
        raise Unreadable
    return total


def head_at(content: bytes, at: int, rate: int) -> Head | None:
    """The head of the frame that stands there, if one does; `rate` is that of a frame that leaves it to the file."""
    head = content[at : at + HEAD_BYTES_MAX]
    if len(head) < 6 or not _SYNC.match(head):
        return None
    samples, hertz = head[2] >> 4, head[2] & 15
    more = 4 + _number_bytes(head[4])
    size_bytes = {6: 1, 7: 2}.get(samples, 0)
    rate_bytes, unit = _LATER_RATES.get(hertz, (0, 0))
    end = more + size_bytes + rate_bytes
    if hertz == 15 or more == 4 or len(head) <= end or _checksum(head[:end]) != head[end]:
        return None
    if size_bytes:
        count = 1 + int.from_bytes(head[more : more + size_bytes], "big")
    else:
        count = 192 if samples == 1 else 576 << samples - 2 if samples < 6 else 256 << samples - 8
    told = int.from_bytes(head[end - rate_bytes : end], "big") * unit if rate_bytes else _RATES[hertz]
    channels = 1 + (head[3] >> 4) if head[3] >> 4 < 8 else 2
    return Head(count, told or rate, channels, head[3] >> 1 & 7)


def _number_bytes(lead: int) -> int:
    """The bytes of a number in UTF-8, extended to 36 bits, by its first; none for one that begins none."""
    ones = next((bit for bit in range(8) if not lead & 0x80 >> bit), 8)
    return 1 if ones == 0 else 0 if ones in (1, 8) else ones


def _table() -> bytes:
    found = bytearray()
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value << 1 ^ 0x07 if value & 0x80 else value << 1) & 0xFF
        found.append(value)
    return bytes(found)


_CHECKSUMS = _table()


def _checksum(head: bytes) -> int:
    value = 0
    for byte in head:
        value = _CHECKSUMS[value ^ byte]
    return value
