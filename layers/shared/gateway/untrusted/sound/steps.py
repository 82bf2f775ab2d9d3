"""Bounds the walk of a stranger's file, and says what a walk has found."""

from __future__ import annotations

from msgspec import Struct

# Five hours of Opus in packets of 20 ms have 900,000; a million steps take one to two seconds.
STEPS_MAX = 1_000_000
# A step reads a few bytes; one that reads more counts as several.
STEP_BYTES = 64
# Encoders fill up frames at both ends, and state the length without that: so far a stated length is believed.
PADDING_FRAMES, PADDING_S_MAX = 4, 0.25


class Unreadable(Exception):
    """Reports a file whose length cannot be counted."""


class Steps:
    """Counts the steps of walks: of one file, or of all files of a request."""

    def __init__(self) -> None:
        self._left = STEPS_MAX

    def take(self, read_bytes: int = 0) -> None:
        """Counts one that reads so many bytes; raises `Unreadable` beyond the most that they may take."""
        self._left -= 1 + read_bytes // STEP_BYTES
        if self._left < 0:
            raise Unreadable


class Length(Struct, frozen=True):
    """The seconds that a file's frames come to, those that it states, if it states any, and those of a frame."""

    counted: float
    stated: float | None = None
    frame_s: float = 0.0

    @property
    def seconds(self) -> float:
        """The stated seconds where they are the counted ones without an encoder's padding, else the counted ones.

        A sum of many frames is rounded, since a begun second is a whole one.
        """
        padding_s = min(PADDING_FRAMES * self.frame_s, PADDING_S_MAX)
        if self.stated is not None and 0 <= self.counted - self.stated <= padding_s:
            return round(self.stated, 6)
        return round(self.counted, 6)
