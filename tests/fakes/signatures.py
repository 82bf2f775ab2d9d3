"""Signatures in a process's own memory, for tests and for programs without a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from gateway.ports.signatures import SignedCall


class MemorySignatures:
    """`Signatures` in a dictionary."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str], tuple[SignedCall, int]] = {}

    async def keep(self, account_id: str, calls: Sequence[SignedCall], expires_at_s: int) -> None:
        for call in calls:
            self._calls[account_id, call.call_id] = (call, expires_at_s)

    async def recall(self, account_id: str, call_ids: Collection[str], now_s: float) -> Mapping[str, SignedCall]:
        found = {call_id: self._calls.get((account_id, call_id)) for call_id in call_ids}
        return {call_id: kept[0] for call_id, kept in found.items() if kept is not None and kept[1] > now_s}
