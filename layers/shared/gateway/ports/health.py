"""Shares between processes how targets do. Only targets that cool, or that are due for a probe, are in the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class SharedStanding(Struct, frozen=True):
    """A target's cooldown, as all processes know it: how many in a row, and the end of the last one (epoch).

    One that has `late_s` is no cooldown, but the time after which a target's first content is late. The provider has
    asked to be left alone until `left_until_s`.
    """

    openings: int
    until_s: float
    late_s: float | None = None
    left_until_s: float = 0.0


class HealthStore(Protocol):
    """The targets that are not well, over all processes. All steps raise `ServiceUnavailable` in an outage."""

    async def read(self, now_s: float) -> Mapping[str, SharedStanding]:
        """All targets that are not well, by their names."""

    async def open(self, target: str, standing: SharedStanding) -> None:
        """Writes a cooldown, unless one that ends later is known."""

    async def claim(self, target: str, before_s: float, standing: SharedStanding) -> bool:
        """Writes the cooldown of a probe in the place of the one that ended at `before_s`.

        False if another process was first.
        """

    async def tell_pace(self, name: str, late_s: float, now_s: float) -> None:
        """Writes the time after which a target is late, under a name that no target has."""

    async def close(self, target: str, until_s: float) -> None:
        """Forgets the cooldown that ends at `until_s`; a later one stays."""
