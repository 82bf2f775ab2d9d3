"""Builds the compaction of conversations, apart from `wiring.chat` since few requests need it."""

from __future__ import annotations

from gateway.operations.compaction import CompactionOperation
from gateway.protocols.openai_responses.compaction import CLIENT
from gateway.wiring.chat import CATALOG, inputs, vault


def compaction() -> CompactionOperation:
    """Compaction of conversations."""
    return CompactionOperation(CLIENT, CATALOG, vault(), inputs=inputs)
