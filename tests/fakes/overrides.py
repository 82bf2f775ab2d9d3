"""Versions of the operator's document in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.errors import ServiceUnavailable
from gateway.ports.catalog import StoredOverrides


@dataclass
class MemoryOverrides:
    """`OverrideStore` that a test can inspect, and have fail."""

    versions: list[StoredOverrides] = field(default_factory=list)
    down: bool = False
    reads: int = 0

    async def current(self) -> StoredOverrides | None:
        self.reads += 1
        if self.down:
            raise ServiceUnavailable("down")
        return self.versions[-1] if self.versions else None

    async def version(self, number: int) -> StoredOverrides | None:
        return next((stored for stored in self.versions if stored.version == number), None)

    async def add(self, stored: StoredOverrides) -> bool:
        if await self.version(stored.version) is not None:
            return await self.version(stored.version) == stored
        self.versions.append(stored)
        return True

    async def history(self, most: int) -> Sequence[StoredOverrides]:
        return tuple(self.versions[::-1][:most])
