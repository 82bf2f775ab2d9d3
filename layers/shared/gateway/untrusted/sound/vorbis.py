"""Tells the seconds of a packet of Vorbis (Vorbis I, 4.3.1), by the modes that its setup has at its end (4.2.4).

The setup is read as a decoder reads it, from its beginning: bytes behind its end could be made to look like modes.
"""

from __future__ import annotations

from gateway.untrusted.sound.steps import Steps, Unreadable

_BOOK_MARK = 0x564342
_HEAD_BYTES = 7


class Vorbis:
    """Vorbis, by its first and third packet: a packet is as long as its window and the one before it overlap."""

    def __init__(self, identification: bytes, setup: bytes, steps: Steps) -> None:
        if len(identification) < 29 or not (rate := int.from_bytes(identification[12:16], "little")):
            raise Unreadable
        self.rate, sizes = rate, identification[28]
        self._sizes = 1 << (sizes & 15), 1 << (sizes >> 4)
        self._modes = _Setup(setup, identification[11], steps).modes()
        self._mode_bits = (len(self._modes) - 1).bit_length()
        self._before = 0
        self.frame_s = max(self._sizes) / 2 / rate

    def __call__(self, packet: bytes | memoryview) -> float:
        """The seconds of a packet; none for the first, and for heads and comments."""
        if not packet or packet[0] & 1:
            return 0.0
        mode = packet[0] >> 1 & (1 << self._mode_bits) - 1
        size = self._sizes[self._modes[mode] if mode < len(self._modes) else 1]
        before, self._before = self._before, size
        return (before + size) / 4 / self.rate if before else 0.0


class _Setup:
    """Reads a setup; bits are taken from the lowest of each byte."""

    def __init__(self, data: bytes, channels: int, steps: Steps) -> None:
        if not data.startswith(b"\x05vorbis") or not channels:
            raise Unreadable
        self._data, self._at, self._channels = data, 8 * _HEAD_BYTES, channels
        self._steps = steps

    def modes(self) -> list[int]:
        """The flag of each mode that says whether its window is the long one."""
        for _ in range(self._take(8) + 1):
            self._book()
        self._pass(16 * (self._take(6) + 1))
        for part in (self._floor, self._residue, self._mapping):
            for _ in range(self._take(6) + 1):
                part()
        flags = []
        for _ in range(self._take(6) + 1):
            flags.append(self._take(1))
            self._pass(40)
        if not self._take(1):
            raise Unreadable
        return flags

    def _take(self, count: int) -> int:
        self._steps.take()
        start = self._at >> 3
        found = int.from_bytes(self._data[start : start + 5], "little") >> (self._at & 7)
        self._pass(count)
        return found & (1 << count) - 1

    def _pass(self, count: int) -> None:
        self._at += count
        if self._at > 8 * len(self._data):
            raise Unreadable

    def _book(self) -> None:
        if self._take(24) != _BOOK_MARK:
            raise Unreadable
        dimensions, entries = self._take(16), self._take(24)
        if self._take(1):
            self._pass(5)
            left = entries
            while left > 0:
                left -= self._take(left.bit_length())
        elif self._take(1):
            for _ in range(entries):
                if self._take(1):
                    self._pass(5)
        else:
            self._pass(5 * entries)
        self._lookup(dimensions, entries)

    def _lookup(self, dimensions: int, entries: int) -> None:
        kind = self._take(4)
        if kind == 0:
            return
        if kind > 2 or not dimensions:
            raise Unreadable
        self._pass(64)
        width = self._take(4) + 1
        self._pass(1 + width * (_root(entries, dimensions) if kind == 1 else entries * dimensions))

    def _floor(self) -> None:
        kind = self._take(16)
        if kind == 0:
            self._pass(8 + 16 + 16 + 6 + 8)
            self._pass(8 * (self._take(4) + 1))
            return
        if kind != 1:
            raise Unreadable
        parts = [self._take(4) for _ in range(self._take(5))]
        sizes = []
        for _ in range(max(parts, default=-1) + 1):
            sizes.append(self._take(3) + 1)
            subclasses = self._take(2)
            self._pass(8 * (1 << subclasses) + (8 if subclasses else 0))
        self._pass(2)
        width = self._take(4)
        self._pass(width * sum(sizes[part] for part in parts))

    def _residue(self) -> None:
        self._pass(16 + 24 + 24 + 24)
        count = self._take(6) + 1
        self._pass(8)
        books = 0
        for _ in range(count):
            books += self._take(3).bit_count()
            if self._take(1):
                books += self._take(5).bit_count()
        self._pass(8 * books)

    def _mapping(self) -> None:
        self._pass(16)
        submaps = self._take(4) + 1 if self._take(1) else 1
        if self._take(1):
            width = (self._channels - 1).bit_length()
            self._pass(2 * width * (self._take(8) + 1))
        self._pass(2)
        if submaps > 1:
            self._pass(4 * self._channels)
        self._pass(24 * submaps)


def _root(entries: int, dimensions: int) -> int:
    """The greatest number whose power of so many dimensions is at most the entries (Vorbis I, 9.2.3)."""
    found: int = round(entries ** (1 / dimensions)) + 1
    while found**dimensions > entries:
        found -= 1
    return found
