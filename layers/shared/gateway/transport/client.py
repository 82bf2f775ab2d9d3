"""HTTP client with a pool: reuses a connection only if it seems alive, repeats a request only if that is harmless.

A pooled connection can be closed by its peer while the next request is on its way. The client sees an end before any
byte of an answer, which looks the same as a peer that acted on the request and then died. So (RFC 9110 9.2.2, RFC 9112
9.3.1) one repetition on a fresh connection is made only if the connection was not opened for this very request, no byte
of an answer came, and either the method is idempotent or the caller has declared the request `replayable`: an operation
with a token or a condition, or one whose second execution costs only the gateway's own money. The window is small,
because a connection is checked for a pending close right before it is used.
"""

from __future__ import annotations

import asyncio
from functools import cache
from ssl import SSLContext, create_default_context
from types import TracebackType
from typing import Self

from gateway.transport.connection import READ_BYTES, Connection, Timeouts
from gateway.transport.errors import ConnectFailed, ConnectTimedOut, PeerClosed
from gateway.transport.head import Headers, chunked_request_head, sized_request_head
from gateway.transport.response import RequestStream, Response, answered
from gateway.transport.url import Origin

# RFC 9110 section 9.2.2.
_IDEMPOTENT = frozenset(("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"))

_DEFAULT_TIMEOUTS = Timeouts()


@cache
def shared_tls_context() -> SSLContext:
    """The TLS context of all origins, created on first use: reading the CA file costs more than a handshake."""
    context = create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class Client:
    """A pool of connections by origin; belongs to one event loop.

    `idle_age_s` stays below the idle timeouts of load balancers and of AWS's endpoints.
    """

    def __init__(
        self,
        *,
        idle_age_s: float = 20.0,
        idle_connections_max: int = 64,
        tls_context: SSLContext | None = None,
    ) -> None:
        self._idle_age_s = idle_age_s
        self._idle_connections_max = idle_connections_max
        self._tls_context = tls_context
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._idle: dict[Origin, list[Connection]] = {}
        self._open: set[Connection] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self, origin: Origin, timeout_s: float | None = 5.0) -> Connection:
        """A connection ready for a request: an idle one, or a new one.

        It opens the socket while the caller still prepares its request; pass it to `request`, or to `release` if
        nothing is to be sent. Raises ConnectFailed or ConnectTimedOut.
        """
        return await self._idle_connection(origin) or await self._new_connection(origin, timeout_s)

    def release(self, connection: Connection) -> None:
        """Keeps an unused connection for the next request to its origin."""
        idle = self._idle.setdefault(connection.origin, [])
        if len(idle) < self._idle_connections_max:
            idle.append(connection)
        else:
            connection.abort()

    async def request(
        self,
        method: str,
        origin: Origin,
        target: str,
        headers: Headers = (),
        body: bytes = b"",
        *,
        timeouts: Timeouts = _DEFAULT_TIMEOUTS,
        connection: Connection | None = None,
        replayable: bool | None = None,
    ) -> Response:
        """Sends a whole request and returns its response as soon as the head has arrived.

        `target` starts with a slash and is sent unchanged. The default of `replayable` is the method's idempotency.
        Raises ValueError for a header or target that could split the request, and TransportError's kinds.
        """
        head = sized_request_head(method, origin, target, headers, len(body))
        head_only = method == "HEAD"
        kept = await self._usable(connection, origin)
        if kept is not None:
            try:
                return await self._exchange(kept, head, body, timeouts, head_only=head_only)
            except PeerClosed:
                if not (method in _IDEMPOTENT if replayable is None else replayable):
                    raise
        fresh = await self._new_connection(origin, timeouts.connect_s)
        return await self._exchange(fresh, head, body, timeouts, head_only=head_only)

    async def stream(
        self,
        method: str,
        origin: Origin,
        target: str,
        headers: Headers = (),
        *,
        trailer_names: tuple[bytes, ...] = (),
        timeouts: Timeouts = _DEFAULT_TIMEOUTS,
    ) -> RequestStream:
        """Starts a request whose body is still being made; its head leaves with the first piece. It
        is never repeated.
        """
        head = chunked_request_head(method, origin, target, headers, trailer_names)
        connection = await self.connect(origin, timeouts.connect_s)
        return RequestStream(connection, connection.begin(timeouts), head)

    async def close(self) -> None:
        """Closes every connection, also those in use; the client opens new ones for later requests."""
        connections = list(self._open)
        self._idle.clear()
        for connection in connections:
            connection.abort()
        for connection in connections:
            await connection.closed

    async def _exchange(
        self, connection: Connection, head: bytes, body: bytes, timeouts: Timeouts, *, head_only: bool
    ) -> Response:
        exchange = connection.begin(timeouts, head_only=head_only)
        try:
            await connection.write_whole(exchange, head, body)
        except BaseException:
            exchange.abandon()
            raise
        return await answered(exchange)

    async def _usable(self, connection: Connection | None, origin: Origin) -> Connection | None:
        if connection is None:
            return await self._idle_connection(origin)
        if connection.origin != origin:
            raise ValueError("the connection leads to another origin")
        if await connection.is_fit(self._idle_age_s):
            return connection
        return await self._idle_connection(origin)

    async def _idle_connection(self, origin: Origin) -> Connection | None:
        idle = self._idle.get(origin, [])
        while idle:
            connection = idle.pop()
            if await connection.is_fit(self._idle_age_s):
                return connection
            connection.abort()
        return None

    async def _new_connection(self, origin: Origin, timeout_s: float | None) -> Connection:
        tls = (self._tls_context or shared_tls_context()) if origin.scheme == "https" else None
        try:
            async with asyncio.timeout(timeout_s):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(origin, self.release, self._buffer),
                    origin.address or origin.host,
                    origin.port,
                    ssl=tls,
                    server_hostname=origin.host if tls else None,
                )
        except TimeoutError as error:
            raise ConnectTimedOut(f"{origin.authority}: no connection in {timeout_s} s") from error
        except (OSError, UnicodeError) as error:
            raise ConnectFailed(f"{origin.authority}: {type(error).__name__}: {error}") from error
        self._open.add(connection)
        connection.closed.add_done_callback(lambda _: self._open.discard(connection))
        return connection
