"""Lists rerank models with their bounds and their prices."""

from __future__ import annotations

from typing import Any

from gateway.canonical.models import Alias, Offer, Retired
from gateway.canonical.rerank import RerankModel
from gateway.ports.catalog import Catalog


def rerank_row(offer: Offer, catalog: Catalog[RerankModel], simulated_providers: frozenset[str]) -> dict[str, Any]:
    """One name for sale, with the facts of its first model and target."""
    model = catalog.models_behind(offer)[0]
    target = model.targets[0]
    row = {
        "id": offer.id,
        "object": "model",
        "kind": "rerank",
        "created": model.created_s if isinstance(offer, Retired) else offer.created_s,
        "owned_by": "nexevo" if isinstance(offer, Alias) else model.owned_by,
        "provider": target.provider,
        "context_window": model.max_input_tokens,
        "max_output_tokens": None,
        "modalities": {"input": ["text"], "output": ["ranking"]},
        "capabilities": [],
        "documents_max": model.documents_max,
        "pricing": {"currency": "USD", **target.price.listed},
    }
    if isinstance(offer, Retired):
        row |= {"retired_on": offer.retired_on, "successor": offer.successor}
    return row | ({"simulated": True} if target.provider in simulated_providers else {})
