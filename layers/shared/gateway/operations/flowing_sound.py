"""Counts the seconds of sound while it passes, by its own frames: what is paid for sound that was cut.

A frame counts once it is whole. No more of the sound is kept than the frame that has begun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.canonical.audio import AAC, FLAC, MP3, OPUS, PCM, PCM_BYTES_PER_S, PCM_RATE, WAV
from gateway.untrusted.sound.flac import FACTS_BYTES, HEAD_BYTES_MAX, head_at, rate_in
from gateway.untrusted.sound.mpeg import ADTS_HEAD_BYTES, MP3_HEAD_BYTES, Frame, adts_frame, is_index, mp3_frame

# Returns the seconds of all sound so far, with these bytes.
Counter = Callable[[bytes], float]

_OGG, _OGG_HEAD_BYTES, _OPUS_RATE = b"OggS", 27, 48_000
_FORMAT, _DATA = b"fmt ", b"data"
# The mark and the head of a block, before the facts of the stream (RFC 9639, 8.2).
_FLAC_FACTS = 8


class _Samples:
    """Samples without a head, all of one length."""

    def __init__(self) -> None:
        self._bytes = 0

    def __call__(self, data: bytes) -> float:
        self._bytes += len(data)
        return self._bytes / PCM_BYTES_PER_S


class _Wave:
    """Samples behind a RIFF head, which tells their bytes a second."""

    def __init__(self) -> None:
        self._head, self._bytes, self._per_s = b"", 0, 0

    def __call__(self, data: bytes) -> float:
        if self._per_s:
            self._bytes += len(data)
            return self._bytes / self._per_s
        self._head += data
        told, sound = self._head.find(_FORMAT), self._head.find(_DATA)
        if 0 <= told < sound and len(self._head) >= sound + 8:
            self._per_s = int.from_bytes(self._head[told + 16 : told + 20], "little") or PCM_BYTES_PER_S
            self._bytes = len(self._head) - sound - 8
            self._head = b""
        return self._bytes / self._per_s if self._per_s else 0.0


class _Frames:
    """Frames that say how long they are; the next one follows."""

    def __init__(self, frame_at: Callable[[bytes, int], Frame | None], head_bytes: int) -> None:
        self._frame_at, self._head_bytes = frame_at, head_bytes
        self._rest, self._seconds, self._is_first = b"", 0.0, True

    def __call__(self, data: bytes) -> float:
        rest, at = self._rest + data, 0
        while at + self._head_bytes <= len(rest):
            frame = self._frame_at(rest, at)
            if frame is None:
                at = rest.find(b"\xff", at + 1)
                at = len(rest) if at < 0 else at
            elif at + frame.size > len(rest):
                break
            else:
                # A first frame that is an index is no sound.
                if not (self._is_first and is_index(rest, at)):
                    self._seconds += frame.seconds
                self._is_first = False
                at += frame.size
        self._rest = rest[at:]
        return self._seconds


class _Ogg:
    """Pages of Ogg with Opus: a whole one tells the samples so far (RFC 7845, 4)."""

    def __init__(self) -> None:
        self._rest, self._skip, self._granule = b"", 0, 0

    def __call__(self, data: bytes) -> float:
        rest, at = self._rest + data, 0
        while (at := rest.find(_OGG, at)) >= 0 and at + _OGG_HEAD_BYTES <= len(rest):
            body = at + _OGG_HEAD_BYTES + rest[at + 26]
            end = body + sum(rest[at + _OGG_HEAD_BYTES : body])
            if body > len(rest) or end > len(rest):
                break
            if rest.startswith(b"OpusHead", body):
                self._skip = int.from_bytes(rest[body + 10 : body + 12], "little")
            self._granule = max(self._granule, int.from_bytes(rest[at + 6 : at + 14], "little", signed=True))
            at = end
        self._rest = rest[at:] if at >= 0 else rest[-len(_OGG) :]
        return max(0, self._granule - self._skip) / _OPUS_RATE


class _Flac:
    """Frames of FLAC, which do not say how long they are: one is whole where the next begins."""

    def __init__(self) -> None:
        self._rest, self._seconds, self._open_s, self._rate = b"", 0.0, 0.0, 0

    def __call__(self, data: bytes) -> float:
        rest, at = self._rest + data, 0
        if not self._rate:
            if len(rest) < _FLAC_FACTS + FACTS_BYTES:
                self._rest = rest
                return 0.0
            self._rate = rate_in(rest[_FLAC_FACTS : _FLAC_FACTS + FACTS_BYTES]) or PCM_RATE
            at = _FLAC_FACTS + FACTS_BYTES
        while (at := rest.find(b"\xff", at)) >= 0 and at + HEAD_BYTES_MAX <= len(rest):
            head = head_at(rest, at, self._rate)
            if head is not None:
                self._seconds += self._open_s
                self._open_s = head.samples / head.rate
            at += 1
        self._rest = rest[at:] if at >= 0 else b""
        return self._seconds


_COUNTERS: Mapping[str, Callable[[], Counter]] = {
    MP3: lambda: _Frames(mp3_frame, MP3_HEAD_BYTES),
    OPUS: _Ogg,
    AAC: lambda: _Frames(adts_frame, ADTS_HEAD_BYTES),
    FLAC: _Flac,
    WAV: _Wave,
    PCM: _Samples,
}


def counter(form: str) -> Counter:
    """A counter of sound in this form."""
    return _COUNTERS[form]()
