"""One exchange at a time on a socket; each ends in a complete answer or in exactly one error.

Received bytes are delivered before the error that followed them. Reading pauses while the caller lags behind, and the
caller's own time is never counted against the peer.
"""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import Callable
from ssl import SSLObject, SSLWantReadError
from typing import cast

from msgspec import Struct

from gateway.transport.answer import Answer
from gateway.transport.errors import BadResponse, FirstByteTimedOut, IdleTimedOut, PeerClosed, TimedOut, TransportError
from gateway.transport.url import Origin
from gateway.transport.wakeup import Wakeup

_HIGH_WATER_BYTES = 256 * 1024
READ_BYTES = 64 * 1024
_WRITE_BYTES = 256 * 1024


class Timeouts(Struct, frozen=True):
    """Time limits for a peer; None means no limit. The first byte's time includes sending the request."""

    connect_s: float | None = 5.0
    first_byte_s: float | None = 60.0
    idle_s: float | None = 60.0


class Exchange:
    """One request's answer: the part that has arrived, the waiting caller, and the time limits."""

    __slots__ = (
        "_connection",
        "_limit_s",
        "_loop",
        "_since",
        "_timeouts",
        "_waiter",
        "answer",
        "failure",
        "sent",
    )

    def __init__(self, connection: Connection, timeouts: Timeouts, *, head_only: bool) -> None:
        self.answer = Answer(head_only=head_only)
        self.failure: TransportError | None = None
        self.sent = False
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._timeouts = timeouts
        self._limit_s: float | None = None
        self._since = 0.0
        self._waiter: Wakeup | None = None

    async def head(self) -> None:
        """Returns once status and fields are known."""
        while not self.answer.head_complete:
            await self._arrival()

    async def more(self) -> bytes:
        """The body's next bytes as soon as there are any; empty at its end."""
        answer = self.answer
        while not answer.buffered_bytes:
            if answer.complete:
                return b""
            await self._arrival()
        data = answer.take()
        if self._connection.reading_paused and self._connection.resume_reading(self):
            self._since = self._loop.time()
        return data

    def start_clock(self) -> None:
        """Starts the time limits, once the request is sent."""
        self._watch(self._timeouts.first_byte_s)

    def feed(self, data: memoryview) -> bool:
        """Takes bytes from the peer; true if they complete the answer."""
        answer = self.answer
        awaiting_head = not answer.head_complete
        answer.feed(data)
        if answer.complete:
            self._watch(None)
        elif awaiting_head and answer.head_complete:
            self._watch(self._timeouts.idle_s)
        elif not awaiting_head:
            self._since = self._loop.time()
        return answer.complete

    def end_of_input(self) -> bool:
        """Handles the end of the peer's bytes; true if it completes the answer."""
        if not self.answer.end_of_input():
            return False
        self._watch(None)
        return True

    def fail(self, error: TransportError) -> None:
        """Ends the exchange with an error; only the first error counts."""
        if self.failure is None and not self.answer.complete:
            self.failure = error
        self._watch(None)

    def abandon(self) -> None:
        """Drops the answer; one that is still arriving takes its connection with it."""
        if not (self.answer.complete and self.sent):
            self._connection.fail(self, PeerClosed("abandoned by the caller"))

    def wake(self) -> None:
        """Has the waiting caller go on at once; the connection is as it should be when this is called."""
        if self._waiter is not None:
            self._waiter.wake()

    def _arrival(self) -> Wakeup:
        """The wait for more from the peer; raises the exchange's error."""
        if self.failure is not None:
            raise self.failure
        self._waiter = Wakeup()
        return self._waiter

    def _watch(self, limit_s: float | None) -> None:
        self._limit_s = limit_s
        if limit_s is not None:
            self._since = self._loop.time()
            self._connection.call_by(self._since + limit_s)

    def check(self) -> None:
        """Fails the exchange if the peer has been silent for as long as it may be; else asks to be called again."""
        limit_s = self._limit_s
        if limit_s is None:
            return
        now = self._loop.time()
        due = (now if self._connection.reading_paused else self._since) + limit_s
        if due > now:
            self._connection.call_by(due)
            return
        slow: type[TimedOut] = IdleTimedOut if self.answer.head_complete else FirstByteTimedOut
        self._connection.fail(self, slow(f"no byte for {limit_s:g} s"))


class Connection(asyncio.BufferedProtocol):
    """A connection to an origin, idle or in one exchange; `on_idle` is called each time it is free again.

    `buffer` is read into. All connections of a loop may share it: what a read brought is taken before the next one.
    """

    def __init__(self, origin: Origin, on_idle: Callable[[Connection], None], buffer: memoryview) -> None:
        self.origin = origin
        self.reading_paused = False
        self.closed = asyncio.get_running_loop().create_future()
        self._on_idle = on_idle
        self._exchange: Exchange | None = None
        self._idle_since = time.monotonic()
        self._writable: asyncio.Future[None] | None = None
        # One timer for all exchanges, which goes on to the next one's time: a request and a piece cost a time stamp.
        self._timer: asyncio.TimerHandle | None = None
        # A plain protocol gets a new 256 KB string each time, cut down to the received bytes: that costs 12 us a read.
        self._buffer = buffer

    # asyncio's interface

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint  # asyncio has no hint to give: it is always -1.
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        exchange = self._exchange
        if exchange is None or exchange.answer.complete:
            # There is no request, so these bytes are not the answer to the next one.
            self._transport.abort()
            return
        try:
            complete = exchange.feed(self._buffer[:nbytes])
        except BadResponse as error:
            self.fail(exchange, error)
            return
        if complete:
            self._settle(exchange)
        exchange.wake()
        if exchange.answer.buffered_bytes > _HIGH_WATER_BYTES and self._exchange is exchange:
            # What a waiting caller has left.
            self.reading_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        exchange = self._exchange
        if exchange is not None and self._is_announced_end() and exchange.end_of_input():
            self._settle(exchange)
            exchange.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        self.resume_writing()
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            error = exchange.answer.cut()
            error.__cause__ = exc
            exchange.fail(error)
            exchange.wake()

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # the client's interface

    def begin(self, timeouts: Timeouts, *, head_only: bool = False) -> Exchange:
        """Starts an exchange on this idle connection."""
        if self._exchange is not None:
            raise RuntimeError("the connection is in use")
        self._exchange = Exchange(self, timeouts, head_only=head_only)
        return self._exchange

    def call_by(self, due_s: float) -> None:
        """Has the exchange that is under way checked at this time of the loop, or before."""
        if self._timer is not None:
            if self._timer.when() <= due_s:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due_s, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._exchange is not None:
            self._exchange.check()

    def write(self, data: bytes | memoryview) -> None:
        """Sends at once as much as the socket takes, the rest as it drains."""
        self._transport.write(data)

    async def write_whole(self, exchange: Exchange, head: bytes, body: bytes) -> None:
        """Sends a request to its end, or until it has failed; `exchange` then holds the error.

        A large body goes piece by piece, as the peer takes it: TLS would make two copies of it in one piece.
        """
        if len(body) <= _WRITE_BYTES:
            self.write(head + body)
        else:
            exchange.start_clock()
            self.write(head)
            left = memoryview(body)
            while left and not self.closed.done():
                self.write(left[:_WRITE_BYTES])
                left = left[_WRITE_BYTES:]
                await self.drain()
        if exchange.failure is None:
            self.sent(exchange)

    @property
    def keeps_up(self) -> bool:
        """True if the peer takes what is written as it comes."""
        return self._writable is None

    async def drain(self) -> None:
        """Returns once the peer keeps up with the written bytes."""
        if self._writable is not None:
            await self._writable

    def sent(self, exchange: Exchange) -> None:
        """Notes that the request is sent to its end."""
        exchange.sent = True
        if exchange.answer.complete:
            self._settle(exchange)
        elif not exchange.answer.head_complete:
            exchange.start_clock()

    def resume_reading(self, exchange: Exchange) -> bool:
        """Reads on if reading was paused for this exchange; true if it was."""
        if self._exchange is not exchange or not self.reading_paused:
            return False
        self.reading_paused = False
        self._transport.resume_reading()
        return True

    def fail(self, exchange: Exchange, error: TransportError) -> None:
        """Ends an exchange with an error, and closes the connection."""
        exchange.fail(error)
        if self._exchange is exchange:
            self._exchange = None
            self._transport.abort()
        exchange.wake()

    def abort(self) -> None:
        """Closes without ceremony."""
        self._transport.abort()

    async def is_fit(self, idle_age_s: float) -> bool:
        """True if an idle connection can carry a request: young, not closed, and without unread bytes.

        The socket itself is checked, since an end that came while the function was frozen may be unread. TLS session
        tickets make the socket readable too, so the loop gets two turns, one to see the bytes and one to read them.
        """
        if time.monotonic() - self._idle_since > idle_age_s:
            return False
        if not self._transport.is_closing() and self._poll.poll(0):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return not self._transport.is_closing()

    def _is_announced_end(self) -> bool:
        """True if the end of a body is genuine: over TLS only with a closure alert, else a cut would look like it (RFC
        9112 9.8).
        """
        tls: SSLObject | None = self._transport.get_extra_info("ssl_object")
        if tls is None:
            return True
        try:
            return tls.read(1) == b""
        except SSLWantReadError:
            return False

    def _settle(self, exchange: Exchange) -> None:
        """Handles a complete answer: once the request is sent too, the connection is free or closed."""
        if not exchange.sent:
            return
        self.resume_reading(exchange)
        self._exchange = None
        if exchange.answer.reusable and not self._transport.is_closing():
            self._idle_since = time.monotonic()
            self._on_idle(self)
        else:
            self._transport.close()
