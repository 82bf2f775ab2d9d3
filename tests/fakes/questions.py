"""Answered questions in a process's own memory, for tests."""

from __future__ import annotations

import heapq

from msgspec.structs import replace

from gateway.cache.semantic import similarity
from gateway.ports.questions import Checks, Partition, Question


class MemoryQuestions:
    """`CachedQuestions` in dictionaries."""

    def __init__(self) -> None:
        self.kept: dict[Partition, dict[str, Question]] = {}
        self.by_key: dict[tuple[str, str], Checks] = {}

    async def nearest(
        self, partition: Partition, vector: bytes, now_s: float, most: int
    ) -> list[tuple[float, Question]]:
        found = (each for each in self.kept.get(partition, {}).values() if each.expires_at_s > now_s)
        near = ((similarity(each.vector, vector), each) for each in found)
        return heapq.nlargest(most, near, key=lambda each: each[0])

    async def add(self, partition: Partition, question: Question) -> None:
        self.kept.setdefault(partition, {})[question.answer] = question

    async def note(self, account_id: str, key_id: str, *, agreed: bool) -> Checks:
        before = self.by_key.get((account_id, key_id), Checks())
        after = replace(before, checked=before.checked + 1, disagreed=before.disagreed + (not agreed))
        self.by_key[account_id, key_id] = after
        return after

    async def stop(self, account_id: str, key_id: str, now_s: float) -> None:
        before = self.by_key.get((account_id, key_id), Checks())
        if before.stopped_at_s is None:
            self.by_key[account_id, key_id] = replace(before, stopped_at_s=int(now_s))

    async def checks(self, account_id: str) -> dict[str, Checks]:
        return {key: checks for (owner, key), checks in self.by_key.items() if owner == account_id}
