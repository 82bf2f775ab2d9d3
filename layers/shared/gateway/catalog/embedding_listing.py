"""Lists embedding models with the lengths of their vectors and their prices."""

from __future__ import annotations

from typing import Any

from gateway.canonical.embeddings import EmbeddingModel
from gateway.canonical.models import Offer
from gateway.catalog.listing import gemini_row
from gateway.catalog.rows import listed_row
from gateway.ports.catalog import Catalog


def embedding_row(
    offer: Offer, catalog: Catalog[EmbeddingModel], simulated_providers: frozenset[str]
) -> dict[str, Any]:
    """One name for sale, with the facts of its first model and target."""
    model = catalog.models_behind(offer)[0]
    price = model.targets[0].price
    image = {} if price.image is None else {"image": price.image, "image_unit": f"1M {model.image_unit}s"}
    facts = {
        "context_window": model.max_input_tokens,
        "max_output_tokens": None,
        "modalities": {"input": ["text", "image"] if model.image_units_max else ["text"], "output": ["embedding"]},
        "capabilities": ["dimensions"] if model.resizable else [],
        "dimensions": model.dimensions,
        "pricing": {"currency": "USD", "unit": "1M tokens", "input": price.input, **image},
    }
    return listed_row(offer, model, "embedding", simulated_providers, facts)


def gemini_embedding_row(offer: Offer, catalog: Catalog[EmbeddingModel]) -> dict[str, Any]:
    """One name for sale, as Gemini's clients read it."""
    longest = catalog.models_behind(offer)[0].max_input_tokens
    return gemini_row(offer.id, longest, 1, ["embedContent", "batchEmbedContents"])
