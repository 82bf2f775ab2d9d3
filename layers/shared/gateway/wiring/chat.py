"""Builds the operations of text generation."""

from __future__ import annotations

from functools import cache

from gateway.canonical.codec import ClientCodec
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.live import LiveCatalog
from gateway.operations.chat import ChatOperation
from gateway.providers.chat.registry import KNOWN
from gateway.signatures import Vault
from gateway.stores.signatures import DynamoSignatures
from gateway.wiring.following import follow
from gateway.wiring.process import process

# Read when the process starts, where CPU is plenty.
CATALOG = follow(LiveCatalog(CHAT_MODELS, KNOWN))


@cache
def vault() -> Vault:
    """Keeps the signatures that a caller's wire cannot carry."""
    on = process()
    return Vault(DynamoSignatures(on.aws, on.settings.signatures_table), on.clock)


def chat(wire: ClientCodec) -> ChatOperation:
    """Text generation for callers of a wire."""
    return ChatOperation(wire, CATALOG, vault())
