"""The way out to providers: bytes leave, an answer's bytes come back, and every failure is an `UpstreamError`.

The transport's own words stay in the log; a client is told what happened, never to which address.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, NoReturn, Self

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.framing.content_coding import Damaged, TooLarge, Uncoding, UnknownCoding, coding_of, plain
from gateway.ports.clock import Clock
from gateway.ports.upstream import UpstreamRequest, UpstreamTimeouts
from gateway.transport import (
    BadResponse,
    BodyTooLarge,
    Client,
    ConnectFailed,
    Origin,
    PeerClosed,
    Response,
    TimedOut,
    Timeouts,
    TransportError,
    Truncated,
    parse_url,
)

if TYPE_CHECKING:
    # Loaded where a process serves several requests at a time.
    from gateway.pipeline.sharing import Sharing

# The part of a function's memory that one answer may take: it is held as text, as values, and as what is made of it.
MEMORY_SHARE = 20
MEMORY_MB = 256
# Where requests share the memory, an answer asks for room by so many bytes.
STEP_BYTES = 64 * 1024
# A coded answer would have to be read twice, and a coder holds back the end of a stream's event.
PLAIN = (b"accept-encoding", b"identity")

# https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
DATE = "%a, %d %b %Y %H:%M:%S GMT"

SAID = {
    ConnectFailed: "The provider could not be reached.",
    PeerClosed: "The provider closed the connection without answering.",
    Truncated: "The provider's answer was cut off.",
    BadResponse: "The provider's answer could not be read.",
}
TOO_LARGE = "The provider's answer is too large."
TIMED_OUT = "The provider did not answer in time."


class HttpUpstream:
    """Providers over HTTP/1.1, with connections kept between requests.

    `memory_mb` is the function's memory in MiB, which bounds a whole answer, or all of them where requests share it.
    """

    def __init__(
        self, client: Client, clock: Clock, memory_mb: int = MEMORY_MB, sharing: Sharing | None = None
    ) -> None:
        self._client = client
        self._clock = clock
        self._sharing = sharing
        own = memory_mb * 1024 * 1024 // MEMORY_SHARE
        self._body_bytes_max = own if sharing is None else sharing.answer_bytes_max

    async def warm(self, url: str, patience: UpstreamTimeouts) -> None:
        """Has a connection to the origin of `url` ready; one that fails now is tried, and reported, by `send`."""
        origin, _ = _split(url)
        try:
            self._client.release(await self._client.connect(origin, patience.connect_s))
        except (ConnectFailed, TimedOut):
            return

    async def send(self, request: UpstreamRequest, patience: UpstreamTimeouts) -> HttpUpstreamResponse:
        """The answer's head; its body follows. Asked twice, the customer pays once: stale connections are replaced."""
        origin, target = _split(request.url)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
        headers.append(PLAIN)
        timeouts = Timeouts(connect_s=patience.connect_s, first_byte_s=patience.first_byte_s, idle_s=patience.idle_s)
        try:
            response = await self._client.request(
                request.method, origin, target, headers, request.body, timeouts=timeouts, replayable=True
            )
        except TransportError as error:
            _raise_for(error)
        return HttpUpstreamResponse(response, self._body_bytes_max, self._clock.now_s(), self._sharing)


class HttpUpstreamResponse:
    """A provider's answer on its way.

    An answer without a `date` gets that of its arrival, in epoch seconds here, as RFC 9110 section 6.6.1 has it: other
    dates count from it.
    """

    def __init__(
        self, response: Response, body_bytes_max: int, arrived_s: float, sharing: Sharing | None = None
    ) -> None:
        self._response = response
        self._sharing = sharing
        self._body_bytes_max = body_bytes_max
        self.status = response.status
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
        if "date" not in headers:
            headers["date"] = time.strftime(DATE, time.gmtime(arrived_s))
        self.headers: Mapping[str, str] = headers

    async def read(self) -> bytes:
        coded, sharing = self.headers.get("content-encoding"), self._sharing
        try:
            body = await (self._response.read(self._body_bytes_max) if sharing is None else self._shared(sharing))
            return plain(body, coding_of(coded), self._body_bytes_max)
        except TransportError as error:
            _raise_for(error)
        except (UnknownCoding, Damaged) as error:
            raise UpstreamError(SAID[BadResponse]) from error
        except TooLarge as error:
            raise _too_large() from error

    async def _shared(self, sharing: Sharing) -> bytes:
        """The body, read as the memory that requests share has room for it."""
        parts: list[bytes] = []
        size, room = 0, await self._announced(sharing)
        while data := await self._response.more():
            size += len(data)
            if size > self._body_bytes_max:
                await self._response.aclose()
                raise BodyTooLarge(f"response body over {self._body_bytes_max} bytes")
            if size > room + STEP_BYTES:
                await sharing.take_answer(size - room)
                room = size
            parts.append(data)
        return b"".join(parts)

    async def _announced(self, sharing: Sharing) -> int:
        """Takes room for as many bytes as the answer says it has: all at once, so that none waits with a part."""
        told = self.headers.get("content-length", "")
        size = min(int(told), self._body_bytes_max) if told.isdecimal() else 0
        if size > STEP_BYTES:
            await sharing.take_answer(size)
        return size

    def chunks(self) -> AsyncIterator[bytes]:
        return _Chunks(self._response, self.headers.get("content-encoding"))

    async def aclose(self) -> None:
        await self._response.aclose()


class _Chunks:
    """A body whose failures are `UpstreamError`s; no generator, for streams are let go when their wire has ended."""

    def __init__(self, response: Response, content_encoding: str | None) -> None:
        self._response = response
        self._content_encoding = content_encoding
        self._uncoding: Uncoding | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            data = await (self._response.more() if self._content_encoding is None else self._uncoded())
        except TransportError as error:
            _raise_for(error)
        except (UnknownCoding, Damaged) as error:
            raise UpstreamError(SAID[BadResponse]) from error
        if not data:
            raise StopAsyncIteration
        return data

    async def _uncoded(self) -> bytes:
        """The next piece of a provider's that codes its answer although it was asked not to; empty at its end."""
        if self._uncoding is None:
            self._uncoding = Uncoding(coding_of(self._content_encoding))
        while coded := await self._response.more():
            if data := self._uncoding.feed(coded):
                return data
        return b""


def _split(url: str) -> tuple[Origin, str]:
    """The origin, and path and query as they are sent."""
    base, question, query = url.partition("?")
    origin, path = parse_url(base)
    return origin, (path or "/") + question + query


def _raise_for(error: TransportError) -> NoReturn:
    if isinstance(error, TimedOut):
        raise UpstreamTimeout(TIMED_OUT) from error
    if isinstance(error, BodyTooLarge):
        raise _too_large() from error
    raise UpstreamError(SAID[type(error)]) from error


def _too_large() -> UpstreamError:
    """The failure of an answer that would be as large, and as dear, if it was generated again."""
    return UpstreamError(TOO_LARGE, retryable=False)
