"""Tells the seconds of one packet of Opus or AAC, by its coding; containers share these.

Opus says it in its first bytes (RFC 6716, 3.1). A packet of AAC is one frame, whose samples and rate the
AudioSpecificConfig tells (ISO/IEC 14496-3, 1.6.2.1).
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.untrusted.sound.steps import Unreadable

# Returns the seconds of a packet.
Codec = Callable[[bytes | memoryview], float]

OPUS_RATE, OPUS_FRAME_S = 48_000, 0.02
# The most that a packet lasts, with room for rounding.
_OPUS_S_MAX = 0.121
_SILK_S, _HYBRID_S, _CELT_S = (0.01, 0.02, 0.04, 0.06), (0.01, 0.02), (0.0025, 0.005, 0.01, 0.02)
AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
AAC_SAMPLES = 1_024
# A frame has at most 6,144 bits a channel; decoders go on behind it in what is left of a packet.
_AAC_CHANNEL_BYTES = 768
_BANDWIDTH_EXTENDED, _PLAIN_AAC = (5, 29), (1, 2, 4)
_CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8}


def opus_seconds(packet: bytes | memoryview) -> float:
    """The seconds of a packet of Opus; raises `Unreadable` for what is no such packet."""
    if not packet:
        return 0.0
    config, code = packet[0] >> 3, packet[0] & 3
    frame = _SILK_S[config & 3] if config < 12 else _HYBRID_S[config & 1] if config < 16 else _CELT_S[config & 3]
    count = (1, 2, 2)[code] if code < 3 else packet[1] & 63 if len(packet) > 1 else 0
    if not 0 < count * frame <= _OPUS_S_MAX or (code == 1 and len(packet) % 2 == 0):
        raise Unreadable
    return frame * count


def aac(config: bytes) -> tuple[Codec, float]:
    """AAC and the seconds of a frame, by its AudioSpecificConfig; raises `Unreadable` for what is not counted here."""
    bits = _Bits(config)
    kind, rate, channels = bits.take(5), bits.rate(), bits.take(4)
    if kind in _BANDWIDTH_EXTENDED:
        bits.rate()
        kind = bits.take(5)
    samples = 960 if bits.take(1) else AAC_SAMPLES
    if not rate or kind not in _PLAIN_AAC or channels not in _CHANNELS:
        raise Unreadable
    frame_s, most = samples / rate, _AAC_CHANNEL_BYTES * _CHANNELS[channels]

    def seconds(packet: bytes | memoryview) -> float:
        if len(packet) > most:
            raise Unreadable
        return frame_s

    return seconds, frame_s


def aac_frames(size: int, channels: int) -> int:
    """The frames that so many bytes are at least; `channels` is the coding's number for them."""
    return -(-size // (_AAC_CHANNEL_BYTES * _CHANNELS.get(channels, 1)))


class _Bits:
    """Reads bits, the highest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data[:64], "big"), 8 * len(data[:64])

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise Unreadable
        return self._value >> self._left & (1 << count) - 1

    def rate(self) -> int:
        index = self.take(4)
        if index == 15:
            return self.take(24)
        return AAC_RATES[index] if index < len(AAC_RATES) else 0
