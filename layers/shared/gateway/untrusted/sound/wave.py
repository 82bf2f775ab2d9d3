"""Measures WAVE by the bytes of its sound; what its head states of lengths and of bytes a second is not believed."""

from __future__ import annotations

from gateway.untrusted.containers import WAVE_OPEN
from gateway.untrusted.sound.steps import Length, Steps, Unreadable

# RIFF, a length, and WAVE; chunks follow.
_HEAD_BYTES, _FORMAT_BYTES = 12, 16
# https://learn.microsoft.com/windows/win32/api/mmeapi/ns-mmeapi-waveformatex: integers, reals, A-law, mu-law, and
# a head that names one of them further on. Codings that pack samples are not counted.
_PLAIN, _EXTENSIBLE = (1, 3, 6, 7), 0xFFFE


def length(content: bytes) -> Length:
    """The length of a file; a chunk of sound whose length is open goes on to the end."""
    heads, sound = list[bytes](), 0
    steps, at = Steps(), _HEAD_BYTES
    while (begun := at + 8) <= len(content):
        steps.take()
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : begun], "little")
        if name == b"fmt ":
            heads.append(content[begun : begun + min(size, 40)])
        elif name == b"data" and size in WAVE_OPEN:
            sound += len(content) - begun
            break
        elif name == b"data":
            sound += min(size, len(content) - begun)
        at = begun + size + size % 2
    if len(heads) != 1:
        raise Unreadable
    return Length(sound / _bytes_a_second(heads[0]))


def _bytes_a_second(head: bytes) -> int:
    if len(head) < _FORMAT_BYTES:
        raise Unreadable
    coding, channels, rate = (int.from_bytes(head[at:end], "little") for at, end in ((0, 2), (2, 4), (4, 8)))
    block, bits = int.from_bytes(head[12:14], "little"), int.from_bytes(head[14:16], "little")
    if coding == _EXTENSIBLE:
        coding = int.from_bytes(head[24:26], "little")
    # A sample fills whole bytes. Where the size of a block says otherwise, decoders differ.
    if coding not in _PLAIN or not rate * block or block != channels * -(-bits // 8):
        raise Unreadable
    return rate * block
