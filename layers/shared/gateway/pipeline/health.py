"""Keeps how targets do, in this process, and tells other processes through a store where a breaker opens or closes.

A request to targets that are well asks the store for nothing. What others have found is read beside admissions, every
few seconds in which there are any, and waited for by no request. Without a store each process learns by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

from gateway.errors import ServiceUnavailable
from gateway.pipeline.beside import begun
from gateway.ports.clock import Clock
from gateway.ports.health import HealthStore, SharedStanding
from gateway.routing.health import UNKNOWN, Phase, Standing

# Ages of what is known of others: while all is well, and while something is not.
FRESH_S, TROUBLED_FRESH_S = 15.0, 5.0

log = logging.getLogger(__name__)


class Health:
    """The standings of all targets that this process has found, or was told, not to be well."""

    def __init__(self, clock: Clock, store: HealthStore | None = None) -> None:
        self._clock = clock
        self._store = store
        self._known: dict[str, Standing] = {}
        # The times after which targets are late, where other processes have told them.
        self.paces: Mapping[str, float] = {}
        self._writing: set[str] = set()
        self._work: set[asyncio.Task[None]] = set()
        self._read_s = float("-inf")

    @property
    def all_well(self) -> bool:
        """True if nothing is known against any target: then the plan's order stands."""
        return not self._known

    def refresh(self) -> None:
        """Begins to read what other processes know, where that was long ago."""
        if self._store is None:
            return
        now_s = self._clock.monotonic_s()
        if now_s - self._read_s >= (TROUBLED_FRESH_S if self._known else FRESH_S):
            self._read_s = now_s
            self._begin(self._read(self._store))

    def phase(self, names: Iterable[str]) -> Phase:
        """The phase of the worst of several targets that a request needs at once."""
        now_s = self._clock.now_s()
        return max((self._known.get(name, UNKNOWN).phase(now_s) for name in names), default=Phase.WELL)

    def left_s(self, names: Iterable[str]) -> float:
        """The seconds for which the provider has asked to be left alone with one of the targets; 0 where it has not."""
        now_s = self._clock.now_s()
        return max(0.0, *(self._known.get(name, UNKNOWN).left_until_s - now_s for name in names))

    async def claim(self, names: Sequence[str]) -> bool:
        """Takes the probe of the targets that are due, for this request; false if another request has it."""
        now_s, claimed = self._clock.now_s(), True
        for name in names:
            before = self._known.get(name, UNKNOWN)
            if before.phase(now_s) is not Phase.DUE:
                continue
            after = self._known[name] = before.opened(now_s)
            claimed = await self._is_claimed(name, before, after) and claimed
        return claimed

    def failed(self, name: str, *, after_s: float | None = None, at_once: bool = False) -> None:
        """Notes a failure; a breaker that opens is told to other processes."""
        before = self._known.get(name, UNKNOWN)
        after = before.failed(self._clock.now_s(), after_s=after_s, at_once=at_once)
        self._known[name] = after
        if after.until_s > before.until_s:
            log.warning("%s cools for %.0f s", name, after.until_s - self._clock.now_s())
            if self._store is not None:
                self._begin(self._told(name, self._store.open(name, _shared(after))))

    def served(self, names: Iterable[str], *, whole: bool) -> None:
        """Notes a success; a breaker that closes is told to other processes.

        An answer that has only begun takes none of the failures back: it may yet be cut.
        """
        for name in names:
            before = self._known.pop(name, UNKNOWN)
            if not whole and before is not UNKNOWN:
                self._known[name] = before.begun()
            if before.openings:
                log.warning("%s serves again", name)
                if self._store is not None:
                    self._begin(self._told(name, self._store.close(name, before.until_s)))

    def tell_pace(self, name: str, late_s: float) -> None:
        """Tells other processes the time after which a target is late."""
        if self._store is not None:
            self._begin(self._told(name, self._store.tell_pace(name, late_s, self._clock.now_s())))

    async def settled(self) -> None:
        """Waits until all that was begun is written and read."""
        while self._work:
            await asyncio.wait(self._work)

    async def _is_claimed(self, name: str, before: Standing, after: Standing) -> bool:
        if self._store is None:
            return True
        try:
            return await self._store.claim(name, before.until_s, _shared(after))
        except ServiceUnavailable:
            return True

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = begun(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _told(self, name: str, writing: Coroutine[Any, Any, None]) -> None:
        """Writes a change; where the store cannot be reached, other processes find it out by themselves."""
        self._writing.add(name)
        try:
            await writing
        except ServiceUnavailable:
            log.warning("the state of %s could not be shared", name)
        finally:
            self._writing.discard(name)

    async def _read(self, store: HealthStore) -> None:
        own = set(self._writing)
        try:
            found = await store.read(self._clock.now_s())
        except ServiceUnavailable:
            return
        own |= self._writing
        kept = {name: each for name, each in self._known.items() if name in own or not each.openings}
        told = {
            name: Standing(0, each.openings, each.until_s, each.left_until_s)
            for name, each in found.items()
            if name not in own
        }
        self._known = kept | {name: each for name, each in told.items() if each.openings}
        self.paces = {name: each.late_s for name, each in found.items() if each.late_s is not None}


def _shared(standing: Standing) -> SharedStanding:
    return SharedStanding(standing.openings, standing.until_s, left_until_s=standing.left_until_s)
