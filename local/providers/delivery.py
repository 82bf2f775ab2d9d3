"""Sends replies and applies their faults, in the same way for every wire.

`steps` is pure and plans the order of bytes and waits. `Delivery` performs the plan on the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
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
    """Plans a stream under a fault: bytes to send, waits, or a stall. The plan ends where the stream ends."""
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


class Pace:
    """The waits of all streams, which a test can end at once for those that run."""

    def __init__(self) -> None:
        self.hurried = asyncio.Event()

    def hurry(self) -> None:
        """Has the running streams wait no more; those that begin later do."""
        self.hurried.set()
        self.hurried = asyncio.Event()


class Connection(Protocol):
    """The socket below the server, for endings that HTTP cannot express."""

    def close(self) -> None: ...


class Delivery:
    """Sends one reply. `frames_sent` and `cut` record the result."""

    def __init__(self, send: Send, connection: Connection, fault: Fault, hurried: asyncio.Event) -> None:
        self._hurried = hurried
        self._send = send
        self._connection = connection
        self._fault = fault
        self._bytes_left = fault.cut_after
        self.frames_sent = 0
        self.cut = False

    async def hang_up(self) -> None:
        """Closes the connection without an answer."""
        self.cut = True
        self._connection.close()

    async def send_body(self, reply: Reply, body: bytes) -> None:
        """Sends a body of known length, which a fault may delay, cut or withhold."""
        await self._start(reply.status, (*reply.headers, ("content-length", str(len(body)))))
        await asyncio.sleep(self._fault.first_token_delay_ms / 1000)
        if self._fault.stall_after is not None:
            await asyncio.Event().wait()
        if await self._body(body):
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send_stream(self, reply: Reply, frames: Iterator[Step]) -> None:
        """Sends a stream, each step at once."""
        await self._start(reply.status, reply.headers)
        for step in frames:
            if isinstance(step, Wait):
                await self._wait(step.ms / 1000)
            elif isinstance(step, Stall):
                await asyncio.Event().wait()
            elif not await self._body(step):
                return
            else:
                self.frames_sent += 1
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurried.wait()

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
