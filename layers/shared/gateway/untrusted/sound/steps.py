"""Bounds the walk of a stranger's file, and says what a walk has found."""

from __future__ import annotations

from msgspec import Struct

# Seven hours of Opus in packets of 20 ms have 1,260,000; a million steps take about a second.
STEPS_MAX = 2_000_000
# A step reads a few bytes; one that reads more counts as several.
STEP_BYTES = 64
# Encoders fill up their first and last frames, and state the length without that: so far a stated length is believed.
PADDING_S = 0.25


class Unreadable(Exception):
    """Reports a file whose length cannot be counted."""


class Steps:
    """Counts the steps of a walk."""

    def __init__(self) -> None:
        self._left = STEPS_MAX

    def take(self, read_bytes: int = 0) -> None:
        """Counts one that reads so many bytes; raises `Unreadable` beyond the most that a file may take."""
        self._left -= 1 + read_bytes // STEP_BYTES
        if self._left < 0:
            raise Unreadable


class Length(Struct, frozen=True):
    """The seconds that a file's frames come to, and those that it states, if it states any."""

    counted: float
    stated: float | None = None

    @property
    def seconds(self) -> float:
        """The stated seconds where they are the counted ones without an encoder's padding, else the counted ones.

        A sum of many frames is rounded, since a begun second is a whole one.
        """
        if self.stated is not None and 0 <= self.counted - self.stated <= PADDING_S:
            return round(self.stated, 6)
        return round(self.counted, 6)
