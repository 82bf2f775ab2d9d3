"""Measures WAVE by the bytes of its sound; what its head states of lengths and of bytes a second is not believed."""

from __future__ import annotations

import re

from gateway.untrusted.containers import WAVE_OPEN
from gateway.untrusted.sound import mpeg
from gateway.untrusted.sound.steps import Length, Steps, Unreadable

# RIFF, a length, and WAVE; chunks follow.
_HEAD_BYTES, _FORMAT_BYTES = 12, 16
# https://learn.microsoft.com/windows/win32/api/mmeapi/ns-mmeapi-waveformatex: integers, reals, A-law, mu-law, and
# a head that names one of them further on. Codings that pack samples are not counted.
_PLAIN, _EXTENSIBLE = (1, 3, 6, 7), 0xFFFE
# FFmpeg looks for another coding in the first 32 packets of 16-bit samples, and decodes them by it (wavdec.c there,
# handle_stream_probing): MP3, AAC, AC-3 by marks that stand close together, DTS, TrueHD and IEC 61937 by rarer ones.
_PROBED_BITS, _PROBED_BYTES = 16, 262_144
_AC3, _AC3_MOST = re.compile(rb"\x0b\x77|\x77\x0b"), 200
_OTHERS, _OTHERS_MOST = (
    re.compile(
        rb"\x7f\xfe\x80\x01|\xfe\x7f\x01\x80|\x1f\xff\xe8\x00\x07[\xf0-\xff]|\xff\x1f\x00\xe8[\xf0-\xff]\x07"
        rb"|\xf8\x72\x6f\xba|\x72\xf8\x1f\x4e"
    ),
    3,
)


def length(content: bytes, steps: Steps) -> Length:
    """The length of a file; a chunk of sound whose length is open goes on to the end."""
    heads, first, sound = list[bytes](), bytearray(), 0
    at = _HEAD_BYTES
    while (begun := at + 8) <= len(content):
        steps.take()
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : begun], "little")
        if name == b"fmt ":
            heads.append(content[begun : begun + min(size, 40)])
        elif name == b"data":
            end = len(content) if size in WAVE_OPEN else min(begun + size, len(content))
            sound += end - begun
            first += content[begun : min(end, begun + _PROBED_BYTES - len(first))]
            if size in WAVE_OPEN:
                break
        at = begun + size + size % 2
    if len(heads) != 1:
        raise Unreadable
    rate = _bytes_a_second(heads[0])
    if heads[0][14] == _PROBED_BITS and _is_coded(bytes(first), steps):
        raise Unreadable
    return Length(sound / rate)


def _is_coded(samples: bytes, steps: Steps) -> bool:
    """True for samples that are another coding's frames."""
    if _AC3.match(samples) or len(_AC3.findall(samples)) > _AC3_MOST or len(_OTHERS.findall(samples)) > _OTHERS_MOST:
        return True
    return mpeg.is_coded(samples, steps)


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
