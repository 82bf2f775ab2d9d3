"""Lists realtime models with their bounds and their prices."""

from __future__ import annotations

from typing import Any

from gateway.canonical.models import Offer
from gateway.canonical.realtime import RealtimeModel
from gateway.catalog.rows import listed_row
from gateway.ports.catalog import Catalog


def realtime_row(offer: Offer, catalog: Catalog[RealtimeModel], simulated_providers: frozenset[str]) -> dict[str, Any]:
    """One name for sale, with the facts of its first model and target."""
    model = catalog.models_behind(offer)[0]
    facts: dict[str, Any] = {
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "modalities": {"input": list(model.input_modalities), "output": list(model.output_modalities)},
        "capabilities": ["realtime"],
        "pricing": {"currency": "USD", **model.targets[0].price.listed},
    }
    return listed_row(offer, model, "realtime", simulated_providers, facts)
