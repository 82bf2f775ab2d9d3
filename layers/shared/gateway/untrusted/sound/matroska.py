"""Counts the blocks of sound in WebM (RFC 9559), whose clusters may have been written while the sound was made.

How long a block's frames are says their coding: the times of clusters and blocks, and the duration, are stated.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct

from gateway.untrusted.sound.codecs import OPUS_FRAME_S, Codec, opus_seconds
from gateway.untrusted.sound.steps import Length, Steps, Unreadable
from gateway.untrusted.sound.vorbis import Vorbis

_SEGMENT, _INFO, _TRACKS, _CLUSTER, _GROUP = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675, 0xA0
# What is gone into; all else is passed over by its length.
_INSIDE = frozenset({_SEGMENT, _INFO, _TRACKS, _CLUSTER, _GROUP})
_TRACK, _BLOCKS = 0xAE, frozenset({0xA3, 0xA1})
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_NUMBER, _TYPE, _CODEC, _PRIVATE, _ENCODINGS = 0xD7, 0x83, 0x86, 0x63A2, 0x6D80
_SOUND = 2
# Unsigned integers have no more (RFC 8794, 7.2).
_NUMBER_BYTES_MAX = 8
_CLUSTER_MARK = _CLUSTER.to_bytes(4, "big")
# The bits of a block's flags that say that it holds several frames, which no common encoder writes.
_LACING = 6


class _Track(Struct):
    """One track: how its frames are coded, if they are sound, and what they come to so far."""

    codec: Codec | None
    frame_s: float = 0.0
    counted: float = 0.0


class _Facts(Struct):
    scale: int = 1_000_000
    lasting: float | None = None


def length(content: bytes, steps: Steps) -> Length:
    """The length of the longest track of sound; its Duration is what a file states."""
    tracks, facts = dict[int, _Track](), _Facts()
    for name, start, end in _elements(content, steps):
        if name == _TRACK:
            _read_track(content[start:end], tracks, steps)
        elif name == _SCALE:
            if end - start > _NUMBER_BYTES_MAX:
                raise Unreadable
            facts.scale = int.from_bytes(content[start:end], "big")
        elif name == _DURATION:
            facts.lasting = _real(content[start:end])
        elif name in _BLOCKS:
            _count(content[start:end], tracks)
    stated = None if facts.lasting is None else facts.lasting * facts.scale / 1e9
    longest = max(tracks.values(), key=lambda track: track.counted, default=_Track(None))
    return Length(longest.counted, stated, longest.frame_s)


def _count(block: bytes, tracks: dict[int, _Track]) -> None:
    """Counts a block, whose head is its track, two bytes of time, and flags."""
    number, at = _number(block)
    track = tracks.get(number)
    if track is None or len(block) < at + 3:
        raise Unreadable
    if track.codec is None:
        return
    if block[at + 2] & _LACING:
        raise Unreadable
    track.counted += track.codec(block[at + 3 :])


def _elements(content: bytes, steps: Steps) -> Iterator[tuple[int, int, int]]:
    """Each element with the bounds of what is in it; those in `_INSIDE` are followed by their own elements.

    What is no element is passed over up to the next cluster, as decoders do it. Raises `Unreadable` where decoders go
    back for a cluster: for an element that is longer than the one that it is in, and for one that hides a cluster.
    """
    at, end = 0, len(content)
    bounds = [end]
    while at < end:
        steps.take()
        while at >= bounds[-1]:
            bounds.pop()
        lead = content[at]
        id_bytes = 9 - lead.bit_length()
        name, begun = int.from_bytes(content[at : at + id_bytes], "big"), at + id_bytes
        size_bytes = 9 - content[begun].bit_length() if begun < end else 9
        size = int.from_bytes(content[begun : begun + size_bytes], "big") & (1 << 7 * size_bytes) - 1
        begun += size_bytes
        if name in _INSIDE and size_bytes < 9:
            at = begun
            if size != (1 << 7 * size_bytes) - 1:
                bounds.append(min(begun + size, bounds[-1]))
        elif id_bytes > 4 or size_bytes > 8 or begun + size > end:
            found = content.find(_CLUSTER_MARK, at + 1, end)
            at = found if found >= 0 else end
        elif begun + size > bounds[-1] or (
            name not in _BLOCKS and content.find(_CLUSTER_MARK, begun, begun + size) >= 0
        ):
            raise Unreadable
        else:
            yield name, begun, begun + size
            at = begun + size


def _number(block: bytes) -> tuple[int, int]:
    """The number that a block begins with, of as many bytes as its first tells, and where it ends."""
    size = 9 - block[0].bit_length() if block else 9
    if size > len(block) or size == 9:
        return 0, len(block)
    return int.from_bytes(block[:size], "big") & (1 << 7 * size) - 1, size


def _real(data: bytes) -> float | None:
    form = {4: ">f", 8: ">d"}.get(len(data))
    return float(struct.unpack(form, data)[0]) if form else None


def _read_track(entry: bytes, tracks: dict[int, _Track], steps: Steps) -> None:
    found = {name: entry[begun:stop] for name, begun, stop in _elements(entry, steps)}
    number = int.from_bytes(found.get(_NUMBER, b""), "big")
    # Decoders differ in which of two tracks of one number they take; packed frames tell nothing of themselves.
    if number in tracks or _ENCODINGS in found:
        raise Unreadable
    name, is_sound = found.get(_CODEC, b"").rstrip(b"\0"), int.from_bytes(found.get(_TYPE, b""), "big") == _SOUND
    if is_sound != name.startswith(b"A_"):
        raise Unreadable
    tracks[number] = _codec(name, found.get(_PRIVATE, b""), steps) if is_sound else _Track(None)


def _codec(name: bytes, private: bytes, steps: Steps) -> _Track:
    if name == b"A_OPUS":
        return _Track(opus_seconds, OPUS_FRAME_S)
    if name == b"A_VORBIS" and private[:1] == b"\x02":
        first, at = _size(private, 1)
        second, at = _size(private, at)
        coding = Vorbis(private[at : at + first], private[at + first + second :], steps)
        return _Track(coding, coding.frame_s)
    raise Unreadable


def _size(private: bytes, at: int) -> tuple[int, int]:
    """The size of a head, as bytes of which all but the last are 255, and where it ends."""
    size = 0
    while at < len(private):
        size, at = size + private[at], at + 1
        if private[at - 1] < 255:
            break
    return size, at
