"""Wraps the provider credentials: an account key that only buys access tokens is replaced by a cached token.

Concurrent callers share one request, and a token is renewed before it expires.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from gateway.ports.clock import Clock
from gateway.ports.upstream import Credential, Credentials, Upstream, UpstreamTimeouts
from gateway.providers.auth.service_account import TOKEN_TTL_S, is_service_account, token_in, token_request
from gateway.stores.cached import Cached


class TokenCredentials:
    """`Credentials` in which service accounts have an access token in place of their key."""

    def __init__(self, credentials: Credentials, upstream: Upstream, clock: Clock, patience: UpstreamTimeouts) -> None:
        self._credentials = credentials
        self._upstream = upstream
        self._clock = clock
        self._patience = patience
        self._tokens: Cached[str] = Cached(clock, ttl_s=TOKEN_TTL_S)

    async def of(self, provider: str) -> Sequence[Credential]:
        """The provider's credentials, as they are set."""
        return await self._credentials.of(provider)

    async def ready(self, provider: str, credential: Credential) -> Credential:
        """The credential with a token where it is a service account; raises `UpstreamError` if none can be obtained."""
        if not is_service_account(credential):
            return await self._credentials.ready(provider, credential)
        token = await self._tokens.get(f"{provider}/{credential.id}", partial(self._ask, credential))
        return replace(credential, api_key=token)

    async def _ask(self, credential: Credential) -> str:
        request = token_request(credential, self._clock.now_s())
        response = await self._upstream.send(request, self._patience)
        try:
            return token_in(response.status, await response.read())
        finally:
            await response.aclose()
