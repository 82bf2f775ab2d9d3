"""Serves the stack's HTTP ports with uvicorn on 127.0.0.1, and keeps header names as clients write them."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from local.gateway import Gateway
from local.lambda_api import LambdaApi
from local.queues import SqsApi
from local.websocket_gateway import ManagementApi


class HeaderNamesProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol, extended to keep header names as sent.

    They are in the scope's state, since ASGI has no field for them.
    """

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
                http=HeaderNamesProtocol,
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
