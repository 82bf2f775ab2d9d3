"""Shares the memory and the loop of one process among the requests that it serves at the same time.

A function that serves one request at a time has all of both, and loads none of this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TypeVar

from gateway.errors import ServiceUnavailable

T = TypeVar("T")

# Nothing smaller is counted: as many of these as there are requests take little.
COUNTED_BYTES = 64 * 1024
# A body is held as bytes, as values and as what is made of it, and so is an answer.
MEMORY_SHARE = 20
# A value of a body takes up to 141 bytes of memory beside its text, of which each byte takes 7 (docs/performance.md).
VALUE_BYTES = 20
# Bodies leave this part to answers, so that requests which wait for an answer's room do not wait for each other.
BODIES_SHARE = 0.5
# The part of the room that one answer may take.
ANSWER_SHARE = 0.25
PATIENCE_S = 5.0
RETRY_AFTER_S = 2
NO_ROOM = "The gateway has no room for a body or an answer of this length now. Try again."
# What takes tens of milliseconds to read: an object of a body costs 10 us and more, another value half of one, and a
# long text far less a byte.
HEAVY_BYTES, HEAVY_VALUES, VALUES_OF_AN_OBJECT = 1024 * 1024, 20_000, 20


class Share:
    """The part of one request."""

    def __init__(self) -> None:
        self.taken_bytes = 0
        self.ended = False


_share: ContextVar[Share] = ContextVar("share")


class Sharing:
    """The memory and the loop of a process that serves several requests at a time."""

    def __init__(self, memory_mb: int) -> None:
        self.bytes_max = memory_mb * 1024 * 1024 // MEMORY_SHARE
        self.answer_bytes_max = int(self.bytes_max * ANSWER_SHARE)
        self._used_bytes = 0
        self._freed: set[asyncio.Future[None]] = set()
        self._worker: ThreadPoolExecutor | None = None

    @contextmanager
    def share(self) -> Iterator[None]:
        """The part of one request, which is free again at its end."""
        share = Share()
        token = _share.set(share)
        try:
            yield
        finally:
            _share.reset(token)
            self._give_back(share)

    async def take_body(self, body: bytes) -> None:
        """Waits until a request's body has room; raises `ServiceUnavailable` where it finds none in five seconds."""
        values = sum(map(body.count, (b",", b"[", b"{"))) if len(body) > COUNTED_BYTES // 4 else 0
        size, most = len(body) + values * VALUE_BYTES, int(self.bytes_max * BODIES_SHARE)
        if size > COUNTED_BYTES:
            # One that is larger than all bodies may be waits until it is alone.
            await self._take(min(size, most), most)

    async def take_answer(self, size: int) -> None:
        """Waits until so much of a provider's answer has room; what no request waits for passes at once."""
        await self._take(size, self.bytes_max)

    def is_heavy(self, body: bytes) -> bool:
        """True for a body that takes so long to read that others would wait for it."""
        if not COUNTED_BYTES // 4 < len(body) <= HEAVY_BYTES:
            return len(body) > HEAVY_BYTES
        values = body.count(b",") + body.count(b"[") + body.count(b"{") * VALUES_OF_AN_OBJECT
        return values > HEAVY_VALUES

    async def apart(self, work: Callable[[], T]) -> T:
        """Runs work on a heavy body in a thread, one at a time: the loop goes on between its steps."""
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, "apart")
        return await asyncio.get_running_loop().run_in_executor(self._worker, copy_context().run, work)

    async def _take(self, size: int, most: int) -> None:
        share = _share.get(None)
        if share is None or share.ended:
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self._used_bytes + size > most:
                    freed = asyncio.get_running_loop().create_future()
                    self._freed.add(freed)
                    try:
                        await freed
                    finally:
                        self._freed.discard(freed)
        except TimeoutError:
            raise ServiceUnavailable(NO_ROOM, retry_after_s=RETRY_AFTER_S) from None
        if not share.ended:
            self._used_bytes += size
            share.taken_bytes += size

    def _give_back(self, share: Share) -> None:
        share.ended = True
        self._used_bytes -= share.taken_bytes
        for freed in self._freed:
            if not freed.done():
                freed.set_result(None)
