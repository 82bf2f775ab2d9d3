"""Reads the provider keys by which an account's requests are served, and opens them; both are remembered for a while.

The keys themselves are read anew every 5 s, as API keys are, so that one that was removed serves nothing new after
that. An opened key is remembered by its version, so that another one that takes its place is opened anew.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from gateway.accounts.provider_key_seal import opened_credential
from gateway.accounts.sealing import SealBroken
from gateway.errors import ServiceUnavailable, UpstreamError
from gateway.ports.clock import Clock
from gateway.ports.provider_keys import DataKeys, ProviderKey, ProviderKeyStore
from gateway.ports.upstream import Credential
from gateway.stores.cached import Cached
from gateway.stores.keys.lookup import AGE_S_MAX

OPENED_S = 300.0
CLOSED = "The account's own key of this provider cannot be used now."

log = logging.getLogger(__name__)


class StoredOwnKeys:
    """`OwnKeys` over a store. `urls` stand in for providers' own addresses, by provider."""

    def __init__(
        self, store: ProviderKeyStore, data_keys: DataKeys, clock: Clock, urls: Mapping[str, str] | None = None
    ) -> None:
        self._store = store
        self._data_keys = data_keys
        self._urls = urls or {}
        self._known: Cached[Sequence[ProviderKey]] = Cached(clock, ttl_s=AGE_S_MAX)
        self._opened: Cached[Credential] = Cached(clock, ttl_s=OPENED_S)

    async def of(self, account_id: str) -> Sequence[ProviderKey]:
        """The account's keys as of at most five seconds ago."""
        return await self._known.get(account_id, partial(self._store.all, account_id))

    async def credential(self, key: ProviderKey) -> Credential:
        """The key, opened by KMS at most five minutes ago; raises `UpstreamError` if it cannot be opened."""
        name = (key.account_id, key.key_id, key.version)
        return await self._opened.get(name, partial(self._open, key))

    async def _open(self, key: ProviderKey) -> Credential:
        try:
            credential = await opened_credential(key, self._data_keys)
        except (ServiceUnavailable, SealBroken) as failure:
            log.warning("provider key %s of account %s cannot be opened", key.key_id, key.account_id, exc_info=failure)
            raise UpstreamError(CLOSED, retryable=False) from failure
        return replace(credential, base_url=self._urls.get(key.provider))
