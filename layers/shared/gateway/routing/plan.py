"""Catalog -> plan: the ordered targets that may serve a request. Pure; nothing here knows whether they will.

The caller's model comes first, then its `models`; inside each, the catalog's order. `provider` and `max_price` filter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from gateway.canonical.models import FLAT_PRICE, Alias, ListPrice, Model, Name, Retired
from gateway.canonical.request import PriceLimit, RoutingPreferences
from gateway.errors import InvalidRequest, NotFound, PermissionDenied
from gateway.ports import Catalog


@dataclass(frozen=True, slots=True)
class Route:
    """One place a request may go. `name` is how the caller's request led there: its tier is what it is billed by."""

    name: Name
    model: Model


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to try, in order; never empty. `tries` counts attempts over all of them."""

    routes: tuple[Route, ...]
    tries: int

    def attempts(self) -> tuple[Route, ...]:
        """The routes in the order they are tried: each once, then round again while tries are left."""
        return tuple(self.routes[number % len(self.routes)] for number in range(self.tries))


TRIES_MIN = 3


def plan(
    asked: str,
    preferences: RoutingPreferences,
    catalog: Catalog,
    may_use: Callable[[Iterable[str]], bool],
) -> Plan:
    """The plan for `asked`; raises the refusal that names what does not fit."""
    names = [_find(asked, catalog, preferences, "model")]
    names += [
        _find(fallback, catalog, preferences, f"models[{index}]")
        for index, fallback in enumerate(preferences.fallback_models)
    ]
    allowed = [name for name in names if may_use((name.asked, name.offer.id))]
    if names[0] not in allowed:
        raise not_allowed(asked)
    routes = [Route(name, model) for name in allowed for model in catalog.models_behind(name.offer)]
    routes = _affordable(_preferred(routes, preferences), preferences.max_price)
    if not preferences.allow_fallbacks:
        routes = routes[:1]
    return Plan(tuple(routes), tries=max(TRIES_MIN, len(routes)))


def _find(asked: str, catalog: Catalog, preferences: RoutingPreferences, param: str) -> Name:
    name = catalog.find(asked)
    if name is None:
        raise no_model(asked, param)
    if isinstance(name.offer, Retired) and not preferences.allow_fallbacks:
        raise retired(asked, name.offer, param)
    return name


def no_model(asked: str, param: str) -> NotFound:
    """Nothing of that name is for sale."""
    return NotFound(
        f"The model '{asked}' does not exist or you do not have access to it.", param=param, code="model_not_found"
    )


def retired(asked: str, offer: Retired, param: str) -> NotFound:
    """It was, and whoever wants no other model is told which one took its place."""
    return NotFound(
        f"The model '{asked}' was retired on {offer.retired_on}; its successor is '{offer.successor}'.",
        param=param,
        code="model_not_found",
    )


def not_allowed(asked: str) -> PermissionDenied:
    """The key's list of models leaves it out."""
    return PermissionDenied(f"This API key may not use the model '{asked}'.", param="model")


def _preferred(routes: list[Route], preferences: RoutingPreferences) -> list[Route]:
    kept = [
        route
        for route in routes
        if route.model.provider not in preferences.ignore
        and (not preferences.only or route.model.provider in preferences.only)
    ]
    if not kept:
        raise InvalidRequest("No provider is left by 'provider.only' and 'provider.ignore'.", param="provider")
    rank = {provider: place for place, provider in enumerate(preferences.order)}
    return sorted(kept, key=lambda route: rank.get(route.model.provider, len(rank)))


def _affordable(routes: list[Route], limit: PriceLimit | None) -> list[Route]:
    if limit is None:
        return routes
    kept = [route for route in routes if _fits(billed_at(route), limit)]
    if not kept:
        raise InvalidRequest("No model is within 'max_price'.", param="max_price", code="max_price_exceeded")
    return kept


def _fits(price: ListPrice, limit: PriceLimit) -> bool:
    within_prompt = limit.prompt_usd is None or Decimal(price.input) <= limit.prompt_usd
    return within_prompt and (limit.completion_usd is None or Decimal(price.output) <= limit.completion_usd)


def billed_at(route: Route) -> ListPrice:
    """The list price the route is billed by: the flat one for a routing alias, else the model's own."""
    return FLAT_PRICE if isinstance(route.name.offer, Alias) else route.model.price
