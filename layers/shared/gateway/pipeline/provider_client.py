"""Talks to providers for every operation: credentials, one warm connection, one request, one answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from gateway.auth.regions import ANYWHERE, within
from gateway.errors import NotConfigured, OutOfRegion, UpstreamError
from gateway.framing.sse import FRAME_BYTES_MAX
from gateway.ports.upstream import (
    Credential,
    Credentials,
    Upstream,
    UpstreamRequest,
    UpstreamResponse,
    UpstreamTimeouts,
)

if TYPE_CHECKING:
    from gateway.auth.principal import Principal

    # Accounts with provider keys of their own alone load them.
    from gateway.ports.provider_keys import OwnKeys, ProviderKey
    from gateway.routing.plan import Candidate

# How the streams of all wires begin: a field or a comment of server-sent events, or their byte order mark; the length
# of AWS's first message; Gemini's array. JSON objects, HTML and a proxy's plain words begin otherwise.
_STREAM_OPENINGS = b"deir:\xef\x00["
# Sound begins with any byte.
_SOUND = "audio/"
# Blanks that may stand before a body: proxies send them to keep a connection open.
_BLANK_BYTES_MAX = 1024 * 1024


class WholeAnswer(Struct, frozen=True):
    """A provider's answer, read to its end. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ProviderClient:
    """The way to providers, with this deployment's credentials and timeouts, or with an account's own keys."""

    def __init__(
        self,
        credentials: Credentials,
        upstream: Upstream,
        timeouts: UpstreamTimeouts,
        own_keys: OwnKeys | None = None,
    ) -> None:
        self._credentials = credentials
        self._upstream = upstream
        self._timeouts = timeouts
        self._own_keys = own_keys

    async def choice(self, candidate: Candidate[Any], principal: Principal) -> Sequence[Credential]:
        """The credentials of the candidate's provider, of which a request uses one; empty where there are none.

        With an account's own key it is that one alone. A target without a region is asked in that of the credential, so
        that the key's region policy may leave some out; raises `OutOfRegion` where it leaves none.
        """
        target, policy = candidate.target, principal.key.region_policy
        found = await self._all(target.provider, candidate.own)
        if policy == ANYWHERE or target.region is not None or not found:
            return found
        kept = [each for each in found if within(policy, target.provider, each.region)]
        if not kept:
            raise OutOfRegion
        return kept

    async def _all(self, provider: str, own: ProviderKey | None) -> Sequence[Credential]:
        if own is None:
            return await self._credentials.of(provider)
        return () if self._own_keys is None else (await self._own_keys.credential(own),)

    async def ready(self, provider: str, credential: Credential) -> Credential:
        """A credential as requests use it; raises `UpstreamError` if it cannot be had."""
        return await self._credentials.ready(provider, credential)

    async def credential(self, provider: str, own: ProviderKey | None = None) -> Credential:
        """The provider's first credential, ready for use; raises `NotConfigured` where the deployment has none."""
        found = await self.configured(provider, own)
        if found is None:
            raise NotConfigured
        return found

    async def configured(self, provider: str, own: ProviderKey | None = None) -> Credential | None:
        """The provider's first credential, ready for use, or nothing where the deployment has none.

        What one request has begun at a provider's account, such as a task, a later one finds there alone.
        """
        found = await self._all(provider, own)
        return await self.ready(provider, found[0]) if found else None

    async def warm(self, origin: str) -> None:
        """Opens a connection ahead of need; a failure shows again at `send`."""
        await self._upstream.warm(origin, self._timeouts)

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """The provider's answer, its body still on the way; raises `UpstreamError` where none came."""
        return await self._upstream.send(request, self._timeouts)

    async def ask(self, request: UpstreamRequest) -> WholeAnswer:
        """The provider's whole answer of any status; raises `UpstreamError` where none came."""
        response = await self.send(request)
        body = await whole(response)
        return WholeAnswer(response.status, {name.lower(): value for name, value in response.headers.items()}, body)


async def body_of(response: UpstreamResponse) -> bytes:
    """The whole body of an answer, whose connection the caller gives back."""
    return await response.read()


async def whole(response: UpstreamResponse) -> bytes:
    """The whole body of an answer, whose connection is given back."""
    try:
        return await response.read()
    finally:
        await response.aclose()


class StreamBody:
    """The body of an answer to a request for a stream; iterates the bytes as they arrive.

    A provider's gateway may answer 200 with something else: an error in JSON or HTML, or the answer as a whole.
    """

    def __init__(self, response: UpstreamResponse) -> None:
        self._response = response
        self._chunks = response.chunks()
        self._opening = b""

    async def in_its_place(self) -> bytes | None:
        """The whole body where it is no stream; `None` where a stream begins, or where there is nothing at all."""
        if self._response.headers.get("content-type", "").startswith(_SOUND):
            return None
        blank_bytes = 0
        while not (begun := self._opening.lstrip()):
            blank_bytes += len(self._opening)
            if blank_bytes > _BLANK_BYTES_MAX:
                raise UpstreamError("The provider sent nothing but blanks.", retryable=False)
            chunk = await anext(self._chunks, None)
            if chunk is None:
                return None
            self._opening = chunk
        if begun[0] in _STREAM_OPENINGS:
            return None
        body = bytearray(self._opening)
        async for chunk in self._chunks:
            body += chunk
            if len(body) > FRAME_BYTES_MAX:
                raise UpstreamError("The provider's answer is too large.", retryable=False)
        return bytes(body)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    def __anext__(self) -> Awaitable[bytes]:
        if not self._opening:
            return anext(self._chunks)
        opening, self._opening = self._opening, b""
        return _given(opening)


async def _given(data: bytes) -> bytes:
    return data
