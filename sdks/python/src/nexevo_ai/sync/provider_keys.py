"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._request import call_of, path_part
from nexevo_ai._sync.answers import SyncPage
from nexevo_ai._sync.conveniences import Resource
from nexevo_ai.types.provider_keys import ProviderKey

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.provider_keys import (
        ProviderKeysCreateParams,
        ProviderKeysDeleteParams,
        ProviderKeysGetParams,
        ProviderKeysListParams,
        ProviderKeysTestParams,
        ProviderKeysUpdateParams,
    )


class ProviderKeysResource(Resource):
    """Methods of `client.provider_keys`."""

    def create(self, provider: str, api_key: str, **params: Unpack[ProviderKeysCreateParams]) -> ProviderKey:
        """Brings the account's own key of a provider, once the provider has taken it in a test; its text is never shown."""
        call = call_of(
            "POST",
            "/v1/provider-keys",
            {"provider": provider, "api_key": api_key, **params},
            body=("provider", "api_key", "settings", "mode", "name", "verify"),
            is_once=True,
        )
        answer: ProviderKey = self._ask(call, kind=ProviderKey)
        return answer

    def list(self, **params: Unpack[ProviderKeysListParams]) -> SyncPage[ProviderKey]:
        """Lists the account's keys of providers, by provider: one of each at most, so there is one page."""
        call = call_of("GET", "/v1/provider-keys", {**params})
        answer: SyncPage[ProviderKey] = self._ask(call, element=ProviderKey)
        return answer

    def get(self, provider_key_id: str, **params: Unpack[ProviderKeysGetParams]) -> ProviderKey:
        """Shows a key of a provider."""
        call = call_of("GET", f"/v1/provider-keys/{path_part(provider_key_id)}", {**params})
        answer: ProviderKey = self._ask(call, kind=ProviderKey)
        return answer

    def update(self, provider_key_id: str, **params: Unpack[ProviderKeysUpdateParams]) -> ProviderKey:
        """Changes name and mode, or replaces the key; a new one is tested, and counted as work."""
        call = call_of(
            "PATCH",
            f"/v1/provider-keys/{path_part(provider_key_id)}",
            {**params},
            body=("name", "mode", "api_key", "settings", "verify"),
        )
        answer: ProviderKey = self._ask(call, kind=ProviderKey)
        return answer

    def delete(self, provider_key_id: str, **params: Unpack[ProviderKeysDeleteParams]) -> ProviderKey:
        """Removes a key of a provider for good; nothing new uses it after 5 s."""
        call = call_of("DELETE", f"/v1/provider-keys/{path_part(provider_key_id)}", {**params})
        answer: ProviderKey = self._ask(call, kind=ProviderKey)
        return answer

    def test(self, provider_key_id: str, **params: Unpack[ProviderKeysTestParams]) -> ProviderKey:
        """Asks the provider whether it takes the key as it stands; counted as work, as bringing one is."""
        call = call_of("POST", f"/v1/provider-keys/{path_part(provider_key_id)}/test", {**params}, is_once=True)
        answer: ProviderKey = self._ask(call, kind=ProviderKey)
        return answer
