"""The pages of API keys: create with every setting, copy once, change, rotate, revoke."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from gateway.console.forms import as_form, key_settings
from gateway.console.routes import Pages
from gateway.console.visit import KEY_NAME, Answer, Visit

keys = Pages()

# What a key's successor takes over from it.
SETTINGS = tuple(key_settings({}))


@keys.on("GET", "/keys")
async def show_keys(visit: Visit) -> Answer:
    """Lists the keys, without those that have ended unless all are asked for."""
    query = visit.request.query
    page = await visit.get("/v1/keys", limit=100, cursor=query.get("cursor"))
    shows_all = query.get("all") == "1"
    shown = [key for key in page["data"] if shows_all or stands(visit, key)]
    return visit.page("keys", keys=shown, page=page, shows_all=shows_all)


def stands(visit: Visit, key: Mapping[str, Any]) -> bool:
    """True for a key that can be used, but for the console's own ones."""
    is_over = key["expires_at"] is not None and key["expires_at"] <= visit.now
    return not key["revoked"] and not is_over and not (key["name"] == KEY_NAME and key["expires_at"])


@keys.on("GET", "/keys/new")
async def show_new_key(visit: Visit) -> Answer:
    """Asks for a key's settings."""
    # Names the request: a form that is sent twice makes one key.
    once = visit.form.get("once") or secrets.token_hex(16)
    return visit.page("key_form", key=None, form=visit.form, once=once)


@keys.on("POST", "/keys/new", again=show_new_key)
async def create_key(visit: Visit) -> Answer:
    """Makes the key, and shows it this once."""
    wanted = key_settings(visit.form)
    made = await visit.call("POST", "/v1/keys", wanted, once=visit.form.get("once", ""))
    return visit.page("key_made", made=made, rotated=None)


@keys.on("GET", "/keys/{key_id}")
async def show_key(visit: Visit) -> Answer:
    """Shows a key's settings, to be changed."""
    key = await visit.get(f"/v1/keys/{visit.path['key_id']}")
    # The forms that rotate and revoke have no settings, so that one of them which is refused shows the key's own.
    form = visit.form if "name" in visit.form else as_form(key)
    return visit.page("key_form", key=key, form=form, once=secrets.token_hex(16))


@keys.on("POST", "/keys/{key_id}", again=show_key)
async def change_key(visit: Visit) -> Answer:
    """Keeps the settings."""
    settings = key_settings(visit.form)
    settings["disabled"] = "disabled" in visit.form
    await visit.call("PATCH", f"/v1/keys/{visit.path['key_id']}", settings)
    return visit.onward(f"/keys/{visit.path['key_id']}", "saved")


@keys.on("POST", "/keys/{key_id}/revoke", again=show_key)
async def revoke_key(visit: Visit) -> Answer:
    """Ends the key for good."""
    await visit.call("DELETE", f"/v1/keys/{visit.path['key_id']}")
    return visit.onward("/keys", "revoked")


@keys.on("POST", "/keys/{key_id}/rotate", again=show_key)
async def rotate_key(visit: Visit) -> Answer:
    """Makes a key of the same settings. The old one goes on until it is revoked, so that no caller is cut off."""
    old = await visit.get(f"/v1/keys/{visit.path['key_id']}")
    wanted = {name: old[name] for name in SETTINGS if old[name] not in (None, [], False)}
    made = await visit.call("POST", "/v1/keys", wanted, once=visit.form.get("once", ""))
    return visit.page("key_made", made=made, rotated=old)


async def key_names(visit: Visit) -> dict[str, str]:
    """The names of the account's newest keys by their ids."""
    page = await visit.get_unless(403, "/v1/keys", limit=100)
    return {key["key_id"]: key["name"] for key in page["data"]} if page else {}
