"""Builds embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.catalog.embeddings import EMBEDDING_MODELS
from gateway.catalog.live import LiveCatalog
from gateway.operations.embeddings import EmbeddingsOperation, EmbeddingsWire
from gateway.providers.embeddings.registry import KNOWN
from gateway.wiring.following import follow

if TYPE_CHECKING:
    # A cold start loads nothing that reads strangers' files.
    from gateway.operations.media_inputs import Inputs

# Read when the process starts, where CPU is plenty.
CATALOG = follow(LiveCatalog(EMBEDDING_MODELS, KNOWN))


def embeddings(wire: EmbeddingsWire) -> EmbeddingsOperation:
    """Embeddings for callers of a wire."""
    return EmbeddingsOperation(wire, CATALOG, _inputs)


def _inputs() -> Inputs:
    """The reader of files that requests name."""
    from gateway.wiring.files import media_inputs  # noqa: PLC0415  # few requests have pictures

    return media_inputs()
