"""Turns what a provider hears into the caller's events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from gateway.canonical.audio import AudioModel
from gateway.canonical.response import Extension
from gateway.canonical.transcription import DIARIZED, Heard, Transcript, TranscriptionRequest
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError
from gateway.pipeline.operation import Piece
from gateway.protocols.openai_transcriptions import answer as written
from gateway.providers.audio.transcriber import HeardReader
from gateway.routing.plan import Candidate

TranscriptionCandidate = Candidate[AudioModel]


class TranscriptionTranscoder:
    """One caller's events over its attempts; `billed` gives a transcript the usage that is billed for it."""

    def __init__(
        self,
        request: TranscriptionRequest,
        reader_of: Callable[[TranscriptionCandidate], HeardReader],
        billed: Callable[[TranscriptionCandidate, Transcript], Transcript],
    ) -> None:
        self._request = request
        self._reader_of = reader_of
        self._billed = billed
        self._whole = Transcript("")
        self._segments = 0

    def begin(self, candidate: TranscriptionCandidate) -> None:
        """Starts an attempt with a fresh reader."""
        self._candidate = candidate
        self._reader = self._reader_of(candidate)
        self._whole, self._segments = Transcript(""), 0

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The pieces that the bytes complete."""
        return map(self._piece, self._reader.feed(data))

    def flush(self) -> Iterator[Piece]:
        """The pieces that the end of the bytes completes."""
        return map(self._piece, self._reader.flush())

    def replay(self, answer: Transcript) -> Iterable[Piece]:
        """A whole answer as the events that it would have been."""
        if self._request.form == DIARIZED:
            yield from (self._piece(Heard(segment=each)) for each in answer.segments or ())
        elif answer.text:
            yield self._piece(Heard(delta=answer.text))
        yield self._piece(Heard(whole=answer))

    def finish(self, extension: Extension) -> bytes:
        """The last event."""
        return written.done_event(self._whole, extension)

    def cut_short(self, extension: Extension) -> bytes:
        """The last event, with the text so far."""
        return self.finish(extension)

    def fail(self, error: GatewayError) -> bytes:
        """The error's event."""
        return written.error_event(error)

    def go_on(self, before: Usage) -> None:
        """Nothing: no provider goes on listening where another has stopped."""
        del before

    def keep(self, account_id: str) -> None:
        """Nothing is kept."""
        del account_id

    def _piece(self, heard: Heard) -> Piece:
        if heard.error is not None:
            return Piece(error=heard.error)
        if heard.segment is not None:
            data = written.segment_event(self._segments, heard.segment)
            self._segments += 1
            return Piece(data, len(heard.segment.text.encode()))
        if heard.whole is not None:
            # Sound without a word in it was heard, too.
            told = 0 if self._whole.text or self._segments else max(1, len(heard.whole.text.encode()))
            self._whole = self._billed(self._candidate, heard.whole)
            return Piece(delivered_bytes=told, usage=self._whole.usage, ended=True)
        self._whole = replace(self._whole, text=self._whole.text + heard.delta)
        return Piece(written.delta_event(heard.delta), len(heard.delta.encode())) if heard.delta else Piece()
