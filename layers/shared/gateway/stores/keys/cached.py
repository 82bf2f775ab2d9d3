"""Caches answers for a bounded age, counted from before the request; no older answer is ever returned.

Misses are cached too, so that unknown keys cost no reads, and the size is bounded, so that guessing keys costs no
memory. Concurrent callers for one name share one request.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from gateway.ports.clock import Clock

V = TypeVar("V")


class Cached(Generic[V]):
    """Caches `ask` for `ttl_s` seconds, with at most `size_max` names."""

    def __init__(self, ask: Callable[[str], Awaitable[V]], clock: Clock, *, ttl_s: float, size_max: int = 1024) -> None:
        self._ask = ask
        self._clock = clock
        self._ttl_s = ttl_s
        self._size_max = size_max
        self._known: OrderedDict[str, tuple[float, V]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[V]] = {}

    async def get(self, name: str) -> V:
        """The answer for `name`; an error of `ask` reaches every caller and is not cached."""
        known = self._known.get(name)
        if known is not None and self._clock.monotonic_s() - known[0] < self._ttl_s:
            return known[1]
        task = self._asking.get(name)
        if task is None:
            task = asyncio.create_task(self._fill(name))
            self._asking[name] = task
        return await asyncio.shield(task)

    async def _fill(self, name: str) -> V:
        asked_s = self._clock.monotonic_s()
        try:
            value = await self._ask(name)
        finally:
            del self._asking[name]
        self._known[name] = (asked_s, value)
        self._known.move_to_end(name)
        while len(self._known) > self._size_max:
            self._known.popitem(last=False)
        return value
