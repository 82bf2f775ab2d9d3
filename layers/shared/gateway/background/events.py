"""The events of a response in the background, kept while they come: batches in order, each an object of its own.

So whoever reads them, and whenever, reads the same bytes. How many there are stands in the job: without the right to
list a bucket, S3 does not tell an object that is missing from one that is forbidden.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from gateway.errors import NotFound, ServiceUnavailable
from gateway.ports import Objects
from gateway.protocols.openai_responses.background import BEFORE_ALL, has_end, numbered_after

log = logging.getLogger(__name__)

# How long events wait for others, and how long a reader waits for more, in seconds.
GATHER_S = 0.4
LOOK_S = 0.3
BATCH_BYTES_MAX = 4 * 1024 * 1024
GONE = "The events of this response are not kept any more."


class EventLog:
    """The sink of one run: what is written is in the store half a second later. `tell` is told how many batches are."""

    def __init__(self, objects: Objects, prefix: str, tell: Callable[[int], Awaitable[None]]) -> None:
        self._objects = objects
        self._prefix = prefix
        self._tell = tell
        self._pending: list[bytes] = []
        self._batches = 0
        self._told = 0
        self._highest = BEFORE_ALL
        self._flushing = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None

    @property
    def committed(self) -> bool:
        """Whether a failure has to be an event: from the first one on."""
        return self._batches > 0 or bool(self._pending)

    @property
    def next_number(self) -> int:
        """The sequence number after the last one written."""
        return self._highest + 1

    async def go_on(self, batches: int) -> bool:
        """Takes up what another process has left, that many batches; whether it had come to its end."""
        last = await self._objects.get(batch_name(self._prefix, batches - 1)) if batches else b""
        _, self._highest = numbered_after(last or b"", BEFORE_ALL)
        self._batches = self._told = batches
        return has_end(last or b"")

    def announce(self, headers: Mapping[str, str]) -> None:
        """There is nobody to tell."""
        del headers

    async def write(self, data: bytes) -> None:
        """Whole events; waits while the store is far behind."""
        self._pending.append(data)
        _, self._highest = numbered_after(data, self._highest)
        if sum(map(len, self._pending)) >= BATCH_BYTES_MAX:
            await self._flush()
        elif self._timer is None or self._timer.done():
            self._timer = asyncio.create_task(self._flush_soon())

    async def close(self) -> None:
        """Everything written is in the store; raises `ServiceUnavailable` where that cannot be done."""
        if self._timer is not None and not self._flushing.locked():
            self._timer.cancel()
        await self._flush()

    async def _flush(self) -> None:
        """Nothing is forgotten before the store has it, nor told before."""
        async with self._flushing:
            taken = len(self._pending)
            if taken:
                await self._objects.put(batch_name(self._prefix, self._batches), b"".join(self._pending[:taken]))
                del self._pending[:taken]
                self._batches += 1
            if self._told < self._batches:
                await self._tell(self._batches)
                self._told = self._batches

    async def _flush_soon(self) -> None:
        while self._pending:
            await asyncio.sleep(GATHER_S)
            try:
                await self._flush()
            except ServiceUnavailable:
                log.warning("%s: events wait for the store", self._prefix)


async def followed(
    objects: Objects, prefix: str, after: int, standing: Callable[[], Awaitable[tuple[int, bool]]]
) -> AsyncIterator[bytes]:
    """The events whose number is above `after`, as they come, until the run is over and all are told.

    `standing` says how many batches there are, and whether there may be more. Raises `NotFound` for events that are
    not kept any more.
    """
    number, told, more = after, 0, True
    while more:
        batches, more = await standing()
        for batch in range(told, batches):
            kept = await objects.get(batch_name(prefix, batch))
            if kept is None:
                raise NotFound(GONE, code="response_not_found")
            events, number = numbered_after(kept, number)
            if events:
                yield events
        told = batches
        if more:
            await asyncio.sleep(LOOK_S)


def batch_name(prefix: str, batch: int) -> str:
    """The object of the `batch`th batch, from 0."""
    return f"{prefix}/{batch:06d}"
