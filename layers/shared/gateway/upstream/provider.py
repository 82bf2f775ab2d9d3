"""The way out to providers: bytes leave, an answer's bytes come back, and every failure is an `UpstreamError`.

The transport's own words stay in the log; a client is told what happened, never to which address.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import NoReturn, Self

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.ports import Patience, UpstreamRequest
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

BODY_BYTES_MAX = 128 * 1024 * 1024

SAID = {
    ConnectFailed: "The provider could not be reached.",
    PeerClosed: "The provider closed the connection without answering.",
    Truncated: "The provider's answer was cut off.",
    BadResponse: "The provider's answer could not be read.",
    BodyTooLarge: "The provider's answer is too large.",
}
TIMED_OUT = "The provider did not answer in time."


class HttpUpstream:
    """Providers over HTTP/1.1, with connections kept between requests."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def warm(self, url: str, patience: Patience) -> None:
        """Has a connection to the origin of `url` ready; one that fails now is tried, and reported, by `send`."""
        origin, _ = _split(url)
        try:
            self._client.release(await self._client.connect(origin, patience.connect_s))
        except (ConnectFailed, TimedOut):
            return

    async def send(self, request: UpstreamRequest, patience: Patience) -> HttpUpstreamResponse:
        """The answer's head; its body follows. Asked twice, the customer pays once: stale connections are replaced."""
        origin, target = _split(request.url)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
        timeouts = Timeouts(connect_s=patience.connect_s, first_byte_s=patience.first_byte_s, idle_s=patience.idle_s)
        try:
            response = await self._client.request(
                request.method, origin, target, headers, request.body, timeouts=timeouts, replayable=True
            )
        except TransportError as error:
            _raise_for(error)
        return HttpUpstreamResponse(response)


class HttpUpstreamResponse:
    """A provider's answer on its way."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers
        }

    async def read(self) -> bytes:
        try:
            return await self._response.read(BODY_BYTES_MAX)
        except TransportError as error:
            _raise_for(error)

    def chunks(self) -> AsyncIterator[bytes]:
        return _Chunks(self._response.chunks())

    async def aclose(self) -> None:
        await self._response.aclose()


class _Chunks:
    """A body whose failures are `UpstreamError`s; no generator, for streams are let go when their wire has ended."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self._pieces.__anext__()
        except TransportError as error:
            _raise_for(error)


def _split(url: str) -> tuple[Origin, str]:
    """The origin, and path and query as they are sent."""
    base, question, query = url.partition("?")
    origin, path = parse_url(base)
    return origin, (path or "/") + question + query


def _raise_for(error: TransportError) -> NoReturn:
    if isinstance(error, TimedOut):
        raise UpstreamTimeout(TIMED_OUT) from error
    raise UpstreamError(SAID[type(error)]) from error
