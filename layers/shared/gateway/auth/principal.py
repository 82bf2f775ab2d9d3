"""Turns a key into a `Principal`, and enforces the key's own limits. Pure; the record comes from a port."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from gateway.auth.regions import within
from gateway.canonical.models import ModelTarget
from gateway.errors import AuthenticationFailed, InvalidRequest, PermissionDenied
from gateway.ports.keys import KeyRecord

if TYPE_CHECKING:
    # Accounts with provider keys of their own alone load them.
    from gateway.ports.provider_keys import ProviderKey

BEARER = "bearer "
# What a session's access token begins with, and no key of ours.
ACCESS_PREFIX = "nxa_"
AUTHORIZATION, IN_QUERY = "authorization", "?key="
# What may carry a key, and how a refusal calls it.
CARRIERS = {
    AUTHORIZATION: "Authorization",
    "x-api-key": "x-api-key",
    "x-goog-api-key": "x-goog-api-key",
    IN_QUERY: IN_QUERY,
}
NO_KEY = "No API key was given. Send it as 'Authorization: Bearer KEY', 'x-api-key' or 'x-goog-api-key'."
BAD_KEY = "Incorrect API key provided."
TWO_KEYS = "Different API keys were given in {}. Send one."
TWO_KEYS_CODE = "different_api_keys"

# Names (of headers in lower case) and values as they came: a name may come more than once.
Fields = Sequence[tuple[str, str]]


class Principal(Struct, frozen=True):
    """The caller: an account, the key that its request carries, and the account's own keys of providers."""

    account_id: str
    key: KeyRecord
    own_keys: tuple[ProviderKey, ...] = ()

    def may_use(self, names: Iterable[str]) -> bool:
        """True if the key's list allows a model known by any of `names`."""
        return may_use(self.key, names)

    def may_reach(self, target: ModelTarget[Any]) -> bool:
        """True if the key's region policy allows the target."""
        return within(self.key.region_policy, target.provider, target.region)

    def may_see(self, names: Iterable[str], targets: Iterable[ModelTarget[Any]]) -> bool:
        """True for a model of any of `names` that the key may use, and reach at one of its targets."""
        return self.may_use(names) and any(map(self.may_reach, targets))


def key_in(headers: Fields, query: Fields, *, allow_query: bool = False) -> str:
    """The key text that the request carries, in one place or in several; `?key=` counts only on Gemini paths.

    Different keys are refused (`InvalidRequest`): which of them a proxy, a log or another path would read is not known.
    Raises `AuthenticationFailed` where there is none.
    """
    carried = [
        (name, _bearer(value) if name == AUTHORIZATION else value) for name, value in headers if name in CARRIERS
    ]
    if allow_query:
        carried += [(IN_QUERY, value) for name, value in query if name == "key"]
    keys = {key for _, key in carried if key}
    if not keys:
        raise AuthenticationFailed(NO_KEY)
    if len(keys) > 1:
        given = {name for name, key in carried if key}
        words = " and ".join(f"'{word}'" for name, word in CARRIERS.items() if name in given)
        raise InvalidRequest(TWO_KEYS.format(words), code=TWO_KEYS_CODE)
    return keys.pop()


def _bearer(authorization: str) -> str:
    """The key of an `Authorization` header; empty where it has another scheme."""
    is_bearer = authorization[: len(BEARER)].lower() == BEARER
    return authorization[len(BEARER) :].strip() if is_bearer else ""


def key_hash(key: str) -> str:
    """The SHA-256 of the key's text as hex, by which the store finds it."""
    return hashlib.sha256(key.encode()).hexdigest()


def admit_key(record: KeyRecord | None, source_ip: str, now_s: float) -> Principal:
    """Admits a key that may be used now and from this address; raises the contract's refusal otherwise."""
    if record is None or record.revoked or record.disabled:
        raise AuthenticationFailed(BAD_KEY)
    if record.expires_at_s is not None and now_s >= record.expires_at_s:
        raise AuthenticationFailed("This API key has expired.", code="expired_api_key")
    if record.allowed_ips and not _within(source_ip, record.allowed_ips):
        raise PermissionDenied("This API key may not be used from this IP address.", code="ip_not_allowed")
    return Principal(account_id=record.account_id, key=record)


def may_use(key: KeyRecord, names: Iterable[str]) -> bool:
    """Tells whether the key's list allows a model known by any of `names` (its id, or the alias in the request).

    An entry is an exact id or alias, or a prefix that ends in `*`. No list means every model.
    """
    if not key.allowed_models:
        return True
    return any(_matches(name, entry) for name in names for entry in key.allowed_models)


def _matches(name: str, entry: str) -> bool:
    return name.startswith(entry[:-1]) if entry.endswith("*") else name == entry


def _within(source_ip: str, ranges: Iterable[str]) -> bool:
    from ipaddress import ip_address, ip_network  # noqa: PLC0415  # only keys with ranges pay for it

    try:
        address = ip_address(source_ip)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    candidate = mapped or address
    networks = (ip_network(text, strict=False) for text in ranges)
    return any(candidate.version == network.version and candidate in network for network in networks)
