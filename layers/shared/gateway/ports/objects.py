"""Whole objects by name."""

from __future__ import annotations

from typing import Protocol


class Objects(Protocol):
    """Bytes by name, whole. If the store cannot be reached, a method raises `ServiceUnavailable`; a repeat is safe."""

    async def put(self, name: str, body: bytes) -> None:
        """Stores `body` under a name of its own; the object is readable as soon as this returns."""

    async def create(self, name: str, body: bytes) -> bool:
        """Stores `body` unless an object of that name exists: then false, also where an earlier try made it."""

    async def get(self, name: str) -> bytes | None:
        """The object of that name, or `None`."""

    async def delete(self, name: str) -> None:
        """Deletes the object, if it exists."""
