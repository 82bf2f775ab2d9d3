"""Builds a plan from the catalog: the ordered candidates for a request. Pure; no candidate is tried here.

The caller's model comes first, then its `models`; inside each, the catalog's order of models and of their targets, or
the order that the caller wishes (`routing/order.py`). Every rule judges each target by itself, and says of each that
it leaves out by which rule and why.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from msgspec.structs import replace

from gateway.canonical.chat_models import ChatModel, ListPrice
from gateway.canonical.models import WHOLE, Alias, ModelTarget, Name, Retired
from gateway.canonical.request import ChatRequest, PriceLimit, RoutingPreferences
from gateway.errors import InvalidRequest, NotFound, PermissionDenied
from gateway.ports.catalog import Catalog
from gateway.ports.upstream import row_of
from gateway.routing.plan import Candidate, Excluded, M, Plan, billed_at, billed_share, sifted

if TYPE_CHECKING:
    from gateway.ports.provider_keys import ProviderKey
    from gateway.routing.grading import Grade

TRIES_MIN = 3


class Access(Protocol):
    """The rights of a caller: the models and targets that may serve it."""

    def may_use(self, names: Iterable[str]) -> bool:
        """True for a model that is known by any of these names."""

    def may_reach(self, target: ModelTarget[Any]) -> bool:
        """True for a target where the caller's requests may be processed."""

    @property
    def own_keys(self) -> Sequence[ProviderKey]:
        """The account's own keys of providers."""


def plan(
    request: ChatRequest,
    catalog: Catalog[ChatModel],
    access: Access,
    excluded: list[Excluded] | None = None,
) -> Plan[ChatModel]:
    """Plans a request that is priced by tokens; raises the refusal that names the parameter without a match.

    What is left out is added to `excluded`.
    """
    out = [] if excluded is None else excluded
    found = candidates_for(request.model, request.routing, catalog, access, out)
    found = _able(_affordable(found, request.routing.max_price, out), request, out)
    grade = _grade(found, request)
    if grade is not None or _is_wished(found, request.routing):
        from gateway.routing.order import ordered  # noqa: PLC0415  # requests with a wish alone pay for it

        found = ordered(found, request, grade, out)
    return Plan(tuple(found), max(TRIES_MIN, len(found)), grade)


def concluded(planned: Plan[ChatModel], routing: RoutingPreferences, excluded: list[Excluded]) -> Plan[ChatModel]:
    """The plan once every rule has been applied: each target once, and one alone where no fallback is allowed."""
    if len(planned.candidates) == 1:
        return replace(planned, tries=TRIES_MIN)
    kept = list(planned.candidates)
    if routing.fallback_models:
        # Under its first name, which decides the price.
        first_named: dict[object, Candidate[ChatModel]] = {}
        kept = [
            each
            for each in kept
            if first_named.setdefault((each.model.id, each.target, each.own is None), each) is each
        ]
    if not routing.allow_fallbacks:
        first = kept[0]
        why = "another target stands before it"
        kept = sifted(kept, "provider.allow_fallbacks", lambda each: None if each is first else why, excluded)
    return replace(planned, candidates=tuple(kept), tries=max(TRIES_MIN, len(kept)))


def candidates_for(
    requested: str,
    preferences: RoutingPreferences,
    catalog: Catalog[M],
    access: Access,
    excluded: list[Excluded] | None = None,
) -> list[Candidate[M]]:
    """All targets of the requested model that the caller's key and preferences allow, in the catalog's order; never
    empty. Raises the refusal that names the parameter without a match.
    """
    out = [] if excluded is None else excluded
    by_param = {"model": requested} | {
        f"models[{index}]": more for index, more in enumerate(preferences.fallback_models)
    }
    names = [
        find(model, catalog, param, allow_successor=preferences.allow_fallbacks) for param, model in by_param.items()
    ]
    if not _is_allowed(names[0], access):
        raise not_allowed(requested)
    every: Iterable[Candidate[M]] = _behind(names, catalog)
    if access.own_keys:
        from gateway.routing.own import with_own  # noqa: PLC0415  # accounts with keys of their own alone pay for it

        every = with_own(every, access.own_keys, out)
    found = sifted(every, "allowed_models", lambda each: _off_the_list(each, access), out)
    found = sifted(found, "region_policy", lambda each: _out_of_reach(each, access), out)
    if not found:
        message = f"The region policy of this API key leaves no provider of the model '{requested}'."
        raise PermissionDenied(message, param="model", code="region_not_allowed")
    return _preferred(found, preferences, out)


def _behind(names: Iterable[Name], catalog: Catalog[M]) -> Iterator[Candidate[M]]:
    """All targets of the names' models; of a provider-qualified name the model's own at that provider."""
    for name in names:
        for model in catalog.models_behind(name.offer):
            for target in model.targets:
                if not name.provider or (target.provider == name.provider and model.id == name.offer.id):
                    yield Candidate(name, model, target)


def _is_allowed(name: Name, access: Access) -> bool:
    return access.may_use((name.requested, name.offer.id))


def _off_the_list(candidate: Candidate[Any], access: Access) -> str | None:
    """An alias and a retired id stand for their models; a model's fallback is another model, with its own entry."""
    name, model = candidate.name, candidate.model
    allowed = _is_allowed(name, access)
    if allowed and not isinstance(name.offer, Alias | Retired) and model.id != name.offer.id:
        allowed = access.may_use((model.id,))
    return None if allowed else "is not among the key's models"


def _out_of_reach(candidate: Candidate[Any], access: Access) -> str | None:
    return None if access.may_reach(candidate.target) else "is outside of the key's region"


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


def _preferred(
    found: list[Candidate[M]], preferences: RoutingPreferences, excluded: list[Excluded]
) -> list[Candidate[M]]:
    """The candidates of the providers that the caller takes. A name that no provider has matches none."""
    if preferences.only:
        found = sifted(found, "provider.only", partial(_unnamed, preferences.only), excluded)
    if preferences.ignore:
        found = sifted(found, "provider.ignore", partial(_named, preferences.ignore), excluded)
    if not found:
        raise InvalidRequest("No provider is left by 'provider.only' and 'provider.ignore'.", param="provider")
    if preferences.order and not preferences.allow_fallbacks:
        found = sifted(found, "provider.order", partial(_unnamed, preferences.order), excluded)
        if not found:
            message = "Without 'provider.allow_fallbacks', no provider of 'provider.order' serves the model."
            raise InvalidRequest(message, param="provider.order")
    return found


def _unnamed(providers: Container[str], candidate: Candidate[Any]) -> str | None:
    return None if _is_among(providers, candidate) else "is none of the named providers"


def _named(providers: Container[str], candidate: Candidate[Any]) -> str | None:
    return "is one of the named providers" if _is_among(providers, candidate) else None


def _is_among(providers: Container[str], candidate: Candidate[Any]) -> bool:
    provider = candidate.target.provider
    return provider in providers or row_of(provider) in providers


def _affordable(
    found: list[Candidate[ChatModel]], limit: PriceLimit | None, excluded: list[Excluded]
) -> list[Candidate[ChatModel]]:
    if limit is None:
        return found
    kept = sifted(found, "max_price", lambda each: over(billed_at(each), limit, billed_share(each)), excluded)
    if not kept:
        raise InvalidRequest("No model is within 'max_price'.", param="max_price", code="max_price_exceeded")
    return kept


def over(price: ListPrice, limit: PriceLimit, basis_points: int) -> str | None:
    """The class of tokens that is billed over the caller's limit per million, in words; else nothing.

    `basis_points` is the share of the price that is billed, in hundredths of a percent.
    """
    limits = (("input", limit.prompt_usd), ("output", limit.completion_usd), *limit.classes_usd)
    for name, most in limits:
        own: str = getattr(price, name) or (price.output if name.endswith("_output") else price.input)
        if most is not None and (billed := Decimal(own) * basis_points / WHOLE) > most:
            return f"costs {billed.normalize():f} USD per million tokens of {name}"
    return None


def _able(
    found: list[Candidate[ChatModel]], request: ChatRequest, excluded: list[Excluded]
) -> list[Candidate[ChatModel]]:
    """The candidates whose models can serve the request; all of them where none can, for the refusal to be theirs."""
    if len({candidate.model.id for candidate in found}) == 1:
        return found
    from gateway.routing.needs import lack_of, needs_of  # noqa: PLC0415  # requests with several models alone pay for it

    needs = needs_of(request)

    def objection(candidate: Candidate[ChatModel]) -> str | None:
        offer = candidate.name.offer
        lack = lack_of(candidate.model, needs, chosen_by_name=not isinstance(offer, Alias))
        is_graded = isinstance(offer, Alias) and offer.graded
        if lack is None and is_graded and needs.reasons and "reasoning" not in candidate.model.capabilities:
            return "does not reason"
        return lack

    said: list[Excluded] = []
    kept = sifted(found, "needs", objection, said)
    if not kept:
        return found
    excluded += said
    return kept


def _is_wished(found: Sequence[Candidate[ChatModel]], routing: RoutingPreferences) -> bool:
    """True if the caller wishes another order than the catalog's."""
    return len(found) > 1 and bool(routing.order or routing.sort or any(each.name.preference for each in found))


def _grade(found: Iterable[Candidate[ChatModel]], request: ChatRequest) -> Grade | None:
    """Grades the request, where one of its names is a graded alias."""
    if not any(isinstance(each.name.offer, Alias) and each.name.offer.graded for each in found):
        return None
    from gateway.routing.grading import grade  # noqa: PLC0415  # requests for `auto` alone pay for it

    return grade(request)
