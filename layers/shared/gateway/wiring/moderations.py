"""Builds moderations: OpenAI's endpoint, passed through."""

from __future__ import annotations

from gateway.catalog.live import LiveCatalog
from gateway.catalog.plain import plain
from gateway.operations.passthrough import PassthroughOperation
from gateway.protocols.openai_moderations import CLIENT
from gateway.providers.chat.registry import KNOWN
from gateway.wiring.following import follow

# Read when the process starts, where CPU is plenty.
CATALOG = follow(LiveCatalog(plain("moderations.json"), KNOWN))


def moderations() -> PassthroughOperation:
    """Moderations of texts and images."""
    return PassthroughOperation(CLIENT, CATALOG)
