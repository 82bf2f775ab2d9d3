"""Talks to providers for every operation: credentials, one warm connection, one request, one answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import NotConfigured
from gateway.ports.upstream import (
    Credential,
    Credentials,
    Upstream,
    UpstreamRequest,
    UpstreamResponse,
    UpstreamTimeouts,
)


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """A provider's answer, read to its end. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ProviderClient:
    """The way to providers, with this deployment's credentials and timeouts."""

    def __init__(self, credentials: Credentials, upstream: Upstream, timeouts: UpstreamTimeouts) -> None:
        self._credentials = credentials
        self._upstream = upstream
        self._timeouts = timeouts

    async def credential(self, provider: str) -> Credential:
        """The provider's credential; raises `NotConfigured` where the deployment has none."""
        found = await self.configured(provider)
        if found is None:
            raise NotConfigured
        return found

    async def configured(self, provider: str) -> Credential | None:
        """The provider's credential, or nothing where the deployment has none."""
        return await self._credentials.of(provider)

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
