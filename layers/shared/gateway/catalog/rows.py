"""Lists one name for sale by what all kinds of models but text have in common, beside the facts of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.canonical.models import Alias, Model, Offer, Retired, Sale


def listed_row(
    offer: Offer, model: Model[Any], kind: str, simulated_providers: frozenset[str], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """The row of an offer that `model` serves first, at that model's first target."""
    provider = model.targets[0].provider
    row = {
        "id": offer.id,
        "object": "model",
        "created": model.created_s if isinstance(offer, Retired) else offer.created_s,
        "owned_by": "nexevo" if isinstance(offer, Alias) else model.owned_by,
        "provider": provider,
        "kind": kind,
        **facts,
    }
    row["pricing"] = {**facts["pricing"], "margin_percent": margin_percent(model.sale)}
    if isinstance(offer, Retired):
        row |= {"retired_on": offer.retired_on, "successor": offer.successor}
    return row | ({"simulated": True} if provider in simulated_providers else {})


def margin_percent(sale: Sale) -> str:
    """The percentage that is added to the prices of a row."""
    return f"{sale.margin / 100:g}"
