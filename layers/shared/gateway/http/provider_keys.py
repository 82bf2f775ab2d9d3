"""Serves an account's own keys of providers to a key that manages the account."""

from __future__ import annotations

from functools import partial

from msgspec import UNSET

from gateway.accounts.pages import Page
from gateway.accounts.provider_key_settings import NewProviderKey, ProviderKeyChanges, provider_key_view
from gateway.http.calls import Shown
from gateway.http.creating import created_once
from gateway.http.endpoints import Endpoints
from gateway.http.managing import ManagerCall

CHANGED = "changed"
ONE = "/{provider_key_id}"

provider_keys = Endpoints(ManagerCall, "/v1/provider-keys")


@provider_keys.on("POST", "", body=NewProviderKey)
async def bring_provider_key(call: ManagerCall, wanted: NewProviderKey) -> Shown:
    """Brings the account's own key of a provider, once the provider has taken it in a test; its text is never shown."""
    key_id = call.provider_keys.new_id()
    brought = partial(call.provider_keys.brought, call.manager, key_id, wanted)
    after = {"provider": wanted.provider, "mode": wanted.mode}
    bring = partial(call.trail.around, "provider_key.created", brought, target=key_id, after=after)
    return await created_once(call, key_id, bring, partial(call.provider_keys.disown, call.account_id), unpaid=True)


@provider_keys.on("GET", "")
async def list_provider_keys(call: ManagerCall) -> Shown:
    """Lists the account's keys of providers, by provider: one of each at most, so there is one page."""
    return Page(await call.provider_keys.all(call.manager), None).shown(provider_key_view)


@provider_keys.on("GET", ONE)
async def get_provider_key(call: ManagerCall) -> Shown:
    """Shows a key of a provider."""
    return provider_key_view(await call.provider_keys.get(call.manager, call.path["provider_key_id"]))


@provider_keys.on("POST", f"{ONE}/test")
async def try_provider_key(call: ManagerCall) -> Shown:
    """Asks the provider whether it takes the key as it stands; counted as work, as bringing one is."""
    await call.count_work(unpaid=True)
    return provider_key_view(await call.provider_keys.test(call.manager, call.path["provider_key_id"]))


@provider_keys.on("PATCH", ONE, body=ProviderKeyChanges)
async def change_provider_key(call: ManagerCall, changes: ProviderKeyChanges) -> Shown:
    """Changes name and mode, or replaces the key; a new one is tested, and counted as work."""
    if changes.replaces:
        await call.count_work(unpaid=True)
    key_id, mode = call.path["provider_key_id"], changes.mode
    change = partial(call.provider_keys.change, call.manager, key_id, changes)
    after: dict[str, str] = {} if mode is UNSET else {"mode": mode}
    after |= {"api_key": CHANGED} if changes.replaces else {}
    return provider_key_view(await call.trail.around("provider_key.changed", change, target=key_id, after=after))


@provider_keys.on("DELETE", ONE)
async def remove_provider_key(call: ManagerCall) -> Shown:
    """Removes a key of a provider for good; nothing new uses it after 5 s."""
    key_id = call.path["provider_key_id"]
    remove = partial(call.provider_keys.remove, call.manager, key_id)
    return provider_key_view(await call.trail.around("provider_key.removed", remove, target=key_id))
