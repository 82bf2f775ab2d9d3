"""Providers' rows in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class MemoryProviderRows:
    """`ProviderRows` that a test can inspect."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def read(self) -> dict[str, dict[str, Any]]:
        return {name: dict(row) for name, row in self.rows.items()}

    async def write(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        self.rows = {name: dict(row) for name, row in rows.items()}
