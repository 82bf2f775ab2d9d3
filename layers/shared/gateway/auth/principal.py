"""Key -> Principal: who is asking, and what the key alone forbids. Pure; the record comes from a port."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from gateway.errors import AuthenticationFailed, PermissionDenied
from gateway.ports import KeyRecord

BEARER = "bearer "
NO_KEY = "No API key was given. Send it as 'Authorization: Bearer KEY', 'x-api-key' or 'x-goog-api-key'."
BAD_KEY = "Incorrect API key provided."


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: an account, and the key it came with."""

    account_id: str
    key: KeyRecord


def key_in(headers: Mapping[str, str], query: Mapping[str, str], *, allow_query: bool = False) -> str:
    """The key text from the first carrier present, in the contract's order; `?key=` only on Gemini paths."""
    authorization = headers.get("authorization", "")
    if authorization[: len(BEARER)].lower() == BEARER and authorization[len(BEARER) :].strip():
        return authorization[len(BEARER) :].strip()
    carried = headers.get("x-api-key") or headers.get("x-goog-api-key")
    if not carried and allow_query:
        carried = query.get("key")
    if not carried:
        raise AuthenticationFailed(NO_KEY)
    return carried


def key_hash(key: str) -> str:
    """What the store is asked by: the SHA-256 of the key's text, as hex."""
    return hashlib.sha256(key.encode()).hexdigest()


def admit_key(record: KeyRecord | None, source_ip: str, now_s: float) -> Principal:
    """The principal of a key that may be used now and from here; else the refusal the contract names."""
    if record is None or record.revoked or record.disabled:
        raise AuthenticationFailed(BAD_KEY)
    if record.expires_at_s is not None and now_s >= record.expires_at_s:
        raise AuthenticationFailed("This API key has expired.", code="expired_api_key")
    if record.allowed_ips and not _within(source_ip, record.allowed_ips):
        raise PermissionDenied("This API key may not be used from this IP address.", code="ip_not_allowed")
    return Principal(account_id=record.account_id, key=record)


def may_use(key: KeyRecord, names: Iterable[str]) -> bool:
    """Whether the key's list lets it use a model known by any of `names` (its id, an alias it was asked by).

    An entry is an exact id or alias, or a prefix that ends in `*`. No list means every model.
    """
    if not key.allowed_models:
        return True
    return any(_matches(name, entry) for name in names for entry in key.allowed_models)


def _matches(name: str, entry: str) -> bool:
    return name.startswith(entry[:-1]) if entry.endswith("*") else name == entry


def _within(source_ip: str, ranges: Iterable[str]) -> bool:
    try:
        address = ip_address(source_ip)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    candidate = mapped or address
    networks = (ip_network(text, strict=False) for text in ranges)
    return any(candidate.version == network.version and candidate in network for network in networks)
