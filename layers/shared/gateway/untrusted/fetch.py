"""Requests to URLs that strangers chose: a user's image, a user's webhook, a provider's output.

Each hop's URL is checked by its text (`urls`), its name is resolved once, every address must be public (`addresses`),
and the connection goes to one of those very addresses while TLS proves the name. A name that resolves differently a
moment later changes nothing. Redirects are checked like the first hop. Connections are not pooled, proxies of the
environment are ignored, and a body is counted while it arrives, regardless of its announced length.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext
from typing import Self

from msgspec import Struct

from gateway.errors import GatewayError, InvalidRequest, UpstreamError, UpstreamTimeout
from gateway.transport import (
    BodyTooLarge,
    Client,
    ConnectFailed,
    ConnectTimedOut,
    Headers,
    Origin,
    Response,
    TimedOut,
    Timeouts,
    TransportError,
)
from gateway.untrusted.addresses import is_loopback, is_public
from gateway.untrusted.file_types import FileType, judge_file
from gateway.untrusted.urls import NOT_PUBLIC, PUBLIC_ONLY, Policy, WebUrl, judge_redirect, judge_url

REDIRECTS_MAX = 3
# If so many addresses of a name refuse, the name is down.
ADDRESSES_MAX = 4
FETCH_S = 10.0
POST_S = 15.0
DELIVERY_ANSWER_BYTES_MAX = 64 * 1024
FETCH_TIMEOUTS = Timeouts(connect_s=3.0, first_byte_s=FETCH_S, idle_s=FETCH_S)
POST_TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=POST_S, idle_s=POST_S)
SERVICE_TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=100.0, idle_s=100.0)
DOWNLOAD_TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=30.0, idle_s=30.0)

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OWN_HEADERS = ((b"user-agent", b"nexgate"), (b"accept-encoding", b"identity"))
_CONTENT_RANGE = re.compile(rb"bytes (?:(?P<first>[0-9]{1,18})-[0-9]+|\*)/(?P<size>[0-9]{1,18}|\*)")

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


async def looked_up(host: str, port: int) -> Sequence[str]:
    """All addresses of a name from this machine's resolver; raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    return [str(address[0]) for _, _, _, _, address in found]


class Fetched(Struct, frozen=True):
    """A whole file, and its type by its content."""

    content: bytes
    file_type: FileType


class Opened(Struct, frozen=True):
    """A file that is arriving. `pieces` begin at `first_byte`; `size_bytes` is the whole file's, if its server sends
    it.
    """

    pieces: AsyncIterator[bytes]
    first_byte: int
    size_bytes: int | None
    declared_type: str | None


class Fetcher:
    """The only client for strangers' URLs. `policy` and `resolve` are the operator's, never a request's."""

    def __init__(
        self,
        policy: Policy = PUBLIC_ONLY,
        *,
        resolve: Resolver = looked_up,
        tls_context: SSLContext | None = None,
        fetch_s: float = FETCH_S,
        post_s: float = POST_S,
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        self._tls_context = tls_context
        self._fetch_s = fetch_s
        self._post_s = post_s

    async def fetch(self, url: str, param: str, *, size_bytes_max: int, accepted: Collection[FileType]) -> Fetched:
        """Fetches a user's file, at most `size_bytes_max` long and one of `accepted` by its content.

        Raises `InvalidRequest` at `param` for every failure.
        """
        judged = judge_url(url, param, self._policy)
        try:
            async with asyncio.timeout(self._fetch_s), self._client() as client:
                response = await self._follow(client, judged, (), FETCH_TIMEOUTS, param)
                if response.status != 200:
                    raise InvalidRequest(f"The URL answers with status {response.status}.", param=param)
                _refuse_encoded(response, InvalidRequest(ENCODED, param=param))
                content = await response.read(size_bytes_max)
        except BodyTooLarge as error:
            raise InvalidRequest(f"The file at the URL is larger than {size_bytes_max} bytes.", param=param) from error
        except (TransportError, TimeoutError) as error:
            raise InvalidRequest(f"The URL {_failing(error)}.", param=param) from error
        return Fetched(content, judge_file(content, param, accepted))

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Delivers a body to a user's webhook; returns the status of the answer, of a redirect too.

        Raises `InvalidRequest` if the address is refused, `UpstreamError` if there is no answer.
        """
        judged = judge_url(url, None, self._policy)
        fields = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        until_s = asyncio.get_running_loop().time() + self._post_s
        async with self._client() as client:
            try:
                async with asyncio.timeout_at(until_s):
                    response = await self._send(
                        client, "POST", judged, (*_OWN_HEADERS, *fields), body, POST_TIMEOUTS, None
                    )
            except (TransportError, TimeoutError) as error:
                raise _upstream_error("The webhook", error) from error
            # Read the body so that the receiver is not cut off while it answers; only the status is used, so errors
            # here are ignored.
            with suppress(TransportError, TimeoutError):
                async with asyncio.timeout_at(until_s):
                    await response.read(DELIVERY_ANSWER_BYTES_MAX)
            return response.status

    def download(self, url: str, headers: Sequence[tuple[str, str]] = ()) -> Download:
        """Prepares the download of a provider's output; `headers` authorise it, and go to the origin of `url` only."""
        return Download(self, url, headers)

    @asynccontextmanager
    async def opened(self, url: str, headers: Headers) -> AsyncIterator[Response]:
        """Opens a provider's file, redirects followed; raises the errors of `Download.opened`."""
        judged = judge_url(url, None, self._policy)
        async with self._client() as client:
            try:
                response = await self._follow(client, judged, headers, DOWNLOAD_TIMEOUTS, None)
            except TransportError as error:
                raise _upstream_error("The provider's file", error) from error
            yield response

    @asynccontextmanager
    async def asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> AsyncIterator[Response]:
        """Opens the answer of a stranger's service, a redirect too; raises `InvalidRequest`, or `TransportError`."""
        judged = judge_url(url, "url", self._policy)
        fields = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        async with self._client() as client:
            yield await self._send(client, method, judged, (*_OWN_HEADERS, *fields), body, SERVICE_TIMEOUTS, "url")

    def _client(self) -> Client:
        return Client(idle_connections_max=0, tls_context=self._tls_context)

    async def _follow(
        self, client: Client, url: WebUrl, headers: Headers, timeouts: Timeouts, param: str | None
    ) -> Response:
        """Follows redirects to the final answer. `headers` are sent only to the first origin."""
        for _ in range(REDIRECTS_MAX + 1):
            response = await self._send(client, "GET", url, (*_OWN_HEADERS, *headers), b"", timeouts, param)
            location = response.header(b"location")
            if response.status not in _REDIRECTS or location is None:
                return response
            await response.aclose()
            following = judge_redirect(url, location.decode("utf-8", "replace"), param, self._policy)
            if (following.scheme, following.host, following.port) != (url.scheme, url.host, url.port):
                headers = [field for field in headers if field[0] == b"range"]
            url = following
        raise InvalidRequest(f"The URL redirects more than {REDIRECTS_MAX} times.", param=param)

    async def _send(
        self,
        client: Client,
        method: str,
        url: WebUrl,
        headers: Headers,
        body: bytes,
        timeouts: Timeouts,
        param: str | None,
    ) -> Response:
        """Sends one request to the first address of the name that accepts a connection."""
        failure: TransportError = ConnectFailed(f"{url.host}: no address")
        for address in (await self._addresses(url, param))[:ADDRESSES_MAX]:
            origin = Origin(url.scheme, url.host, url.port, address)
            try:
                connection = await client.connect(origin, timeouts.connect_s)
            except (ConnectFailed, ConnectTimedOut) as error:
                failure = error
                continue
            return await client.request(
                method, origin, url.target, headers, body, timeouts=timeouts, connection=connection, replayable=False
            )
        raise failure

    async def _addresses(self, url: WebUrl, param: str | None) -> Sequence[str]:
        """The addresses of the name; one address that is not public refuses them all."""
        try:
            found = list(dict.fromkeys(await self._resolve(url.host, url.port)))
        except (OSError, UnicodeError) as error:
            raise InvalidRequest("The URL's host cannot be resolved.", param=param) from error
        own = self._policy.allows(url.host, url.port, url.target)
        if not found or not all(is_public(address) or (own and is_loopback(address)) for address in found):
            raise InvalidRequest(NOT_PUBLIC, param=param)
        return found


class Download:
    """A provider's file, which can be opened at the position that an earlier try reached."""

    def __init__(self, fetcher: Fetcher, url: str, headers: Sequence[tuple[str, str]]) -> None:
        self._fetcher = fetcher
        self._url = url
        self._headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers]

    @asynccontextmanager
    async def opened(self, first_byte: int = 0) -> AsyncIterator[Opened]:
        """Opens the file from `first_byte` on, or from its beginning if its server cannot do that; `Opened` tells
        which.

        Raises `InvalidRequest` if the address is refused, `UpstreamError` if it does not deliver.
        """
        wanted = [(b"range", b"bytes=%d-" % first_byte)] if first_byte else []
        async with self._fetcher.opened(self._url, (*self._headers, *wanted)) as response:
            _refuse_encoded(response, UpstreamError(ENCODED))
            yield _opened(response, first_byte)


class _Pieces:
    """A body whose failures are `UpstreamError`s."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self._pieces.__anext__()
        except TransportError as error:
            raise _upstream_error("The provider's file", error) from error


class _Nothing:
    """The empty rest of a file that was already complete."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


ENCODED = "The file is sent compressed, although that was not asked for."


def _opened(response: Response, first_byte: int) -> Opened:
    declared = response.header(b"content-type")
    declared_type = None if declared is None else declared.decode("latin-1")
    pieces = _Pieces(response.chunks())
    if response.status == 200:
        return Opened(pieces, 0, _number(response.header(b"content-length")), declared_type)
    ranged = _CONTENT_RANGE.fullmatch(response.header(b"content-range") or b"")
    if ranged is not None and first_byte:
        size_bytes = _number(ranged["size"])
        if response.status == 206 and _number(ranged["first"]) == first_byte:
            return Opened(pieces, first_byte, size_bytes, declared_type)
        if response.status == 416 and size_bytes == first_byte:
            return Opened(_Nothing(), first_byte, size_bytes, None)
    raise UpstreamError(f"The provider's file answers with status {response.status}.")


def _number(text: bytes | None) -> int | None:
    return int(text) if text is not None and text.isdigit() and len(text) <= 18 else None


def _refuse_encoded(response: Response, refusal: GatewayError) -> None:
    if (response.header(b"content-encoding") or b"identity").strip().lower() != b"identity":
        raise refusal


def _failing(error: TransportError | TimeoutError) -> str:
    """The client's text for an address that failed; it never names the address."""
    if isinstance(error, TimedOut | TimeoutError):
        return "does not answer in time"
    return "cannot be reached" if isinstance(error, ConnectFailed) else "gives no readable answer"


def _upstream_error(what: str, error: TransportError | TimeoutError) -> UpstreamError:
    kind = UpstreamTimeout if isinstance(error, TimedOut | TimeoutError) else UpstreamError
    return kind(f"{what} {_failing(error)}.")
