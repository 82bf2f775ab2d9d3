"""Sets providers' keys and callbacks in the deployment's two secrets. A secret is read from a prompt, and never shown.

The receiver of callbacks answers strangers, so that its role reads the callbacks' secret and no provider's key.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from getpass import getpass
from typing import Any

from gateway.admin.accounts import Document
from gateway.errors import InvalidRequest
from gateway.ports.upstream import AUTH, BY_ROLE, CREDENTIALS, CUSTOM, CUSTOM_NAME, ProviderRows, row_of
from gateway.providers.chat.registry import PROVIDERS
from gateway.providers.media.registry import MEDIA_VENDORS
from gateway.providers.media.vendor import Callback
from gateway.providers.search.registry import SEARCH_VENDORS

# An id stands in logs and in the names of shared state.
_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)

Row = dict[str, Any]
_ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s?#]*")
# What stands behind a base URL.
_ENDPOINTS = ("/chat/completions", "/messages")
# The settings that providers' rows read beside their keys.
_READ = frozenset(
    {
        "access_key_id",
        "api_version",
        "base_url",
        "client_email",
        "jwks_url",
        "location",
        "private_key",
        "project",
        "region",
        "resource",
        "secret_access_key",
        "secret_key",
        "session_token",
        "storage_uri",
        "token_uri",
    }
)


def asked_secret(what: str) -> str:
    """Reads a secret from a prompt without echo, or from the first line of a pipe."""
    if sys.stdin.isatty():
        return getpass(f"{what}: ").strip()
    return sys.stdin.readline().strip()


async def set_provider_key(
    rows: ProviderRows,
    provider: str,
    settings: Sequence[str],
    *,
    by_role: bool = False,
    credential_id: str = "",
    weight: int = 1,
    ask: Callable[[str], str] = asked_secret,
) -> Document:
    """Writes the provider's row; returns the names of its members, or raises `InvalidRequest`.

    `settings` are `name=value`, such as `base_url=https://...`. With `by_role` there is no key: the role signs. A
    `credential_id` names one of several credentials, which get requests in proportion to their weights; 0 takes one
    out of use. A provider of the operator's own, `custom/<row>`, needs a `base_url`, and may have no key.
    """
    known = sorted({*PROVIDERS, *MEDIA_VENDORS, *SEARCH_VENDORS})
    own = row_of(provider) == CUSTOM
    if row_of(provider) not in known or (own and not re.fullmatch(CUSTOM_NAME, provider)):
        raise InvalidRequest(f"There is no provider '{provider}'. Known are: {', '.join(known)}, as custom/my-row.")
    made = _settings(settings, ("api_key", AUTH, CREDENTIALS, "id", "weight"))
    if weight < 0 or (credential_id and not _ID.fullmatch(credential_id)):
        raise InvalidRequest("A credential's id is up to 64 letters, digits, '.', '_' or '-', its weight 0 or more.")
    callback = _callbacks().get(provider)
    if callback is not None and callback.needs in made:
        raise InvalidRequest(f"'{callback.needs}' is not kept beside the key; set it by set-callback {provider}.")
    _check_read(provider, made)
    everything = await rows.read()
    before = everything.get(provider, {})
    if own:
        made |= _custom({**before, **made}, ask(f"API key of {provider}, or nothing"))
    else:
        made |= {AUTH: BY_ROLE} if by_role else {"api_key": _not_empty(ask(f"API key of {provider}"))}
    if credential_id:
        made |= {"id": credential_id, "weight": weight}
        everything[provider] = {**before, CREDENTIALS: _replaced(before.get(CREDENTIALS, []), made)}
    else:
        everything[provider] = _keyless(before) | made
    await rows.write(everything)
    return _holding(provider, everything[provider])


async def remove_provider_key(rows: ProviderRows, provider: str, credential_id: str) -> Document:
    """Takes one of a provider's several credentials away; raises `InvalidRequest` if there is none of that id."""
    everything = await rows.read()
    before = everything.get(provider, {}).get(CREDENTIALS, [])
    kept = [each for each in before if each.get("id") != credential_id]
    if len(kept) == len(before):
        raise InvalidRequest(f"{provider} has no credential '{credential_id}'; nothing was changed.")
    everything[provider][CREDENTIALS] = kept
    await rows.write(everything)
    return _holding(provider, everything[provider])


def _replaced(credentials: Sequence[Row], made: Row) -> list[Row]:
    """The credentials with the new one in the place of that of the same id, whose other settings it keeps."""
    before = next((each for each in credentials if each.get("id") == made["id"]), {})
    return [*(each for each in credentials if each is not before), _keyless(before) | made]


def _keyless(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in {"api_key", AUTH}}


def _holding(provider: str, row: Row) -> Document:
    """Describes a row without its secrets: names, and the weights of its credentials by their ids."""
    weights = {each["id"]: each.get("weight", 1) for each in row.get(CREDENTIALS, [])}
    told: Document = {"provider": provider, "holds": sorted(row)}
    return told | ({CREDENTIALS: weights} if weights else {})


async def set_callback(
    callbacks: ProviderRows,
    rows: ProviderRows,
    provider: str,
    settings: Sequence[str],
    *,
    move: bool = False,
    ask: Callable[[str], str] = asked_secret,
) -> Document:
    """Writes what ties the provider's callbacks to this deployment's account there; returns the names of its members.

    Earlier releases kept it beside the provider's key: `move` takes it from there, and it never stays there.
    """
    known = _callbacks()
    if provider not in known:
        raise InvalidRequest(f"'{provider}' sends no callbacks here. These do: {', '.join(sorted(known))}.")
    needed = known[provider].needs
    made = _settings(settings, (needed, "api_key", AUTH))
    keys = await rows.read()
    beside_key = keys.get(provider, {}).pop(needed, "")
    if move and not beside_key:
        raise InvalidRequest(f"There is no '{needed}' beside the key of {provider}; nothing was changed.")
    made[needed] = beside_key if move else _not_empty(ask(f"{needed} of {provider}"))
    everything = await callbacks.read()
    everything[provider] = {**everything.get(provider, {}), **made}
    await callbacks.write(everything)
    if beside_key:
        await rows.write(keys)
    return {"provider": provider, "holds": sorted(everything[provider])}


def _callbacks() -> dict[str, Callback]:
    return {name: vendor.callback for name, vendor in MEDIA_VENDORS.items() if vendor.callback is not None}


def _settings(pairs: Sequence[str], asked_for: Sequence[str]) -> Row:
    made: Row = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if not (name and value) or name in asked_for:
            raise InvalidRequest(f"A setting is name=value, and never what is asked for; {name[:40]!r} is none.")
        made[name] = value
    return made


def _check_read(provider: str, made: Row) -> None:
    """Raises `InvalidRequest` for a setting that no provider reads, and for a region that the provider has not."""
    unread = sorted({*made} - _READ)
    if unread:
        known = ", ".join(sorted(_READ))
        raise InvalidRequest(f"No request reads the setting '{unread[0]}'; known are: {known}. Nothing was changed.")
    row = PROVIDERS.get(row_of(provider))
    region = None if row is None else made.get(row.region_setting)
    if row is not None and region is not None and "base_url" not in made and not re.fullmatch(row.regions, region):
        raise InvalidRequest(f"{provider} has no {row.region_setting} like '{region}'; nothing was changed.")


def _custom(row: Row, key: str) -> Row:
    address = row.get("base_url", "")
    if not _ADDRESS.fullmatch(address) or address.rstrip("/").endswith(_ENDPOINTS):
        raise InvalidRequest(
            "A custom provider needs --setting base_url=http(s)://..., as the wire's own SDK takes it and without "
            "the path of an endpoint; nothing was changed."
        )
    return {"api_key": key} if key else {}


def _not_empty(key: str) -> str:
    if not key:
        raise InvalidRequest("Nothing was given; nothing was changed.")
    return key
