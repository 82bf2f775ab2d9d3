"""Stores the events of a background response while it runs: batches in order, each an object of its own.

Every reader reads the same bytes at any time. The number of batches is stored in the job: without the right to list a
bucket, S3 answers a missing object like a forbidden one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeAlias

from gateway.errors import NotFound, ServiceUnavailable
from gateway.ports.objects import Objects
from gateway.protocols.openai_responses.background import BEFORE_ALL, has_end, numbered_after

log = logging.getLogger(__name__)

# Seconds for which events are gathered into a batch, and for which a reader waits for the next batch.
GATHER_S = 0.4
POLL_S = 0.3
BATCH_BYTES_MAX = 4 * 1024 * 1024
GONE = "The events of this response are not kept any more."


class EventLog:
    """The sink of one run; each event is in the store half a second later. `report` receives the number of batches."""

    def __init__(self, objects: Objects, prefix: str, report: Callable[[int], Awaitable[None]]) -> None:
        self._objects = objects
        self._prefix = prefix
        self._report = report
        self._pending: list[bytes] = []
        self._batches = 0
        self._reported = 0
        self._highest = BEFORE_ALL
        self._flushing = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None

    @property
    def committed(self) -> bool:
        """True once an event was written, after which a failure must be an event too."""
        return self._batches > 0 or bool(self._pending)

    @property
    def next_number(self) -> int:
        """The sequence number after the last one written."""
        return self._highest + 1

    async def go_on(self, batches: int) -> bool:
        """Continues after the batches of another process, `batches` of them; returns true if they end the response."""
        last = await self._objects.get(batch_name(self._prefix, batches - 1)) if batches else b""
        _, self._highest = numbered_after(last or b"", BEFORE_ALL)
        self._batches = self._reported = batches
        return has_end(last or b"")

    def announce(self, headers: Mapping[str, str]) -> None:
        """Ignores headers, because there is no HTTP answer."""
        del headers

    async def write(self, data: bytes) -> None:
        """Writes whole events; waits while the store is far behind."""
        self._pending.append(data)
        _, self._highest = numbered_after(data, self._highest)
        if sum(map(len, self._pending)) >= BATCH_BYTES_MAX:
            await self._flush()
        elif self._timer is None or self._timer.done():
            self._timer = asyncio.create_task(self._flush_soon())

    async def close(self) -> None:
        """Stores everything written so far; raises `ServiceUnavailable` on failure."""
        if self._timer is not None and not self._flushing.locked():
            self._timer.cancel()
        await self._flush()

    async def _flush(self) -> None:
        """Stores a batch, and only then reports it and drops it from memory."""
        async with self._flushing:
            taken = len(self._pending)
            if taken:
                await self._objects.put(batch_name(self._prefix, self._batches), b"".join(self._pending[:taken]))
                del self._pending[:taken]
                self._batches += 1
            if self._reported < self._batches:
                await self._report(self._batches)
                self._reported = self._batches

    async def _flush_soon(self) -> None:
        while self._pending:
            await asyncio.sleep(GATHER_S)
            try:
                await self._flush()
            except ServiceUnavailable:
                log.warning("%s: events wait for the store", self._prefix)


# Returns the number of batches, and whether more may follow.
Standing: TypeAlias = Callable[[], Awaitable[tuple[int, bool]]]


async def followed(objects: Objects, prefix: str, after: int, batches: int, standing: Standing) -> AsyncIterator[bytes]:
    """Returns the events above the number `after` as they arrive, until the run is over.

    Raises `NotFound` at once if the first of the `batches` is no longer stored: a caller who waits for events has got
    a status by then. One that is deleted meanwhile ends the events with `NotFound`.
    """
    first = [await _read_batch(objects, prefix, 0)] if batches else []
    return _followed(objects, prefix, after, first, standing)


async def _followed(
    objects: Objects, prefix: str, after: int, first: list[bytes], standing: Standing
) -> AsyncIterator[bytes]:
    number, sent, more = after, 0, True
    while more:
        batches, more = await standing()
        for batch in range(sent, batches):
            batch_bytes = first.pop() if first else await _read_batch(objects, prefix, batch)
            events, number = numbered_after(batch_bytes, number)
            if events:
                yield events
        sent = batches
        if more:
            await asyncio.sleep(POLL_S)


async def _read_batch(objects: Objects, prefix: str, batch: int) -> bytes:
    found = await objects.get(batch_name(prefix, batch))
    if found is None:
        raise NotFound(GONE, code="response_not_found")
    return found


def batch_name(prefix: str, batch: int) -> str:
    """The object name of the `batch`th batch, from 0."""
    return f"{prefix}/{batch:06d}"
