"""Builds the operations of text generation."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

from gateway.canonical.chat_models import ChatModel
from gateway.canonical.codec import ClientCodec
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.live import LiveCatalog
from gateway.operations.chat import ChatOperation
from gateway.ports.catalog import Catalog
from gateway.providers.chat.registry import KNOWN
from gateway.signatures import Vault
from gateway.stores.signatures import DynamoSignatures
from gateway.wiring.following import catalog_at, follow
from gateway.wiring.process import process

if TYPE_CHECKING:
    from gateway.operations.media_inputs import Inputs

log = logging.getLogger(__name__)

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


@cache
def _tell_unhedged() -> None:
    """Logs the names of the deployment's settings that hedge nothing: nothing else would show a slip of the pen."""
    if not process().settings.hedged_models:
        return
    from gateway.pipeline.hedging import ALL, unhedged  # noqa: PLC0415  # loaded where the deployment hedges
    from gateway.wiring.streaming import hedge_rules  # noqa: PLC0415  # likewise

    rules = hedge_rules(process().settings)
    for name in sorted(process().settings.hedged_models - {ALL}):
        why = None if rules is None else unhedged(CATALOG, name, rules)
        if why is not None:
            log.warning("HedgedModels names %r, which %s", name, why)


def chat(wire: ClientCodec, catalog: Catalog[ChatModel] = CATALOG) -> ChatOperation:
    """Text generation for callers of a wire."""
    from gateway.wiring.streaming import routes  # noqa: PLC0415  # it is loaded by the first request, with all services

    _tell_unhedged()
    return ChatOperation(wire, catalog, vault(), inputs=inputs, routes=routes())


async def chat_at(wire: ClientCodec, price_version: str) -> ChatOperation:
    """Text generation by the document under which a request was planned before."""
    return chat(wire, await catalog_at(CATALOG, price_version))
