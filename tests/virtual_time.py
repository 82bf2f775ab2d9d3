"""Provides a loop whose clock stands still while code runs and jumps to the next timer when none does.

A test that waits an hour on it ends at once, and measures its own times on a busy machine too. Every peer must be
on the loop as well: the next timer would overtake another process or thread.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

# The machine's time that the kernel may take to bring bytes from one socket of the loop to another.
DELIVERY_S = 0.01


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop with another clock."""

    def __init__(self) -> None:
        self._now_s = 0.0
        # The number of times that it had nothing to do.
        self.waits = 0
        super().__init__(_Impatient(self))

    def time(self) -> float:
        """Returns the seconds since the loop was created, as its timers count them."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Moves the clock on."""
        self._now_s += seconds

    async def shutdown_default_executor(self, *_: object, **__: object) -> None:
        """Waits for the threads without asyncio's bound, which the clock would reach first."""
        await super().shutdown_default_executor()


class _Impatient(selectors.DefaultSelector):
    """A selector that waits for sockets, but never for a time."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            # No timer is set: only a socket, or a thread that is waited for, can go on.
            return super().select()
        # The loop's own socket, which wakes it, is always here; a simulation without others waits for none.
        ready = super().select(DELIVERY_S) if len(self.get_map()) > 1 else []
        self._loop.waits += 1
        if not ready:
            self._loop.advance(timeout)
        return ready


class LoopClock:
    """The gateway's clock on the running loop: both its times follow the loop's, in threads too."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._before_s = time.time() - self.monotonic_s()

    def now_s(self) -> float:
        return self._before_s + self.monotonic_s()

    def monotonic_s(self) -> float:
        return self._loop.time()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on such a loop, as `asyncio.run` does on its own."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


# The value that the fixture `anyio_backend` returns in folders whose tests run on such a loop.
BACKEND: tuple[str, Mapping[str, Any]] = ("asyncio", {"loop_factory": VirtualTimeLoop})
