"""The shared state of targets in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.ports.health import SharedStanding


@dataclass
class MemoryHealth:
    """`HealthStore` that a test can inspect: the standings by target, and the steps that were taken."""

    standings: dict[str, SharedStanding] = field(default_factory=dict)
    paces: dict[str, SharedStanding] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)

    async def read(self, now_s: float) -> Mapping[str, SharedStanding]:
        self.steps.append("read")
        standing = {name: each for name, each in self.standings.items() if each.until_s + 3_600 > now_s}
        return standing | self.paces

    async def open(self, target: str, standing: SharedStanding) -> None:
        self.steps.append("open")
        if target not in self.standings or self.standings[target].until_s < standing.until_s:
            self.standings[target] = standing

    async def claim(self, target: str, before_s: float, standing: SharedStanding) -> bool:
        self.steps.append("claim")
        if target in self.standings and self.standings[target].until_s != before_s:
            return False
        self.standings[target] = standing
        return True

    async def tell_pace(self, name: str, late_s: float, now_s: float) -> None:
        del now_s
        self.steps.append("pace")
        self.paces[name] = SharedStanding(0, 0.0, late_s)

    async def close(self, target: str, until_s: float) -> None:
        self.steps.append("close")
        if target in self.standings and self.standings[target].until_s == until_s:
            del self.standings[target]
