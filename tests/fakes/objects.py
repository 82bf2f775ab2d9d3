"""Objects in a process's own memory, for tests and for programs without a bucket."""

from __future__ import annotations


class MemoryObjects:
    """`Objects` in a dictionary."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}

    async def put(self, name: str, body: bytes) -> None:
        self._bodies[name] = body

    async def create(self, name: str, body: bytes) -> bool:
        if name in self._bodies:
            return False
        self._bodies[name] = body
        return True

    async def get(self, name: str) -> bytes | None:
        return self._bodies.get(name)

    async def delete(self, name: str) -> None:
        self._bodies.pop(name, None)
