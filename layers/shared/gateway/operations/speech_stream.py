"""Turns a provider's sound into the caller's, as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from gateway.canonical.audio import PCM_BYTES_PER_S, PCM_RATE, AudioModel, Sound
from gateway.canonical.response import Extension
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError, UpstreamTimeout
from gateway.pipeline.operation import Piece
from gateway.providers.audio.speaker import SoundReader, no_sound
from gateway.routing.plan import Candidate

SpeechCandidate = Candidate[AudioModel]
STOPPED = "The time of this request is over before the speech is."

# A RIFF header of 16 bit PCM, one channel. Both lengths are the largest there are: the sound follows as it comes.
_LONGEST = b"\xff\xff\xff\xff"
WAV_HEADER = (
    b"RIFF" + _LONGEST + b"WAVEfmt " + (16).to_bytes(4, "little") + (1).to_bytes(2, "little")
    + (1).to_bytes(2, "little") + PCM_RATE.to_bytes(4, "little") + PCM_BYTES_PER_S.to_bytes(4, "little")
    + (2).to_bytes(2, "little") + (16).to_bytes(2, "little") + b"data" + _LONGEST
)  # fmt: skip


class Encoder(Protocol):
    """Writes sound in the caller's form of answer."""

    def sound(self, data: bytes) -> bytes: ...

    def finish(self, usage: Usage | None, extension: Extension) -> bytes: ...

    def fail(self, error: GatewayError) -> bytes: ...


class SpeechTranscoder:
    """One caller's sound over its attempts.

    `reader_of` makes the reader of a candidate's answer, and `header_of` says what stands before its sound. What
    `counter_of` makes takes each piece and returns how far all sound has come with it, in the unit of the meter.
    `usage_of` is what its provider bills without a report.
    """

    def __init__(
        self,
        encoder: Encoder,
        reader_of: Callable[[SpeechCandidate], SoundReader],
        header_of: Callable[[SpeechCandidate], bytes],
        counter_of: Callable[[SpeechCandidate], Callable[[bytes], int]],
        usage_of: Callable[[SpeechCandidate], Usage | None],
    ) -> None:
        self._encoder = encoder
        self._reader_of = reader_of
        self._header_of = header_of
        self._counter_of = counter_of
        self._usage_of = usage_of
        self._usage: Usage | None = None

    def begin(self, candidate: SpeechCandidate) -> None:
        """Starts an attempt with a fresh reader."""
        self._candidate = candidate
        self._reader = self._reader_of(candidate)
        self._header = self._header_of(candidate)
        self._usage = None
        self._count = self._counter_of(candidate)
        self._delivered = 0

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The pieces that the bytes complete."""
        return map(self._piece, self._reader.feed(data))

    def flush(self) -> Iterator[Piece]:
        """The pieces that the end of the bytes completes."""
        return map(self._piece, self._reader.flush())

    def replay(self, answer: bytes) -> Iterable[Piece]:
        """A whole answer, read as its stream would be."""
        yield from self.feed(answer)
        yield from self.flush()

    def finish(self, extension: Extension) -> bytes:
        """The clean end."""
        return self._encoder.finish(self._usage, extension)

    def cut_short(self, extension: Extension) -> bytes:
        """Raises: sound that is not whole has no well-formed end."""
        del extension
        raise UpstreamTimeout(STOPPED)

    def fail(self, error: GatewayError) -> bytes:
        """The error, where the form of the answer has a place for one."""
        return self._encoder.fail(error)

    def go_on(self, before: Usage) -> None:
        """Nothing: no provider goes on with another's voice."""
        del before

    def keep(self, account_id: str) -> None:
        """Nothing is kept."""
        del account_id

    def _piece(self, sound: Sound) -> Piece:
        if sound.error is not None:
            return Piece(error=sound.error)
        piece = Piece(ended=sound.ended)
        if sound.data:
            before, self._delivered = self._delivered, max(1, self._count(sound.data))
            piece.delivered_bytes = self._delivered - before
            piece.data = self._encoder.sound(self._header + sound.data)
            self._header = b""
        if sound.ended:
            if not self._delivered:
                return Piece(error=no_sound())
            self._usage = piece.usage = sound.usage or self._usage_of(self._candidate)
        return piece
