"""Builds the operations of text generation."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gateway.canonical.codec import ClientCodec
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.live import LiveCatalog
from gateway.operations.chat import ChatOperation
from gateway.providers.chat.registry import KNOWN
from gateway.signatures import Vault
from gateway.stores.signatures import DynamoSignatures
from gateway.wiring.following import follow
from gateway.wiring.process import process

if TYPE_CHECKING:
    from gateway.operations.media_inputs import Inputs

# Read when the process starts, where CPU is plenty.
CATALOG = follow(LiveCatalog(CHAT_MODELS, KNOWN))


@cache
def vault() -> Vault:
    """Keeps the signatures that a caller's wire cannot carry."""
    on = process()
    return Vault(DynamoSignatures(on.aws, on.settings.signatures_table), on.clock)


def inputs() -> Inputs:
    """Reads the uploaded files that requests name."""
    from gateway.wiring.files import media_inputs  # noqa: PLC0415  # few requests name files

    return media_inputs()


def chat(wire: ClientCodec) -> ChatOperation:
    """Text generation for callers of a wire."""
    return ChatOperation(wire, CATALOG, vault(), inputs=inputs)
