"""The operator's document over the catalog: its versions, all kept, of which the last one is in use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class StoredOverrides(Struct, frozen=True):
    """One version of the document: its text, who set it and when, and why. Versions count from 1."""

    version: int
    text: str
    by: str
    at_s: int
    note: str = ""


class OverrideStore(Protocol):
    """The versions of one deployment's document."""

    async def current(self) -> StoredOverrides | None:
        """The last version, or `None` where the operator has set none; raises `ServiceUnavailable`."""

    async def version(self, number: int) -> StoredOverrides | None:
        """One version, or `None`."""

    async def add(self, stored: StoredOverrides) -> bool:
        """Adds the version after the last one; false where another was added meanwhile."""

    async def history(self, most: int) -> Sequence[StoredOverrides]:
        """The last versions, the newest first."""
