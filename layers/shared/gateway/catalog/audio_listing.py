"""Lists models of sound with their bounds and their prices."""

from __future__ import annotations

from typing import Any

from gateway.canonical.audio import SPEECH, AudioModel
from gateway.canonical.models import Offer
from gateway.catalog.rows import listed_row
from gateway.ports.catalog import Catalog


def audio_row(offer: Offer, catalog: Catalog[AudioModel], simulated_providers: frozenset[str]) -> dict[str, Any]:
    """One name for sale, with the facts of its first model and target."""
    model = catalog.models_behind(offer)[0]
    speaks = model.does == SPEECH
    facts: dict[str, Any] = {
        "context_window": None,
        "max_output_tokens": None,
        "modalities": {"input": ["text" if speaks else "audio"], "output": ["audio" if speaks else "text"]},
        "capabilities": [],
        "pricing": {"currency": "USD", **model.targets[0].price.listed},
    } | ({"characters_max": model.characters_max} if speaks else {})
    return listed_row(offer, model, model.does, simulated_providers, facts)
