"""The caller's interface to an exchange: a response to read, or a request body to write.

A response must be read to its end or closed; otherwise it keeps its socket until the idle timeout.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from types import TracebackType
from typing import Self

from gateway.transport.connection import Connection, Exchange
from gateway.transport.errors import BodyTooLarge, PeerClosed
from gateway.transport.head import Headers, chunk, last_chunk


class Response:
    """An answer whose head has arrived; names of fields are lower case, their order is the peer's."""

    __slots__ = ("_exchange", "headers", "status")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.status = exchange.answer.status
        self.headers: Headers = exchange.answer.headers

    def header(self, name: bytes) -> bytes | None:
        """The first field of that lower-case name."""
        return next((value for field, value in self.headers if field == name), None)

    @property
    def trailers(self) -> Headers:
        """Fields after a chunked body; complete once the body is."""
        return self._exchange.answer.trailers

    def more(self) -> Awaitable[bytes]:
        """The body's next piece as it arrives, empty at its end; pieces follow the network, not the peer's chunks."""
        return self._exchange.more()

    def chunks(self) -> AsyncIterator[bytes]:
        """The body's pieces as an iterator."""
        return _Pieces(self._exchange)

    async def read(self, limit_bytes: int) -> bytes:
        """The whole body; raises BodyTooLarge, and closes the connection, if it is longer."""
        parts: list[bytes] = []
        left_bytes = limit_bytes
        while data := await self._exchange.more():
            left_bytes -= len(data)
            if left_bytes < 0:
                self._exchange.abandon()
                raise BodyTooLarge(f"response body over {limit_bytes} bytes")
            parts.append(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def aclose(self) -> None:
        """Closes the response; one read to its end has already returned its connection, any other loses it."""
        self._exchange.abandon()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exchange.abandon()


class _Pieces:
    """Iterates the body without a generator, because the loop finalises an unread generator with a
    task and a wake-up.
    """

    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        data = await self._exchange.more()
        if not data:
            raise StopAsyncIteration
        return data


class RequestStream:
    """A request whose body is written piece by piece, each sent at once as a chunk of its own."""

    __slots__ = ("_connection", "_exchange", "_unsent")

    def __init__(self, connection: Connection, exchange: Exchange, head: bytes) -> None:
        self._connection = connection
        self._exchange = exchange
        self._unsent = head

    @property
    def answered(self) -> bool:
        """True if the peer has answered before the end of the request; `finish` returns the answer."""
        return self._exchange.answer.complete

    def write(self, data: bytes) -> None:
        """Sends a piece, unless the peer has already answered; raises the exchange's error."""
        if data:
            self._send(chunk(data))

    @property
    def keeps_up(self) -> bool:
        """True if the peer takes the pieces as they come, so that there is nothing to `drain`."""
        return self._connection.keeps_up

    async def drain(self) -> None:
        """Waits until the peer keeps up; without a limit, the caller's deadline is the limit."""
        await self._connection.drain()
        if self._exchange.failure is not None:
            raise self._exchange.failure

    async def finish(self, data: bytes = b"", trailers: Headers = ()) -> Response:
        """Sends a last piece and the end of the body together, and waits for the answer's head."""
        self._send((chunk(data) if data else b"") + last_chunk(trailers))
        self._connection.sent(self._exchange)
        return await answered(self._exchange)

    def _send(self, data: bytes) -> None:
        if self._exchange.failure is not None:
            raise self._exchange.failure
        if not self.answered:
            self._connection.write(self._unsent + data)
            self._unsent = b""

    def abort(self) -> None:
        """Leaves the body visibly incomplete: the connection closes without the last chunk."""
        self._connection.fail(self._exchange, PeerClosed("abandoned by the caller"))


async def answered(exchange: Exchange) -> Response:
    """Waits for the response's head; abandons the exchange if the caller is cancelled."""
    try:
        await exchange.head()
    except BaseException:
        exchange.abandon()
        raise
    return Response(exchange)
