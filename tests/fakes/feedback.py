"""Feedback in a process's own memory, for tests."""

from __future__ import annotations

from gateway.ports.feedback import NONE, Cell, Feedback, Sums, Votes, added


class MemoryFeedback:
    """`FeedbackStore` in dictionaries."""

    def __init__(self) -> None:
        self.given: dict[tuple[str, str, str], Feedback] = {}
        self._sums: dict[str, dict[Cell, Votes]] = {}

    async def put(self, feedback: Feedback) -> Feedback | None:
        identity = (feedback.account_id, feedback.generation_id, feedback.user)
        before = self.given.get(identity)
        replaced = before if before is not None and before.counts_at(feedback.at_s) else None
        self.given[identity] = feedback
        sums = self._sums.setdefault(feedback.account_id, {})
        for cell, votes in added(feedback, replaced).items():
            sums[cell] = sums.get(cell, NONE).plus(votes)
        return replaced

    async def sums(self, account_id: str, first_day: str) -> Sums:
        return {cell: votes for cell, votes in self._sums.get(account_id, {}).items() if cell.day >= first_day}
