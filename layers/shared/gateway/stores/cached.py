"""Asks once for all that want the same at the same time, and caches answers for a bounded age.

An age counts from before the request, so that no older answer is ever returned. Misses are cached too, so that unknown
keys cost no reads, and the size is bounded, so that guessing keys costs no memory.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, Generic, TypeVar

from gateway.ports.clock import Clock

V = TypeVar("V")
Ask = Callable[[], Coroutine[Any, Any, V]]


class SingleFlight(Generic[V]):
    """Has concurrent callers for one name share one request, which no caller's end cancels."""

    def __init__(self) -> None:
        self._asking: dict[Hashable, asyncio.Task[V]] = {}

    async def share(self, name: Hashable, ask: Ask[V]) -> V:
        """The answer of the request for `name` that is under way, or of `ask`; an error reaches every caller."""
        task = self._asking.get(name)
        if task is None:
            task = self._asking[name] = asyncio.create_task(self._asked(name, ask))
        return await asyncio.shield(task)

    async def _asked(self, name: Hashable, ask: Ask[V]) -> V:
        try:
            return await ask()
        finally:
            del self._asking[name]


class Cached(Generic[V]):
    """Caches answers for `ttl_s` seconds, with at most `size_max` names."""

    def __init__(self, clock: Clock, *, ttl_s: float, size_max: int = 1024) -> None:
        self._clock = clock
        self._ttl_s = ttl_s
        self._size_max = size_max
        self._known: OrderedDict[Hashable, tuple[float, V]] = OrderedDict()
        self._flights: SingleFlight[V] = SingleFlight()

    async def get(self, name: Hashable, ask: Ask[V]) -> V:
        """The answer for `name`, by `ask` where none is known; an error reaches every caller and is not cached."""
        known = self._known.get(name)
        if known is not None and self._clock.monotonic_s() - known[0] < self._ttl_s:
            return known[1]
        return await self._flights.share(name, partial(self._fill, name, ask))

    async def _fill(self, name: Hashable, ask: Ask[V]) -> V:
        asked_s = self._clock.monotonic_s()
        value = await ask()
        self._known[name] = (asked_s, value)
        self._known.move_to_end(name)
        while len(self._known) > self._size_max:
            self._known.popitem(last=False)
        return value
