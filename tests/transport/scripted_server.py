"""A server that follows a script: real sockets, exact bytes, and no corrections as HTTP libraries make them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

from msgspec.structs import replace

from gateway.transport import Origin

Script = Callable[["Peer"], Awaitable[None]]


@dataclass
class Peer:
    """One accepted connection, as a script sees it. `number` counts from 1."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> bytes:
        """Reads the next request: its head, and the body that its content-length announces."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return head + await self.reader.readexactly(int(line.partition(b":")[2]))
        return head

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def gone(self) -> None:
        """Returns once the client has closed."""
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        """Closes with a RST, as a crashed peer does."""
        self.writer.transport.abort()


@dataclass
class Server:
    origin: Origin
    connections: int = 0


@asynccontextmanager
async def serving(script: Script, *, tls: SSLContext | None = None) -> AsyncIterator[Server]:
    """Runs `script` for every connection. Its errors, except about a lost client, fail the test."""
    server = Server(Origin("https" if tls else "http", "127.0.0.1", 0))
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    runs: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def run(peer: Peer) -> None:
        try:
            await script(peer)
        finally:
            peer.writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        writers.append(writer)
        runs.append(asyncio.create_task(run(Peer(server.connections, reader, writer))))

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    server.origin = replace(server.origin, port=listener.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listener.close()
        for task in runs:
            task.cancel()
        outcomes = await asyncio.gather(*runs, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
    assert unhandled == []
    lost = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
    assert [o for o in outcomes if isinstance(o, BaseException) and not isinstance(o, lost)] == []
