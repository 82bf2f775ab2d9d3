"""Reads the provider keys by which an account's requests are served, and opens them; both are remembered for a while.

The keys themselves are read anew every 5 s, as API keys are, so that one that was removed serves nothing new after
that. An opened key is remembered by its version, so that another one that takes its place is opened anew.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from gateway.accounts.provider_key_seal import opened_credential
from gateway.accounts.sealing import SealBroken
from gateway.errors import ServiceUnavailable, UpstreamError
from gateway.ports.clock import Clock
from gateway.ports.provider_keys import DataKeys, ProviderKey, ProviderKeyStore
from gateway.ports.upstream import Credential
from gateway.stores.keys.cached import Cached
from gateway.stores.keys.lookup import AGE_S_MAX

OPENED_S, OPENED_MAX = 300.0, 1024
CLOSED = "The account's own key of this provider cannot be used now."

log = logging.getLogger(__name__)


class StoredOwnKeys:
    """`OwnKeys` over a store. `urls` stand in for providers' own addresses, by provider."""

    def __init__(
        self, store: ProviderKeyStore, data_keys: DataKeys, clock: Clock, urls: Mapping[str, str] | None = None
    ) -> None:
        self._store = store
        self._data_keys = data_keys
        self._clock = clock
        self._urls = urls or {}
        self._known: Cached[Sequence[ProviderKey]] = Cached(store.all, clock, ttl_s=AGE_S_MAX)
        self._opened: OrderedDict[tuple[str, str, int], tuple[float, Credential]] = OrderedDict()

    async def of(self, account_id: str) -> Sequence[ProviderKey]:
        """The account's keys as of at most five seconds ago."""
        return await self._known.get(account_id)

    async def credential(self, key: ProviderKey) -> Credential:
        """The key, opened by KMS at most five minutes ago; raises `UpstreamError` if it cannot be opened."""
        name, now_s = (key.account_id, key.key_id, key.version), self._clock.monotonic_s()
        opened_s, known = self._opened.get(name, (0.0, None))
        if known is not None and now_s - opened_s < OPENED_S:
            return known
        try:
            credential = await opened_credential(key, self._data_keys)
        except (ServiceUnavailable, SealBroken) as failure:
            log.warning("provider key %s of account %s cannot be opened", key.key_id, key.account_id, exc_info=failure)
            raise UpstreamError(CLOSED, retryable=False) from failure
        placed = replace(credential, base_url=self._urls.get(key.provider))
        self._opened[name] = now_s, placed
        self._opened.move_to_end(name)
        if len(self._opened) > OPENED_MAX:
            self._opened.popitem(last=False)
        return placed
