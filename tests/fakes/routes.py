"""Outcomes, learned tables and policies in a process's own memory, for tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.ports.routes import (
    Kept,
    Learned,
    Place,
    RatingName,
    Record,
    RoutedOutcome,
    Slot,
    StoredPolicy,
    slot_of,
)


class MemoryRoutes:
    """`RouteStore` in dictionaries."""

    def __init__(self) -> None:
        self.slots: dict[Slot, dict[str, Record]] = {}
        self.versions: list[StoredPolicy] = []
        self.tables: dict[str, str] = {}
        self.raters: dict[tuple[str, str], str] = {}
        self.counted: dict[RatingName, str] = {}
        self.explored = ("", 0.0)
        self.at: Place | None = None
        self.reads = 0

    @property
    def left(self) -> list[Record]:
        return [record for slot in sorted(self.slots) for _, record in sorted(self.slots[slot].items())]

    async def learned(self) -> Learned:
        self.reads += 1
        return Learned(self.versions[-1].text if self.versions else None, dict(self.tables), *self.explored)

    async def leave(self, record: Record) -> None:
        name = f"o#{record.generation_id}"
        if not isinstance(record, RoutedOutcome):
            name = f"r#{record.generation_id}#{record.user}"
        self.slots.setdefault(slot_of(record.at_s, record.generation_id), {})[name] = record

    async def outcome(self, generation_id: str, ended_s: float) -> RoutedOutcome | None:
        for at_s in (ended_s, ended_s + 60, ended_s - 60):
            found = self.slots.get(slot_of(at_s, generation_id), {}).get(f"o#{generation_id}")
            if isinstance(found, RoutedOutcome):
                return found
        return None

    async def policies(self, most: int) -> Sequence[StoredPolicy]:
        return self.versions[::-1][:most]

    async def set_policy(self, stored: StoredPolicy) -> bool:
        if any(each.number == stored.number for each in self.versions):
            return False
        self.versions.append(stored)
        return True

    async def records(self, slot: Slot, after: str, most: int) -> Sequence[tuple[str, Record]]:
        return [each for each in sorted(self.slots.get(slot, {}).items()) if each[0] > after][:most]

    async def place(self) -> Place | None:
        return self.at

    async def known(self, raters: Iterable[tuple[str, str]], ratings: Iterable[RatingName]) -> Kept:
        return Kept(
            raters={name: self.raters[name] for name in raters if name in self.raters},
            counted={name: self.counted[name] for name in ratings if name in self.counted},
        )

    async def teach(self, kept: Kept, *, before: Place | None, after: Place) -> bool:
        if self.at != before:
            return False
        self.at = after
        self.tables |= kept.tables
        self.raters |= kept.raters
        self.counted |= kept.counted
        if kept.explored_day:
            self.explored = (kept.explored_day, round(kept.explored))
        return True
