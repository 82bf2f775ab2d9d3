"""Builds the way to providers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.upstream import Credential, UpstreamTimeouts
from gateway.stores.aws.access_tokens import TokenCredentials
from gateway.stores.aws.provider_credentials import SecretCredentials
from gateway.stores.aws.role_credentials import RoleCredentials
from gateway.upstream.provider import HttpUpstream
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


OWN_KEYS = LazyOwnKeys()


def provider_client(timeouts: UpstreamTimeouts | None = None) -> ProviderClient:
    """Providers with the credentials of this deployment; without `timeouts`, those of the settings."""
    on = process()
    chosen = on.settings
    standard = UpstreamTimeouts(chosen.upstream_connect_s, chosen.upstream_first_byte_s, chosen.upstream_idle_s)
    upstream = HttpUpstream(on.client, on.clock, chosen.memory_mb, on.sharing)
    secret = SecretCredentials(on.aws, on.clock, chosen.providers_secret, chosen.providers_secret_ttl_s)
    tokens = TokenCredentials(secret, upstream, on.clock, standard)
    role = RoleCredentials(tokens, on.credentials, chosen.region)
    return ProviderClient(role, upstream, timeouts or standard, OWN_KEYS)


def callback_settings() -> SecretCredentials:
    """The settings that tell this deployment's own callbacks from others', by provider, without any provider's key."""
    on = process()
    chosen = on.settings
    return SecretCredentials(on.aws, on.clock, chosen.callbacks_secret, chosen.providers_secret_ttl_s, keyless=True)


def callback_providers(timeouts: UpstreamTimeouts) -> ProviderClient:
    """Providers as their callbacks need them: with the settings of callbacks, and without keys."""
    return ProviderClient(callback_settings(), HttpUpstream(process().client, process().clock), timeouts)


@cache
def _stored() -> StoredOwnKeys:
    from gateway.stores.aws.kms import KmsDataKeys  # noqa: PLC0415  # no cold start pays for it
    from gateway.stores.keys.own_keys import StoredOwnKeys  # noqa: PLC0415  # likewise
    from gateway.stores.keys.provider_keys import DynamoProviderKeys  # noqa: PLC0415  # likewise

    on, chosen = process(), process().settings
    store = DynamoProviderKeys(on.aws, chosen.provider_keys_table)
    data_keys = KmsDataKeys(on.aws, chosen.provider_keys_key)
    return StoredOwnKeys(store, data_keys, on.clock, chosen.provider_urls)
