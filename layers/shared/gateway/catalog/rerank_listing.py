"""Lists rerank models with their bounds and their prices."""

from __future__ import annotations

from typing import Any

from gateway.canonical.models import Offer
from gateway.canonical.rerank import RerankModel
from gateway.catalog.rows import listed_row
from gateway.ports.catalog import Catalog


def rerank_row(offer: Offer, catalog: Catalog[RerankModel], simulated_providers: frozenset[str]) -> dict[str, Any]:
    """One name for sale, with the facts of its first model and target."""
    model = catalog.models_behind(offer)[0]
    facts: dict[str, Any] = {
        "context_window": model.max_input_tokens,
        "max_output_tokens": None,
        "modalities": {"input": ["text"], "output": ["ranking"]},
        "capabilities": [],
        "documents_max": model.documents_max,
        "pricing": {"currency": "USD", **model.targets[0].price.listed},
    }
    return listed_row(offer, model, "rerank", simulated_providers, facts)
