"""Memories in a process's own memory, for tests."""

from __future__ import annotations

from gateway.ports.memories import Memory
from gateway.stores.memories import Known, with_memory


class MemoryMemories:
    """`Memories` in a dictionary."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}

    async def read(self, account_id: str) -> Known:
        return self._known.get(account_id, {})

    async def write(self, account_id: str, key: str, value: str, now_s: float) -> None:
        self._known[account_id] = with_memory(await self.read(account_id), key, Memory(value, int(now_s)))

    async def delete(self, account_id: str, key: str) -> bool:
        known = dict(await self.read(account_id))
        found = known.pop(key, None) is not None
        self._known[account_id] = known
        return found
