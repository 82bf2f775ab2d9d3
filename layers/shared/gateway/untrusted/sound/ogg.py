"""Counts the packets of Ogg (RFC 3533) with Opus or Vorbis; a page's granule is only compared with them.

A page whose checksum is wrong, or with another in it, makes the file unreadable: some decoders take it, and others look
for pages inside it.
"""

from __future__ import annotations

import zlib

from gateway.untrusted.sound.codecs import OPUS_FRAME_S, OPUS_RATE, Codec, opus_seconds
from gateway.untrusted.sound.steps import Length, Steps, Unreadable
from gateway.untrusted.sound.vorbis import Vorbis

_MARK, _PAGE, _HEAD_BYTES = b"OggS", b"OggS\0", 27
_CONTINUED, _BEGINS = 1, 2
_HEADS_BYTES_MAX = 1_048_576
# Ogg's checksum takes the bits of a byte from the highest, zlib's from the lowest.
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class _Stream:
    """One stream of a file: its packets as they are put together, and the seconds of those that were."""

    def __init__(self, steps: Steps) -> None:
        self.granule = 0
        self._steps = steps
        self._heads: list[bytes] = []
        self._codec: Codec | None = None
        self._rate, self._skip, self._frame_s = 0, 0, OPUS_FRAME_S
        self._counted = 0.0
        self._packet = bytearray()

    def page(self, content: bytes, at: int, sizes: bytes, *, goes_on: bool) -> None:
        """Takes the segments of a page."""
        if not goes_on:
            self._end()
        for size in sizes:
            self._steps.take()
            if len(self._packet) < _HEADS_BYTES_MAX:
                self._packet += content[at : at + size]
            at += size
            if size < 255:
                self._end()

    def _end(self) -> None:
        packet = bytes(self._packet)
        self._packet.clear()
        if self._codec is not None:
            self._counted += self._codec(packet)
        elif packet:
            self._heads.append(packet)
            self._begin(self._heads)

    def _begin(self, heads: list[bytes]) -> None:
        """Chooses the coding once the heads that it needs are there."""
        if heads[0].startswith(b"OpusHead"):
            if len(heads) == 2:
                self._codec, self._rate = opus_seconds, OPUS_RATE
                self._skip = int.from_bytes(heads[0][10:12], "little")
        elif not heads[0].startswith(b"\x01vorbis"):
            raise Unreadable
        elif len(heads) == 3:
            self._codec = coding = Vorbis(heads[0], heads[2], self._steps)
            self._rate, self._frame_s = coding.rate, coding.frame_s

    def close(self) -> Length:
        """Ends the last packet, and returns the length of the stream; its last granule is what it states."""
        self._end()
        stated = (self.granule - self._skip) / self._rate if self._rate else None
        return Length(self._counted, stated, self._frame_s)


def length(content: bytes, steps: Steps) -> Length:
    """The length of all streams, which follow each other where there are several."""
    streams, ended = dict[bytes, _Stream](), list[_Stream]()
    at = 0
    while (at := content.find(_MARK, at)) >= 0:
        segments = content[at + 26] if at + _HEAD_BYTES <= len(content) else 0
        body = at + _HEAD_BYTES + segments
        sizes = content[at + _HEAD_BYTES : body]
        end = body + sum(sizes)
        if end > len(content):
            # A last page that is cut off is no sound, unless it hides others.
            if content.find(_MARK, at + 1) >= 0:
                raise Unreadable
            break
        steps.take()
        if content.find(_PAGE, at + 1, end) >= 0 or _checksum(content, at, end) != content[at + 22 : at + 26]:
            raise Unreadable
        kind, serial = content[at + 5], content[at + 14 : at + 18]
        if kind & _BEGINS and serial in streams:
            ended.append(streams.pop(serial))
        stream = streams.setdefault(serial, _Stream(steps))
        stream.page(content, body, sizes, goes_on=bool(kind & _CONTINUED))
        granule = int.from_bytes(content[at + 6 : at + 14], "little", signed=True)
        if granule >= 0:
            stream.granule = granule
        at = end
    return Length(sum(each.close().seconds for each in (*ended, *streams.values())))


def _checksum(content: bytes, at: int, end: int) -> bytes:
    """The checksum of a page, over which its own place is zero."""
    page = (content[at : at + 22] + bytes(4) + content[at + 26 : end]).translate(_MIRRORED)
    found = zlib.crc32(page, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return found.to_bytes(4, "big").translate(_MIRRORED)
