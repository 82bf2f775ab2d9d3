"""Builds moderations: OpenAI's endpoint, passed through."""

from __future__ import annotations

from gateway.catalog.loader import load
from gateway.catalog.plain import plain
from gateway.operations.passthrough import PassthroughOperation
from gateway.protocols.openai_moderations import CLIENT
from gateway.providers.chat.registry import KNOWN

# Read when the process starts, where CPU is plenty.
CATALOG = load(plain("moderations.json"), KNOWN)


def moderations() -> PassthroughOperation:
    """Moderations of texts and images."""
    return PassthroughOperation(CLIENT, CATALOG)
