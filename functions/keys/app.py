"""Serves the management of an account's keys to a key that may manage them. The paths answer without `/v1` too."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query, Response

from gateway.accounts.key_settings import AlertWebhook, KeySettings, NewKey, Region, SpendCap
from gateway.accounts.keyring import key_view
from gateway.http.json_app import CreatedOnce, Cursor, Keyring, Manager, PageLimit, control_app, lambda_handler, router

app = control_app("keys")
keys = router()


@keys.post("", status_code=201)
async def create_key(settings: NewKey, caller: Manager, keyring: Keyring, once: CreatedOnce) -> Response:
    """Creates a key; its text is shown once, and for a day in repeats with the same Idempotency-Key."""
    key_id = keyring.new_id()
    create = partial(keyring.created, caller, key_id, settings.changes())
    return await once(key_id, create, partial(keyring.disown, caller.account_id))


@keys.get("")
async def list_keys(caller: Manager, keyring: Keyring, limit: PageLimit = 20, cursor: Cursor = None) -> dict[str, Any]:
    """Lists the account's keys, newest first, revoked ones included."""
    page = await keyring.page(caller, limit, cursor)
    return page.shown(key_view)


@keys.get("/{key_id}")
async def get_key(key_id: str, caller: Manager, keyring: Keyring) -> dict[str, Any]:
    """Shows a key."""
    return key_view(await keyring.get(caller, key_id))


@keys.patch("/{key_id}")
async def update_key(key_id: str, settings: KeySettings, caller: Manager, keyring: Keyring) -> dict[str, Any]:
    """Changes the settings that are given."""
    return key_view(await keyring.change(caller, key_id, settings.changes()))


@keys.delete("/{key_id}")
@keys.post("/{key_id}/revoke")
async def revoke_key(
    key_id: str, caller: Manager, keyring: Keyring, keep_made: Annotated[bool, Query()] = False
) -> dict[str, Any]:
    """Revokes a key for good, with the keys that it has made; they start nothing new after 5 s."""
    return key_view(await keyring.revoke(caller, key_id, keep_made=keep_made))


@keys.patch("/{key_id}/spend-cap")
async def set_spend_cap(key_id: str, cap: SpendCap, caller: Manager, keyring: Keyring) -> dict[str, Any]:
    """Sets the key's bound on spend in a calendar month."""
    return key_view(await keyring.change(caller, key_id, cap.changes()))


@keys.patch("/{key_id}/alert-webhook")
async def set_alert_webhook(key_id: str, webhook: AlertWebhook, caller: Manager, keyring: Keyring) -> dict[str, Any]:
    """Sets the destination of the key's alerts."""
    return key_view(await keyring.change(caller, key_id, webhook.changes()))


@keys.patch("/{key_id}/region-policy")
async def set_region_policy(key_id: str, region: Region, caller: Manager, keyring: Keyring) -> dict[str, Any]:
    """Sets the regions in which the key's requests may be served."""
    return key_view(await keyring.change(caller, key_id, region.changes()))


app.include_router(keys, prefix="/v1/keys")
app.include_router(keys, prefix="/keys")
handler = lambda_handler(app)
