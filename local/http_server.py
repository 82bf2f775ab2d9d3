"""Serves the stack's HTTP ports with uvicorn on 127.0.0.1, and keeps header names as clients write them."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from local.gateway import Gateway
from local.lambda_api import LambdaApi
from local.queues import SqsApi
from local.websocket_gateway import ManagementApi

# More than this, written in one turn of the loop, does not wait for its end.
WRITTEN_AT_ONCE = 64 * 1024


class JoinedWrites:
    """A transport that writes what it is given in one turn of the loop with one call of the system.

    Uvicorn writes a head and a body, each of which would have the client wake up and read.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._pieces: list[bytes] = []
        self._bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(data)
        self._bytes += len(data)
        if self._bytes >= WRITTEN_AT_ONCE:
            # The client may take no more, of which the writer is told.
            self._flush()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._pieces:
            data, self._pieces, self._bytes = b"".join(self._pieces), [], 0
            self._transport.write(data)


class StackProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol, extended to keep header names as sent, and to write an answer's parts together.

    The names are in the scope's state, since ASGI has no field for them.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(cast("asyncio.Transport", JoinedWrites(transport)))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["headers_as_sent"] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.scope["state"]["headers_as_sent"].append((name, value))
        super().on_header(name, value)


class HttpServer(uvicorn.Server):
    """A server that leaves signals to the stack, which has more to end than this port."""

    def __init__(self, app: Gateway | LambdaApi | ManagementApi | SqsApi) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=StackProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                # API Gateway takes the client's address from its connection; uvicorn would believe X-Forwarded-For.
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=1,
            )
        )

        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(port: int) -> socket.socket:
    """Binds a socket on 127.0.0.1. Raises OSError if the port is taken."""
    # With the protocol number TCP, asyncio turns Nagle's algorithm off. Otherwise every answer waits 40 ms for the
    # client's ACK. Other servers that are given this socket inherit the option.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener
