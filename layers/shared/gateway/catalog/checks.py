"""Checks the rows of one data file against each other and against the names of this release.

A mistake is a `CatalogError` with the row's name. What a row can be judged by alone is in its schema and its kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from gateway.canonical.models import Alias, Model, ModelTarget, Offer, Retired, ToolPrice
from gateway.catalog.names import differ_in_date, undated
from gateway.catalog.schema import CatalogError
from gateway.ports.catalog import KnownNames
from gateway.ports.upstream import CUSTOM, CUSTOM_NAME, row_of

# A row's value, right by itself, behind the name that error messages use for it.
Checked: TypeAlias = "tuple[str, Offer]"


def check(
    rows: Sequence[Checked],
    price_version: str,
    preferences: Collection[str],
    alike: Callable[[Any], object],
) -> None:
    """Raises `CatalogError` for the first row that is wrong.

    `alike` gives the fact in which a model and a model that serves in its place must agree.
    """
    offers: dict[str, Offer] = {}
    for where, offer in rows:
        if offer.id in offers:
            raise CatalogError(f"{where}: another row has this id")
        offers[offer.id] = offer
    for where, offer in rows:
        try:
            _check_id(offer, offers, preferences)
            _check_dates(offer, offers, price_version)
            _check_places(offer, offers, alike)
        except CatalogError as wrong:
            raise CatalogError(f"{where}: {wrong}") from None
    _check_spellings(rows)
    for where, offer in rows:
        _check_cycle(where, offer, offers)


def check_model(model: Model[Any], known: KnownNames) -> None:
    """Raises `CatalogError` for a model whose targets this release cannot ask."""
    _check_targets(model.targets, known)
    _check_tools(model.targets, known)


def _check_id(offer: Offer, offers: Mapping[str, Offer], preferences: Collection[str]) -> None:
    """Checks that a caller can mean no other row by the id."""
    suffix = offer.id.rpartition(":")[2]
    if ":" in offer.id and suffix in preferences:
        raise CatalogError(f"id: must not end in the preference ':{suffix}'")
    taken = next((name for name in offer.also if name in offers), None) if isinstance(offer, Alias) else None
    if taken is not None:
        raise CatalogError(f"also: another row has the id {taken!r}")
    if isinstance(offer, Model) and f"{offer.owned_by}/{offer.id}" in offers:
        raise CatalogError(f"another row has the id '{offer.owned_by}/{offer.id}', which is a name of this model")


def _check_spellings(rows: Iterable[Checked]) -> None:
    spelled: dict[str, list[Checked]] = {}
    for where, offer in rows:
        others = spelled.setdefault(undated(offer.id), [])
        for there, other in others:
            if not differ_in_date(offer.id, other.id):
                raise CatalogError(f"{where}: {there} is the same name in another spelling")
        others.append((where, offer))


def _check_dates(offer: Offer, offers: Mapping[str, Offer], price_version: str) -> None:
    if isinstance(offer, Retired):
        successor = offers.get(offer.successor)
        if offer.retired_on > price_version:
            raise CatalogError(f"retired: on: is after the file's price_version {price_version}")
        if isinstance(successor, Model) and offer.retired_on < _day(successor.created_s):
            raise CatalogError(f"retired: on: is before the successor was created, {_day(successor.created_s)}")
        return
    if isinstance(offer, Model) and offer.retires_on is not None and offer.retires_on <= _day(offer.created_s):
        raise CatalogError(f"retires_on: is not after the model was created, {_day(offer.created_s)}")
    if _day(offer.created_s) > price_version:
        raise CatalogError(
            f"created: {_day(offer.created_s)} is after the file's price_version {price_version}; raise it"
        )


def _day(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).date().isoformat()


def _check_places(offer: Offer, offers: Mapping[str, Offer], alike: Callable[[Any], object]) -> None:
    """Checks the names of the models that serve in the row's place."""
    what, names = _places(offer)
    for name in names:
        if not isinstance(offers.get(name), Model):
            raise CatalogError(f"unknown {what} {name!r}; it must be the id of a model of this file")
        if name == offer.id:
            raise CatalogError(f"{what} {name!r} is the model itself")
    facts = {name: alike(offers[name]) for name in ([offer.id, *names] if isinstance(offer, Model) else names)}
    if len(set(facts.values())) > 1:
        listed = ", ".join(f"{name!r} is {fact}" for name, fact in facts.items())
        raise CatalogError(f"a {what} must be of the same kind: {listed}")


def _places(offer: Offer) -> tuple[str, tuple[str, ...]]:
    if isinstance(offer, Alias):
        return "model", offer.models
    if isinstance(offer, Retired):
        return "successor", (offer.successor,)
    return "fallback", offer.fallbacks


def _check_targets(targets: Sequence[ModelTarget[Any]], known: KnownNames) -> None:
    seen: set[object] = set()
    for number, target in enumerate(targets, start=1):
        _check_target(target, known)
        same = (target.provider, target.upstream_model, target.region, target.wires)
        if same in seen:
            raise CatalogError(f"target {number}: another target is the same model of the same provider")
        seen.add(same)


def _check_target(target: ModelTarget[Any], known: KnownNames) -> None:
    provider = row_of(target.provider)
    check_names("unknown provider", (provider,), known.providers)
    if provider == CUSTOM and not re.fullmatch(CUSTOM_NAME, target.provider):
        raise CatalogError(f"provider: {target.provider!r} is not like 'custom/my-row', in small letters")
    check_names("unknown profile", filter(None, (target.profile,)), known.profiles)
    check_names(f"unknown wire of provider {target.provider!r}:", target.wires, known.providers[provider])
    family = known.profiles.get(target.profile)
    if family is not None and not {*_wires(target, known)} & {*family}:
        raise CatalogError(
            f"profile: {target.profile!r} is of models on {', '.join(family)}, and provider {target.provider!r} serves "
            f"this one on {', '.join(_wires(target, known))}"
        )
    if target.region is not None:
        check_names("unknown provider with regions:", (provider,), known.regional)
        if not re.fullmatch(known.regional[provider], target.region):
            raise CatalogError(f"region: {target.region!r} is not like the name of a region of {target.provider!r}")


def _wires(target: ModelTarget[Any], known: KnownNames) -> Collection[str]:
    """The wires that the target is asked on."""
    provider = row_of(target.provider)
    return target.wires or known.default_wires.get(provider, known.providers[provider])


def check_tool(tool: ToolPrice, known: KnownNames) -> None:
    """Raises `CatalogError` for a tool that no request of its wire can ask for."""
    check_names("wire: unknown wire with tools:", (tool.wire,), known.tools)
    check_names(f"tool: unknown tool of {tool.wire}:", (tool.tool,), known.tools[tool.wire])


def _check_tools(targets: Sequence[ModelTarget[Any]], known: KnownNames) -> None:
    """Checks that each tool is of a wire that one of the targets is asked on; targets inherit their row's tools."""
    spoken = {wire for target in targets for wire in _wires(target, known)}
    for tool in (tool for target in targets for tool in target.tools):
        check_names(f"tools: {tool.tool}: no target is asked on the wire", (tool.wire,), spoken)


def check_names(what: str, names: Iterable[str], known: Collection[str]) -> None:
    """Raises `CatalogError` for the first name that is unknown, with those that are known."""
    for name in names:
        if name not in known:
            raise CatalogError(f"{what} {name!r}; known: {', '.join(sorted(known))}")


def _check_cycle(where: str, offer: Offer, offers: Mapping[str, Offer]) -> None:
    """Checks that a model's fallbacks do not lead back to it."""
    paths: list[tuple[str, ...]] = [(offer.id,)]
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        last = offers[path[-1]]
        if last is offer and len(path) > 1:
            raise CatalogError(f"{where}: its fallbacks lead back to it: {' -> '.join(path)}")
        if last.id not in seen and isinstance(last, Model):
            seen.add(last.id)
            paths += [(*path, name) for name in last.fallbacks]
