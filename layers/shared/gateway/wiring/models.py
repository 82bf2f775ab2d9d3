"""Builds the list of models for sale."""

from __future__ import annotations

from functools import cache

from msgspec import Struct

from gateway.canonical.chat_models import ChatModel
from gateway.catalog.catalog import Catalog
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.listing import Listed, listed
from gateway.catalog.loader import load
from gateway.providers.chat.registry import KNOWN
from gateway.wiring.process import process

# Loaded when the process starts, so that one with a wrong row does not start.
CATALOG = load(CHAT_MODELS, KNOWN)


class ModelList(Struct, frozen=True):
    """The models for sale, as they are listed."""

    rows: tuple[Listed, ...]
    catalog: Catalog[ChatModel]

    def find(self, name: str) -> Listed | None:
        """The listed model of that name."""
        found = self.catalog.find(name)
        return None if found is None else next((row for row in self.rows if row.id == found.offer.id), None)


@cache
def model_list() -> ModelList:
    """The models of this release; those of simulated providers say so."""
    return ModelList(tuple(listed(CATALOG, process().settings.simulated_providers)), CATALOG)
