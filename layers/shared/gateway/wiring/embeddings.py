"""Builds embeddings."""

from __future__ import annotations

from gateway.catalog.embeddings import EMBEDDING_MODELS
from gateway.catalog.live import LiveCatalog
from gateway.operations.embeddings import EmbeddingsOperation, EmbeddingsWire
from gateway.providers.embeddings.registry import KNOWN
from gateway.wiring.following import follow

# Read when the process starts, where CPU is plenty.
CATALOG = follow(LiveCatalog(EMBEDDING_MODELS, KNOWN))


def embeddings(wire: EmbeddingsWire) -> EmbeddingsOperation:
    """Embeddings for callers of a wire."""
    return EmbeddingsOperation(wire, CATALOG)
