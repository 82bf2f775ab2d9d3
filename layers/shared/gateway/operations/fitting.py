"""Plans a request that is priced by what it sends: the targets that can do it, within the caller's prices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from gateway.canonical.chat_models import ListPrice
from gateway.canonical.models import Model
from gateway.canonical.money import NanoUsd
from gateway.canonical.request import PriceLimit, RoutingPreferences
from gateway.errors import InvalidRequest
from gateway.ledger.money import NANO_PER_USD
from gateway.routing.plan import Candidate, Plan, billed_share
from gateway.routing.planning import TRIES_MIN, over

M = TypeVar("M", bound=Model[Any])


def fitting(
    found: Sequence[Candidate[M]],
    routing: RoutingPreferences,
    refusal: Callable[[Candidate[M]], InvalidRequest | None],
    listed: Callable[[Candidate[M]], ListPrice | None],
    worst_case: Callable[[Candidate[M]], NanoUsd],
) -> Plan[M]:
    """The plan; raises what the first candidate cannot do where none can do all, and the limit that none keeps."""
    objections = [(candidate, refusal(candidate)) for candidate in found]
    kept = [candidate for candidate, objection in objections if objection is None]
    if not kept and objections[0][1] is not None:
        raise objections[0][1]
    if routing.max_price is not None:
        kept = [each for each in kept if _within(routing.max_price, each, listed(each), worst_case(each))]
    if not kept:
        raise InvalidRequest("No model is within 'max_price'.", param="max_price", code="max_price_exceeded")
    kept = kept if routing.allow_fallbacks else kept[:1]
    return Plan(tuple(kept), tries=max(TRIES_MIN, len(kept)))


def cannot(param: str, message: str) -> InvalidRequest:
    """The refusal of what a model does not do, by the member that asks for it."""
    return InvalidRequest(message, param=param, code="unsupported_value")


def _within(limit: PriceLimit, candidate: Candidate[Any], price: ListPrice | None, worst_case: NanoUsd) -> bool:
    """True within the limits. A price that is not of tokens has the limit of the whole request alone."""
    if price is not None and over(price, limit, billed_share(candidate)) is not None:
        return False
    return limit.total_usd is None or worst_case <= int(limit.total_usd * NANO_PER_USD)
