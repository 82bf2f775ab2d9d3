"""Builds a plan from the catalog: the ordered candidates for a request. Pure; no candidate is tried here.

The caller's model comes first, then its `models`; inside each, the catalog's order of models and of their targets.
`provider` and `max_price` judge each target by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from gateway.canonical.chat_models import ChatModel, ListPrice, flat_price
from gateway.canonical.models import Alias, Model, ModelTarget, Name, Retired
from gateway.canonical.request import PriceLimit, RoutingPreferences
from gateway.errors import InvalidRequest, NotFound, PermissionDenied
from gateway.ports.catalog import Catalog

M = TypeVar("M", bound=Model[Any])


class Candidate(Struct, Generic[M], frozen=True):
    """One target that may serve a request. `name` is the name that led to its model, and decides the price."""

    name: Name
    model: M
    target: ModelTarget[Any]


class Plan(Struct, Generic[M], frozen=True):
    """The candidates in order; never empty. `tries` counts attempts over all of them, in rounds."""

    candidates: tuple[Candidate[M], ...]
    tries: int


TRIES_MIN = 3


class Access(Protocol):
    """The rights of a caller: the models and targets that may serve it."""

    def may_use(self, names: Iterable[str]) -> bool:
        """True for a model that is known by any of these names."""

    def may_reach(self, target: ModelTarget[Any]) -> bool:
        """True for a target where the caller's requests may be processed."""


def plan(
    requested: str,
    preferences: RoutingPreferences,
    catalog: Catalog[ChatModel],
    access: Access,
) -> Plan[ChatModel]:
    """Plans a request that is priced by tokens; raises the refusal that names the parameter without a match."""
    found = _affordable(candidates_for(requested, preferences, catalog, access), preferences.max_price)
    if not preferences.allow_fallbacks:
        found = found[:1]
    return Plan(tuple(found), tries=max(TRIES_MIN, len(found)))


def candidates_for(
    requested: str,
    preferences: RoutingPreferences,
    catalog: Catalog[M],
    access: Access,
) -> list[Candidate[M]]:
    """All targets of the requested model, in order, never empty; raises the refusal that names the parameter without a
    match.
    """
    by_param = {"model": requested} | {
        f"models[{index}]": more for index, more in enumerate(preferences.fallback_models)
    }
    names = [
        find(model, catalog, param, allow_successor=preferences.allow_fallbacks) for param, model in by_param.items()
    ]
    allowed = [name for name in names if access.may_use((name.requested, name.offer.id))]
    if names[0] not in allowed:
        raise not_allowed(requested)
    found = [
        Candidate(name, model, target)
        for name in allowed
        for model in catalog.models_behind(name.offer)
        for target in model.targets
        if access.may_reach(target)
    ]
    if not found:
        message = f"The region policy of this API key leaves no provider of the model '{requested}'."
        raise PermissionDenied(message, param="model", code="region_not_allowed")
    return _preferred(found, preferences)


def find(requested: str, catalog: Catalog[Any], param: str, *, allow_successor: bool) -> Name:
    """The offer that `requested` names; raises `NotFound`, also for a retired id if no successor may serve it."""
    name = catalog.find(requested)
    if name is None:
        message = f"The model '{requested}' does not exist or you do not have access to it."
        raise NotFound(message, param=param, code="model_not_found")
    if isinstance(name.offer, Retired) and not allow_successor:
        offer = name.offer
        message = f"The model '{requested}' was retired on {offer.retired_on}; its successor is '{offer.successor}'."
        raise NotFound(message, param=param, code="model_not_found")
    return name


def not_allowed(requested: str) -> PermissionDenied:
    """Refuses a model that is not on the key's list."""
    return PermissionDenied(f"This API key may not use the model '{requested}'.", param="model")


def _preferred(candidates: list[Candidate[M]], preferences: RoutingPreferences) -> list[Candidate[M]]:
    kept = [
        candidate
        for candidate in candidates
        if candidate.target.provider not in preferences.ignore
        and (not preferences.only or candidate.target.provider in preferences.only)
    ]
    if not kept:
        raise InvalidRequest("No provider is left by 'provider.only' and 'provider.ignore'.", param="provider")
    rank = {provider: place for place, provider in enumerate(preferences.order)}
    return sorted(kept, key=lambda candidate: rank.get(candidate.target.provider, len(rank)))


def _affordable(candidates: list[Candidate[ChatModel]], limit: PriceLimit | None) -> list[Candidate[ChatModel]]:
    if limit is None:
        return candidates
    kept = [candidate for candidate in candidates if fits(billed_at(candidate), limit)]
    if not kept:
        raise InvalidRequest("No model is within 'max_price'.", param="max_price", code="max_price_exceeded")
    return kept


def fits(price: ListPrice, limit: PriceLimit) -> bool:
    """True if a list price is within the caller's prices per million tokens."""
    within_prompt = limit.prompt_usd is None or Decimal(price.input) <= limit.prompt_usd
    return within_prompt and (limit.completion_usd is None or Decimal(price.output) <= limit.completion_usd)


def billed_at(candidate: Candidate[ChatModel]) -> ListPrice:
    """The list price for billing: the candidate's own, or the flat price of a routing alias."""
    offer = candidate.name.offer
    listed: ListPrice = candidate.target.price
    return flat_price(offer) if isinstance(offer, Alias) and offer.flat else listed
