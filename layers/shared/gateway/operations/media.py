"""Runs video and 3D as deferred operations: which targets can make what is asked, and what success costs there.

Of an alias's models those are used that can make it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from gateway.auth.principal import Principal
from gateway.canonical.jobs import JobKind
from gateway.canonical.limits import NO_TOKENS, TokenDemand
from gateway.canonical.media_models import MediaModel
from gateway.canonical.money import NanoUsd, Tier
from gateway.canonical.request import RoutingPreferences
from gateway.canonical.usage import Usage
from gateway.errors import InvalidRequest
from gateway.ledger.media_prices import media_cost
from gateway.operations.media_fit import MediaRequest, Snapshot, made_by
from gateway.pipeline.operation import Cost
from gateway.ports.catalog import Catalog
from gateway.routing.plan import Candidate, Plan
from gateway.routing.planning import candidates_for

PLACES = {JobKind.VIDEO: "POST /v1/videos/generations", JobKind.MODEL_3D: "POST /v1/3d/generations"}


class MediaCandidate(Candidate[MediaModel], frozen=True, kw_only=True):
    """One target that can make what is asked: as its model makes it, and what success there costs."""

    duration_s: Decimal | None
    aspect_ratio: str | None
    cost_nanousd: NanoUsd


class MediaPlan(Plan[MediaModel], frozen=True):
    """The candidates of a job, each tried once."""

    candidates: tuple[MediaCandidate, ...]


class MediaMeter(Struct, frozen=True):
    """The money of one job: a fixed price at each candidate."""

    plan: MediaPlan
    open_output: None = None
    tokens: TokenDemand = NO_TOKENS

    def worst_case(self, open_units: int) -> NanoUsd:
        """The price at the dearest candidate, so that the hold carries each of them."""
        del open_units  # A job's length is known.
        return max(candidate.cost_nanousd for candidate in self.plan.candidates)

    def cost(self, served_by: Candidate[Any], usage: Usage) -> Cost:
        """The cost of success at the candidate."""
        del usage  # Paid by the length or the asset.
        (nanousd,) = {found.cost_nanousd for found in self.plan.candidates if found is served_by}
        return Cost(nanousd, Tier.PASSTHROUGH, served_by.model.sale.price_version)


class MediaOperation:
    """Video and 3D over the catalog's media models."""

    def __init__(self, catalog: Catalog[MediaModel]) -> None:
        self._catalog = catalog

    def plan(self, principal: Principal, request: MediaRequest) -> MediaPlan:
        """The candidates that can make it, never empty; raises the refusal that names what does not fit."""
        preferences = RoutingPreferences(allow_fallbacks=request.allow_fallbacks)
        found = candidates_for(request.model, preferences, self._catalog, principal)
        kind = found[0].model.kind
        if kind is not request.kind:
            raise InvalidRequest(f"The model '{request.model}' is asked for at {PLACES[kind]}.", param="model")
        able = _able(found, request)
        exact = [candidate for candidate in able if request.duration_s in {None, candidate.duration_s}]
        kept = (exact or able)[: None if request.allow_fallbacks else 1]
        return MediaPlan(tuple(kept), tries=len(kept))

    def meter(self, request: MediaRequest, plan: MediaPlan) -> MediaMeter:
        """Prices by the length or the asset."""
        del request
        return MediaMeter(plan)

    def order(self, request: MediaRequest, plan: MediaPlan) -> Mapping[str, Any]:
        """The order of a job: what was asked, and the candidates that can make it, in the order they are tried.

        | member | what |
        |---|---|
        | `kind` | `video` or `3d` |
        | `prompt`, `negative_prompt`, `seed`, `output_format` | as asked |
        | `reference`, `reference_type` | the object of the media bucket to start from, and its media type |
        | `shown` | what the answers of the wire that asked repeat |
        | `routes` | each `provider`, `model` (the catalog's id), `upstream_model`, `region`; `duration_s` (decimal |
        | | text: a float would have lost it) and `aspect_ratio` as that model makes it; `cost_nanousd` of success |

        A member that was not asked, or that a model does not take, is absent.
        """
        snapshot = request.reference if isinstance(request.reference, Snapshot) else None
        return present(
            kind=request.kind.value,
            prompt=request.prompt,
            negative_prompt=request.negative_prompt,
            seed=request.seed,
            output_format=request.output_format,
            reference=snapshot and snapshot.object_name,
            reference_type=snapshot and snapshot.mime_type,
            shown=dict(request.shown) or None,
            routes=[_route(candidate) for candidate in plan.candidates],
        )


def taking(plan: MediaPlan, mime_type: str, param: str) -> MediaPlan:
    """The plan of models that read a reference image of that type; raises `InvalidRequest` where none does."""
    kept = tuple(candidate for candidate in plan.candidates if mime_type in candidate.model.reference_types)
    if not kept:
        known = ", ".join(plan.candidates[0].model.reference_types)
        raise InvalidRequest(f"The model takes reference images of {known}; this one is {mime_type}.", param=param)
    return MediaPlan(kept, tries=len(kept))


def present(**members: Any) -> dict[str, Any]:
    """The members that are not `None`."""
    return {name: value for name, value in members.items() if value is not None}


def _able(found: Iterable[Candidate[MediaModel]], request: MediaRequest) -> list[MediaCandidate]:
    """The candidates whose models can make it; raises the first model's refusal, for which the name stands."""
    able: list[MediaCandidate] = []
    refusals: list[InvalidRequest] = []
    for candidate in found:
        try:
            able.append(_priced(candidate, request))
        except InvalidRequest as refusal:
            refusals.append(refusal)
    if not able:
        raise refusals[0]
    return able


def _priced(candidate: Candidate[MediaModel], request: MediaRequest) -> MediaCandidate:
    made = made_by(candidate.model, request)
    model, target = candidate.model, candidate.target
    cost = media_cost(target.price, made.duration_s, model.sale, from_prompt=request.reference is None)
    return MediaCandidate(
        candidate.name,
        candidate.model,
        candidate.target,
        duration_s=made.duration_s,
        aspect_ratio=made.aspect_ratio,
        cost_nanousd=cost,
    )


def _route(candidate: MediaCandidate) -> dict[str, Any]:
    return present(
        provider=candidate.target.provider,
        model=candidate.model.id,
        upstream_model=candidate.target.upstream_model,
        region=candidate.target.region,
        duration_s=None if candidate.duration_s is None else f"{candidate.duration_s:f}",
        aspect_ratio=candidate.aspect_ratio,
        cost_nanousd=candidate.cost_nanousd,
    )
