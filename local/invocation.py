"""Defines an invocation, whose answer is a stream of bytes that ends normally or with FunctionFailed.

Answers of buffered functions are streams too. The Runtime API writes, API Gateway reads; at most `BUFFER_BYTES` wait
between them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

BUFFER_BYTES = 1024 * 1024


class FunctionFailed(Exception):
    """The function or its process failed. `error_type` is Lambda's, as in X-Amz-Function-Error answers."""

    def __init__(self, error_type: str, payload: bytes) -> None:
        super().__init__(f"{error_type}: {payload.decode(errors='replace')[:300]}")
        self.error_type = error_type
        self.payload = payload


class ClientLeft(Exception):
    """Reports to the Runtime API that the client of a streamed answer has closed its connection."""


@dataclass(slots=True, eq=False)
class Invocation:
    """One event on its way through one function process. `deadline_ms` is epoch milliseconds."""

    request_id: str
    function_arn: str
    trace_id: str
    event: bytes
    deadline_ms: int = 0
    dispatched: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    _chunks: deque[bytes] = field(default_factory=deque)
    _buffered: int = 0
    _failure: FunctionFailed | None = None
    _abandoned: bool = False
    _client_left: bool = False
    _readable: asyncio.Event = field(default_factory=asyncio.Event)
    _writable: asyncio.Event = field(default_factory=asyncio.Event)

    async def push(self, chunk: bytes) -> None:
        """Hands a chunk to the reader and waits while the reader is behind. Drops the chunk after `abandon`.

        Raises `ClientLeft` after `leave`.
        """
        if self._client_left:
            raise ClientLeft
        if self._unread():
            return
        self._chunks.append(chunk)
        self._buffered += len(chunk)
        self._readable.set()
        while self._buffered > BUFFER_BYTES and not self._unread():
            self._writable.clear()
            await self._writable.wait()

    def _unread(self) -> bool:
        return self._abandoned or self.finished.is_set()

    def finish(self, failure: FunctionFailed | None = None) -> None:
        """Ends the answer. Only the first call counts."""
        if not self.finished.is_set():
            self._failure = failure
            self.finished.set()
            self._readable.set()
            self._writable.set()

    def abandon(self) -> None:
        """Stops reading: the function runs to its end, and the rest of its answer is dropped."""
        self._abandoned = True
        self._chunks.clear()
        self._writable.set()

    def leave(self) -> None:
        """Stops reading, and has the function told of it with its next chunk."""
        self._client_left = True
        self.abandon()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yields the answer's bytes, each chunk as it arrives. Raises FunctionFailed if the function fails."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._buffered -= len(chunk)
                self._writable.set()
                yield chunk
            if self.finished.is_set():
                break
            self._readable.clear()
            await self._readable.wait()
        if self._failure:
            raise self._failure

    async def read(self) -> bytes:
        """Reads the whole answer. Raises FunctionFailed."""
        return b"".join([chunk async for chunk in self.chunks()])


async def first(*events: asyncio.Event) -> None:
    """Returns as soon as one of the events is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
