"""Law: the only place where a reply meets its faults; how an answer is spoiled does not depend on its wire.

`steps` is pure and says what happens in which order; `Delivery` does it on the socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from local.providers.faults import Fault
from local.providers.wire import Frame, FrameKind, Headers, Reply

Send = Callable[[dict[str, Any]], Awaitable[None]]

_COMMENT = b": SIMULATOR PROCESSING\n\n"


@dataclass(frozen=True, slots=True)
class Wait:
    """Silence before the next bytes."""

    ms: int


class Stall:
    """Silence that never ends."""


Step = bytes | Wait | Stall


def steps(frames: Iterator[Frame], fault: Fault, error: bytes, garbage: bytes) -> Iterator[Step]:
    """What a stream does under a fault: bytes to send, waits, or a stall; ends where the stream ends."""
    content = 0
    for frame in frames:
        if frame.kind is not FrameKind.STRUCTURE:
            if content == fault.stall_after:
                yield Stall()
                return
            if content == fault.error_after:
                yield error
                return
            if frame.kind is FrameKind.DONE and fault.no_done:
                continue
        if frame.kind is FrameKind.CONTENT:
            yield from _before_content(content, fault, garbage)
            content += 1
        yield frame.data


def _before_content(content: int, fault: Fault, garbage: bytes) -> Iterator[Step]:
    wait_ms = fault.chunk_ms if content else fault.first_token_delay_ms
    if wait_ms:
        yield Wait(wait_ms)
    if content == fault.garbage_after:
        yield garbage
    if fault.comments:
        yield _COMMENT


class Connection(Protocol):
    """The socket below the server, for endings that HTTP has no word for."""

    def close(self) -> None: ...


class Delivery:
    """Sends one reply; `frames_sent` and `cut` tell what became of it."""

    def __init__(self, send: Send, connection: Connection, fault: Fault) -> None:
        self._send = send
        self._connection = connection
        self._fault = fault
        self._bytes_left = fault.cut_after
        self.frames_sent = 0
        self.cut = False

    async def hang_up(self) -> None:
        """Close the connection without an answer."""
        self.cut = True
        self._connection.close()

    async def whole(self, reply: Reply, body: bytes) -> None:
        """Send a body of known length; it may be late, cut, or never come."""
        await self._start(reply.status, (*reply.headers, ("content-length", str(len(body)))))
        await asyncio.sleep(self._fault.first_token_delay_ms / 1000)
        if self._fault.stall_after is not None:
            await asyncio.Event().wait()
        if await self._body(body):
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def stream(self, reply: Reply, frames: Iterator[Step]) -> None:
        """Send a stream, each step at once."""
        await self._start(reply.status, reply.headers)
        for step in frames:
            if isinstance(step, Wait):
                await asyncio.sleep(step.ms / 1000)
            elif isinstance(step, Stall):
                await asyncio.Event().wait()
            elif not await self._body(step):
                return
            else:
                self.frames_sent += 1
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self, status: int, headers: Headers) -> None:
        encoded = [(name.encode(), value.encode()) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def _body(self, data: bytes) -> bool:
        if self._bytes_left is not None:
            data = data[: self._bytes_left]
            self._bytes_left -= len(data)
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
        if self._bytes_left == 0:
            await self.hang_up()
        return not self.cut
