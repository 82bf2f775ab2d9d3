"""Sends the one answer of a request: status, headers, body or events, and writes its log line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self

from msgspec import Struct, field

from gateway.canonical.money import Window
from gateway.canonical.wire import Wire
from gateway.errors import GatewayError, MethodNotAllowed
from gateway.http.request import JSON_TYPE, Request, Send
from gateway.ports.clock import Clock
from gateway.ports.sink import CallerLeft

# Ours, and where OpenAI's and Anthropic's SDKs look for the same.
ID_HEADERS = ("X-Trace-ID", "x-request-id", "request-id")
RETRY_LATER = frozenset({429, 503})

log = logging.getLogger(__name__)


class Context(Protocol):
    """The part of an operation's `RequestContext` that its answer and its log line tell."""

    @property
    def window(self) -> Window | None: ...

    @property
    def error(self) -> GatewayError | None: ...

    def standing_headers(self) -> Mapping[str, str]: ...

    def headers(self) -> Mapping[str, str]: ...

    def log_fields(self) -> Mapping[str, Any]: ...


class Exchange:
    """One request and the one answer it gets."""

    def __init__(self, request: Request, wire: Wire, send: Send) -> None:
        self.request = request
        self.wire = wire
        self.context: Context | None = None
        self.status = 0
        self._send = send
        self._error: GatewayError | None = None
        self._clock: Clock | None = None
        self._began_s = 0.0
        # The caller's rate window, for answers that no admission has looked at.
        self.window: Callable[[], Awaitable[Mapping[str, str]]] | None = None
        self.counted = False
        self.caller_left = False

    def begin(self, clock: Clock) -> None:
        """Starts the clock that the log line reads."""
        self._clock, self._began_s = clock, clock.monotonic_s()

    @property
    def is_admitted(self) -> bool:
        """True once an admission of money has looked at the request."""
        return self.context is not None and self.context.window is not None

    async def start(self, status: int, content_type: str, extra: Mapping[str, str]) -> None:
        """Status and headers, at most once; without a type for an answer that has no body."""
        self.status = status
        headers = {"Content-Type": content_type} if content_type else {}
        headers |= dict.fromkeys(ID_HEADERS, self.request.request_id)
        if self.window is not None and not self.is_admitted:
            headers |= await self.window()
        if self.context is not None:
            headers |= self.context.standing_headers()
        headers |= extra
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    def write(self, data: bytes, *, more: bool) -> Awaitable[None]:
        """Body bytes, on their way at once."""
        return self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def reply(self, status: int, body: bytes, extra: Mapping[str, str] | None = None) -> None:
        """A whole answer, of JSON or empty."""
        await self.start(
            status,
            JSON_TYPE if body else "",
            {"Content-Length": str(len(body)), **self.known_headers(), **(extra or {})},
        )
        await self.write(body, more=False)

    def known_headers(self) -> dict[str, str]:
        """All that is known of the request by now, as headers."""
        return {} if self.context is None else {**self.context.standing_headers(), **self.context.headers()}

    async def refuse(self, error: GatewayError) -> None:
        """The error in the wire's shape; raises it where a status was sent already, so that the answer is seen cut."""
        self._error = error
        if self.status:
            raise error
        # A window that an order was refused by is known better than the one that its caller was read with.
        extra = dict(error.window or {})
        if error.status in RETRY_LATER or error.retry_after_s is not None:
            extra["Retry-After"] = str(max(1, error.retry_after_s or 1))
        if error.should_retry is not None:
            extra["x-should-retry"] = str(error.should_retry).lower()
        if isinstance(error, MethodNotAllowed):
            extra["Allow"] = ", ".join(error.allowed)
        await self.reply(error.status, self.wire.encode_error(error, self.request.request_id), extra)

    def note(self, error: GatewayError) -> None:
        """Has the log line tell of an error that is answered in another way than `refuse` does."""
        self._error = error

    def log(self) -> None:
        """Writes the request's one line; it has the type and the stack of an unforeseen error, for the operator."""
        line: dict[str, Any] = {
            "event": "request",
            "request_id": self.request.request_id,
            "method": self.request.method,
            "path": self.request.path,
            "status": self.status,
        }
        if self._clock is not None:
            line["latency_ms"] = round((self._clock.monotonic_s() - self._began_s) * 1000, 1)
        if self.context is not None:
            line |= self.context.log_fields()
        if self.caller_left:
            line["caller_left"] = True
        error = self._error or (self.context.error if self.context is not None else None)
        if error is not None:
            line |= {"error_status": error.status, "error_code": error.code}
        log.info("request", extra=line, exc_info=None if error is None else error.__cause__)


class EventStream(Struct):
    """The sink of one stream: its status is committed by the first bytes, or by `pause_s` of silence.

    From then on every `pause_s` of silence is filled with what the wire has for it, a comment as a rule. Only whole
    events are written, so a comment never falls inside one.
    """

    exchange: Exchange
    pause_s: float
    committed: bool = False
    _headers: Mapping[str, str] = field(default_factory=dict)
    _last_s: float = 0.0
    _ticker: asyncio.Task[None] | None = None
    _flowing: bool = False
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __aenter__(self) -> Self:
        self._last_s = asyncio.get_running_loop().time()
        if self.exchange.wire.keep_alive:
            self._ticker = asyncio.create_task(self._fill_silence())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        if self.committed and error is None and not self.exchange.caller_left:
            await self.exchange.write(b"", more=False)

    def announce(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    async def write(self, data: bytes) -> None:
        """Whole events, on their way at once; raises `CallerLeft` where the server has lost the caller."""
        self._last_s = asyncio.get_running_loop().time()
        try:
            if self._flowing:
                await self.exchange.write(data, more=True)
            else:
                await self._begin(data)
        except OSError as error:
            self.exchange.caller_left = True
            raise CallerLeft from error

    async def _begin(self, data: bytes) -> None:
        """The first bytes, behind the status."""
        async with self._opening:
            if not self.committed:
                self.committed = True
                stream_type = self.exchange.wire.stream_type
                await self.exchange.start(200, stream_type, {"Cache-Control": "no-cache", **self._headers})
            await self.exchange.write(data, more=True)
            self._flowing = True

    async def _fill_silence(self) -> None:
        """One sleeper for the whole stream, woken when the silence could be long enough, not at every chunk."""
        loop = asyncio.get_running_loop()
        while True:
            left_s = self._last_s + self.pause_s - loop.time()
            if left_s > 0:
                await asyncio.sleep(left_s)
            else:
                # The stream's own next bytes tell of a caller who has left.
                with suppress(CallerLeft):
                    await self.write(self.exchange.wire.keep_alive)
