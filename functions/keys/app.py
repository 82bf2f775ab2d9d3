"""Serves an account's keys, its own keys of providers and its MCP servers, to what manages the account."""

from functools import partial
from typing import Any

from gateway.accounts.key_settings import AlertWebhook, KeySettings, NewKey, Region, Revocation, SpendCap
from gateway.accounts.keyring import key_view
from gateway.http.buffered import lambda_handler
from gateway.http.calls import Page, Shown
from gateway.http.creating import created_once
from gateway.http.endpoints import Endpoints
from gateway.http.json_app import JsonApp
from gateway.http.managing import ManagerCall
from gateway.http.mcp_servers import mcp_servers
from gateway.http.provider_keys import provider_keys

keys = Endpoints(ManagerCall, "/v1/keys", "/keys")


@keys.on("POST", "", body=NewKey)
async def create_key(call: ManagerCall, settings: NewKey) -> Shown:
    """Creates a key, for a person without a balance too; shown once, and in repeats of its Idempotency-Key."""
    key_id = call.keyring.new_id()
    create = partial(call.keyring.created, call.manager, key_id, settings.changes())
    disown = partial(call.keyring.disown, call.manager)
    return await created_once(call, key_id, create, disown, unpaid=call.signed_in is not None)


@keys.on("GET", "", query=Page)
async def list_keys(call: ManagerCall, wanted: Page) -> Shown:
    """Lists the account's keys, newest first, revoked ones included."""
    page = await call.keyring.page(call.manager, wanted.limit, wanted.cursor)
    return page.shown(key_view)


@keys.on("GET", "/{key_id}")
async def get_key(call: ManagerCall) -> Shown:
    """Shows a key."""
    return key_view(await call.keyring.get(call.manager, call.path["key_id"]))


@keys.on("PATCH", "/{key_id}", body=KeySettings)
async def update_key(call: ManagerCall, settings: KeySettings) -> Shown:
    """Changes the settings that are given."""
    return await changed(call, settings.changes())


@keys.on("DELETE", "/{key_id}", query=Revocation)
@keys.on("POST", "/{key_id}/revoke", query=Revocation)
async def revoke_key(call: ManagerCall, wanted: Revocation) -> Shown:
    """Revokes a key for good, with the keys that it has made; they start nothing new after 5 s."""
    return key_view(await call.keyring.revoke(call.manager, call.path["key_id"], keep_made=wanted.keep_made))


@keys.on("PATCH", "/{key_id}/spend-cap", body=SpendCap)
async def set_spend_cap(call: ManagerCall, cap: SpendCap) -> Shown:
    """Sets the key's bound on spend in a calendar month."""
    return await changed(call, cap.changes())


@keys.on("PATCH", "/{key_id}/alert-webhook", body=AlertWebhook)
async def set_alert_webhook(call: ManagerCall, webhook: AlertWebhook) -> Shown:
    """Sets the destination of the key's alerts."""
    return await changed(call, webhook.changes())


@keys.on("PATCH", "/{key_id}/region-policy", body=Region)
async def set_region_policy(call: ManagerCall, region: Region) -> Shown:
    """Sets the regions in which the key's requests may be served."""
    return await changed(call, region.changes())


async def changed(call: ManagerCall, changes: dict[str, Any]) -> Shown:
    """The key that the path names, with the changes."""
    return key_view(await call.keyring.change(call.manager, call.path["key_id"], changes))


app = JsonApp(keys, provider_keys, mcp_servers)
handler = lambda_handler(app)
