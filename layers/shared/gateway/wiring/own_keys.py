"""Builds the use of accounts' own keys of providers, apart from their management, which brings the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from gateway.ports.upstream import Credential
from gateway.wiring.process import process

if TYPE_CHECKING:
    from gateway.ports.provider_keys import ProviderKey
    from gateway.stores.keys.own_keys import StoredOwnKeys


class LazyOwnKeys:
    """`OwnKeys` that are built by the first request of an account that has any."""

    async def of(self, account_id: str) -> Sequence[ProviderKey]:
        return await _stored().of(account_id)

    async def credential(self, key: ProviderKey) -> Credential:
        return await _stored().credential(key)


@cache
def _stored() -> StoredOwnKeys:
    from gateway.stores.aws.kms import KmsDataKeys  # noqa: PLC0415  # no cold start pays for it
    from gateway.stores.keys.own_keys import StoredOwnKeys  # noqa: PLC0415  # likewise
    from gateway.stores.keys.provider_keys import DynamoProviderKeys  # noqa: PLC0415  # likewise

    on, chosen = process(), process().settings
    store = DynamoProviderKeys(on.aws, chosen.provider_keys_table)
    data_keys = KmsDataKeys(on.aws, chosen.provider_keys_key)
    return StoredOwnKeys(store, data_keys, on.clock, chosen.provider_urls)


OWN_KEYS = LazyOwnKeys()
