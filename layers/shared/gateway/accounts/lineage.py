"""Rules for keys that are made by keys: each gives at most what it has itself. Pure.

A key is *within* another if it may do nothing that the other may not. Keys made by keys are kept within their makers:
when they are made, when either changes, and when the maker ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_network
from typing import Any

from msgspec.structs import replace

from gateway.errors import PermissionDenied
from gateway.limits.windows import enforced_rpm
from gateway.ports.keys import KeyRecord

# The settings by which a key is bounded, with their names in requests.
NUMBERS: Mapping[str, str] = {
    "monthly_spend_cap_nanousd": "monthly_spend_cap_usd",
    "rpm_limit": "rpm_limit",
    "tpm_limit": "tpm_limit",
    "max_parallel": "max_parallel",
    "user_rpm_limit": "user_rpm_limit",
    "expires_at_s": "expires_at",
}


def bounding(key: KeyRecord) -> dict[str, Any]:
    """The settings that a key made by this one starts with, where its request names no others."""
    return {name: getattr(key, name) for name in (*NUMBERS, *LISTS, "region_policy")}


def wider_setting(key: KeyRecord, maker: KeyRecord) -> str | None:
    """The first setting, by its name in requests, that allows `key` what `maker` may not; `None` if it is within."""
    for name, shown in NUMBERS.items():
        if not _at_most(_enforced(key, name), _most(maker, name)):
            return shown
    for name, covers in LISTS.items():
        if not _covered(getattr(key, name), getattr(maker, name), covers):
            return name
    if key.can_manage_keys and not maker.can_manage_keys:
        return "can_manage_keys"
    return None if maker.region_policy in {"any", key.region_policy} else "region_policy"


def refuse_wider(key: KeyRecord, maker: KeyRecord) -> None:
    """Raises `PermissionDenied` if `key` is not within `maker`."""
    wider = wider_setting(key, maker)
    if wider is not None:
        message = f"An API key may not give more than it has itself: its own '{wider}' is narrower than this."
        raise PermissionDenied(message, code="insufficient_role")


def narrowed(key: KeyRecord, maker: KeyRecord) -> dict[str, Any]:
    """The changes that bring a key within its maker; one that nothing is left for is disabled."""
    changes: dict[str, Any] = {}
    for name in NUMBERS:
        most = _most(maker, name)
        if not _at_most(_enforced(key, name), most):
            changes[name] = most
    for name, covers in LISTS.items():
        own, allowed = getattr(key, name), getattr(maker, name)
        if not _covered(own, allowed, covers):
            common = (one for one in own if _covered((one,), allowed, covers))
            inner = (one for one in allowed if not own or _covered((one,), own, covers))
            changes[name] = tuple(dict.fromkeys((*common, *inner)))
            if not changes[name]:
                del changes[name]
                changes["disabled"] = True
    if maker.region_policy not in {"any", key.region_policy}:
        changes |= {"region_policy": maker.region_policy} if key.region_policy == "any" else {"disabled": True}
    if not maker.can_manage_keys:
        changes["can_manage_keys"] = False
    if maker.disabled:
        changes["disabled"] = True
    if maker.revoked:
        changes = {"revoked": True}
    return {name: value for name, value in changes.items() if getattr(key, name) != value}


def descendants(of: KeyRecord, keys: Iterable[KeyRecord]) -> list[tuple[KeyRecord, str]]:
    """The keys made by `of`, and by those, each with its maker's id; makers come before the keys that they made."""
    made: dict[str | None, list[KeyRecord]] = defaultdict(list)
    for key in keys:
        made[key.parent_key_id].append(key)
    found: list[tuple[KeyRecord, str]] = []
    waiting = [of.key_id]
    while waiting:
        maker_id = waiting.pop()
        for key in made.pop(maker_id, ()):
            found.append((key, maker_id))
            waiting.append(key.key_id)
    return found


def kept_within(of: KeyRecord, keys: Iterable[KeyRecord]) -> list[tuple[KeyRecord, dict[str, Any]]]:
    """The descendants of a key that has changed, each with the changes that keep it within its maker."""
    now = {of.key_id: of}
    changed: list[tuple[KeyRecord, dict[str, Any]]] = []
    for key, maker_id in descendants(of, keys):
        changes = {} if key.revoked else narrowed(key, now[maker_id])
        now[key.key_id] = replace(key, **changes)
        if changes:
            changed.append((key, changes))
    return changed


def _enforced(key: KeyRecord, name: str) -> int | None:
    """The number that holds for the key's own requests; `None` is no bound."""
    value: int | None = getattr(key, name)
    return enforced_rpm(value) if name == "rpm_limit" else value


def _most(maker: KeyRecord, name: str) -> int | None:
    """The most that a key may give. One that no key has made speaks for the owner: a default does not bound it."""
    value: int | None = getattr(maker, name)
    return value if maker.parent_key_id is None else _enforced(maker, name)


def _at_most(own: int | None, most: int | None) -> bool:
    return most is None or (own is not None and own <= most)


def _covered(own: tuple[str, ...], most: tuple[str, ...], covers: Callable[[str, str], bool]) -> bool:
    """True if each of `own` is covered by one of `most`; an empty list is everything."""
    if not most:
        return True
    return len(own) > 0 and all(any(covers(one, other) for other in most) for one in own)


def _names_cover(name: str, pattern: str) -> bool:
    """True if a pattern of model names covers another, or a name."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _ranges_cover(inner: str, outer: str) -> bool:
    one, other = ip_network(inner, strict=False), ip_network(outer, strict=False)
    return one.version == other.version and one[0] in other and one[-1] in other


LISTS: Mapping[str, Callable[[str, str], bool]] = {"allowed_ips": _ranges_cover, "allowed_models": _names_cover}
