"""Builds rerank."""

from __future__ import annotations

from gateway.catalog.live import LiveCatalog
from gateway.catalog.rerank import RERANK_MODELS
from gateway.operations.rerank import RerankOperation, RerankWire
from gateway.providers.rerank.registry import KNOWN
from gateway.wiring.following import follow

# Read when the process starts, where CPU is plenty.
CATALOG = follow(LiveCatalog(RERANK_MODELS, KNOWN))


def rerank(wire: RerankWire) -> RerankOperation:
    """Rerank for callers of a wire."""
    return RerankOperation(wire, CATALOG)
