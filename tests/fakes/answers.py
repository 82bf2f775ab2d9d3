"""Cached answers in a process's own memory, for tests and for programs without a table.

No step waits between reading and writing, so each step is one conditional write.
"""

from __future__ import annotations

from gateway.ports.answers import AnswerName, CacheCounts, CachedAnswer, Running


class MemoryAnswers:
    """`CachedAnswers` in dictionaries."""

    def __init__(self) -> None:
        self.standing: dict[AnswerName, CachedAnswer | Running] = {}
        self.counts: dict[tuple[str, str], CacheCounts] = {}
        self._kept_by: dict[AnswerName, str] = {}

    async def find(self, name: AnswerName, now_s: float, *, sure: bool = False) -> CachedAnswer | Running | None:
        del sure
        found = self.standing.get(name)
        if isinstance(found, CachedAnswer) and found.expires_at_s <= now_s:
            return None
        return found

    async def claim(self, name: AnswerName, claim: Running, now_s: float) -> CachedAnswer | Running | None:
        found = await self.find(name, now_s)
        if isinstance(found, Running) and (found.lease_until_s <= now_s or found.attempt_id == claim.attempt_id):
            found = None
        if found is None:
            self.standing[name] = claim
        return found

    async def prolong(self, name: AnswerName, claim: Running) -> bool:
        if not self._is_claimed(name, claim.attempt_id):
            return False
        self.standing[name] = claim
        return True

    async def keep(self, name: AnswerName, answer: CachedAnswer, *, claimed_by: str = "") -> bool:
        if claimed_by and not self._is_claimed(name, claimed_by) and self._kept_by.get(name) != claimed_by:
            return False
        self.standing[name] = answer
        self._kept_by[name] = claimed_by
        return True

    async def free(self, name: AnswerName, attempt_id: str, *, alone_until_s: float | None = None) -> None:
        if not self._is_claimed(name, attempt_id):
            return
        if alone_until_s is None:
            del self.standing[name]
        else:
            self.standing[name] = Running(attempt_id, alone_until_s, is_alone=True)

    async def count(self, account_id: str, day: str, counts: CacheCounts) -> None:
        self.counts[account_id, day] = self.counts.get((account_id, day), CacheCounts()) + counts

    async def counted(self, account_id: str, first_day: str) -> dict[str, CacheCounts]:
        return {day: counts for (owner, day), counts in self.counts.items() if owner == account_id and day >= first_day}

    async def forget(self, account_id: str, most: int) -> tuple[int, bool]:
        own = [name for name in self.standing if name.account_id == account_id]
        gone = [self.standing.pop(name) for name in own[:most]]
        for name in own[:most]:
            self._kept_by.pop(name, None)
        return sum(isinstance(each, CachedAnswer) for each in gone), len(own) > most

    def _is_claimed(self, name: AnswerName, attempt_id: str) -> bool:
        found = self.standing.get(name)
        return isinstance(found, Running) and found.attempt_id == attempt_id
