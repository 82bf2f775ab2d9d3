"""Explains a plan: what would serve a request, in which order and why, what was left out, and what it may cost.

Nothing is sent, held or kept. The health of targets at the moment of a request is no part of a plan.
"""

from __future__ import annotations

from typing import Any

import orjson

from gateway.canonical.chat_models import ChatModel
from gateway.canonical.models import Alias
from gateway.canonical.request import ChatRequest
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError
from gateway.ledger.money import format_usd
from gateway.operations.chat import ChatOperation
from gateway.pipeline.operation import InboundRequest
from gateway.routing.order import Expected, is_short, quality, wish_of
from gateway.routing.plan import Candidate, Excluded, Plan, id_of


def explained(operation: ChatOperation, inbound: InboundRequest) -> bytes:
    """The explanation as JSON.

    A refusal that rules come to is part of it, with what they left out; one that comes before them is raised.
    """
    request = operation.decode(inbound)
    excluded: list[Excluded] = []
    try:
        planned = operation.weighed(inbound.principal, request, excluded)
    except GatewayError as refusal:
        if not excluded:
            raise
        told = {"status": refusal.status, "code": refusal.code, "param": refusal.param, "message": refusal.message}
        return orjson.dumps(_head(request) | {"grade": None, "candidates": [], "refusal": told} | _out(excluded))
    shares = planned.propensities
    candidates = [
        _candidate(operation, request, planned, place, shares[id_of(each)])
        for place, each in enumerate(planned.candidates)
    ]
    shown: dict[str, Any] = {"grade": _grade(planned), "candidates": candidates, "refusal": None, **_decision(planned)}
    return orjson.dumps(_head(request) | shown | _out(excluded))


def _head(request: ChatRequest) -> dict[str, Any]:
    return {"object": "route", "model": request.model}


def _out(excluded: list[Excluded]) -> dict[str, Any]:
    rows = [
        {
            "model": each.model,
            "provider": each.provider,
            "region": each.region,
            "rule": each.rule,
            "reasons": [each.why],
        }
        for each in excluded
    ]
    return {"excluded": rows}


def _decision(planned: Plan[ChatModel]) -> dict[str, Any]:
    """The policy behind the propensities, where there is one."""
    found = planned.decision
    if found is None:
        return {}
    return {"decision": {"policy": f"{found.version}/{found.policy}", "request_class": found.request_class}}


def _grade(planned: Plan[ChatModel]) -> dict[str, Any] | None:
    grade = planned.grade
    if grade is None:
        return None
    return {
        "difficulty": grade.difficulty,
        "needed_quality": grade.quality,
        "intent": grade.intent,
        "score": grade.score,
        "features": {name: round(value, 2) for name, value in grade.features.items()},
    }


def _candidate(
    operation: ChatOperation, request: ChatRequest, planned: Plan[ChatModel], place: int, share: float
) -> dict[str, Any]:
    candidate = planned.candidates[place]
    return {
        "model": candidate.model.id,
        "provider": candidate.target.provider,
        "region": candidate.target.region,
        "asked_as": candidate.name.requested,
        "reasons": _reasons(candidate, request, planned),
        "price_bounds": _price_bounds(operation, request, candidate),
        "propensity": share,
    }


def _reasons(candidate: Candidate[ChatModel], request: ChatRequest, planned: Plan[ChatModel]) -> list[str]:
    offer, wish = candidate.name.offer, wish_of(candidate.name, request)
    found = [f"serves '{candidate.name.requested}'"]
    if candidate.own is not None:
        found.append("is asked with the account's own key")
    if candidate.target.provider in request.routing.order:
        found.append("is named by provider.order")
    if isinstance(offer, Alias) and offer.graded and planned.grade is not None:
        needed = planned.grade.quality
        is_last = ", so that it is a last resort" if is_short(candidate, planned.grade) else ""
        found.append(f"has the quality {quality(candidate)}, where {needed} is needed{is_last}")
    found.append("stands in the catalog's order" if wish is None else f"stands in the order of {wish}")
    return found


def _price_bounds(operation: ChatOperation, request: ChatRequest, candidate: Candidate[ChatModel]) -> dict[str, str]:
    """Estimates what the request costs the caller at the candidate, and bounds it."""
    alone = operation.meter(request, Plan((candidate,), 1))
    output = alone.open_output
    expected = Expected.of(request)
    usage = Usage(input=expected.prompt_tokens, output=expected.output_tokens)
    worst = alone.worst_case(0 if output is None else output.most_units)
    return {
        "currency": "USD",
        "expected": format_usd(alone.cost(candidate, usage).nanousd),
        "worst_case": format_usd(worst),
    }
