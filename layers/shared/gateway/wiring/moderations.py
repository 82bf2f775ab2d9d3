"""Builds moderations: OpenAI's endpoint, passed through."""

from __future__ import annotations

from gateway.catalog.loader import load
from gateway.catalog.plain import plain
from gateway.operations.passthrough import PassthroughOperation
from gateway.protocols.openai_moderations import CLIENT
from gateway.providers.chat.registry import KNOWN

# Loaded when the process starts, so that one with a wrong row does not start.
CATALOG = load(plain("moderations.json"), KNOWN)


def moderations() -> PassthroughOperation:
    """Moderations of texts and images."""
    return PassthroughOperation(CLIENT, CATALOG)
