"""Decodes a provider's stream frame by frame: what of that is the same on every wire whose events come one a frame.

A frame that cannot be read fails the stream in its place, and nothing follows the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from gateway.canonical.codec import Decoded
from gateway.canonical.events import Failed
from gateway.errors import UpstreamError

CUT = "The provider's stream was cut."

F = TypeVar("F")
F_co = TypeVar("F_co", covariant=True)


class Frames(Protocol[F_co]):
    """The frames that bytes come to."""

    def feed(self, data: bytes) -> Sequence[F_co]:
        """The frames that `data` completes; raises `UpstreamError` for one without an end."""

    def flush(self) -> Sequence[F_co]:
        """The frames that are left at the end of the bytes."""


class FramedDecoder(Generic[F]):
    """One provider stream. A wire says what a frame means, and what the end of the bytes is."""

    def __init__(self, frames: Frames[F]) -> None:
        self._frames = frames
        self._ended = False

    def feed(self, data: bytes) -> list[Decoded]:
        """Decodes the frames in `data`. An unreadable frame becomes a `Failed` event, and no event follows the end."""
        try:
            frames = self._frames.feed(data)
        except UpstreamError as too_large:
            return [self._fail(too_large)]
        return self._read(frames)

    def flush(self) -> list[Decoded]:
        """Decodes what is left at the end of the bytes; a `Failed` event where the stream was cut."""
        decoded = self._read(self._frames.flush(), UpstreamError(CUT))
        return decoded if self._ended else [*decoded, *self._rest()]

    def _decoded(self, frame: F) -> Decoded | None:
        """One frame's meaning; nothing where it has none."""
        raise NotImplementedError

    def _rest(self) -> Sequence[Decoded]:
        """The end of bytes behind which no end has been said: the stream was cut, where the wire says its end."""
        return [self._fail(UpstreamError(CUT))]

    def _read(self, frames: Iterable[F], otherwise: UpstreamError | None = None) -> list[Decoded]:
        """Decodes the frames. An unreadable one fails the stream, with the error `otherwise` if there is one."""
        read: list[Decoded] = []
        for frame in frames:
            if self._ended:
                break
            try:
                decoded = self._decoded(frame)
            except UpstreamError as error:
                decoded = self._fail(otherwise or error)
            if decoded is not None:
                read.append(decoded)
        return read

    def _fail(self, error: UpstreamError) -> Decoded:
        self._ended = True
        return Decoded((Failed(error),), b"")
