"""Checks every data file of the catalog, of which the functions check what they use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import DATA, Kind, document_of, parse
from gateway.catalog.media import MEDIA_MODELS
from gateway.catalog.plain import plain
from gateway.ports.catalog import KnownNames
from gateway.providers.chat import registry as chat_providers
from gateway.providers.media import registry as media_providers

# The kinds whose models have facts of their own, and the names that their rows may use. Every other file is plain, and
# says itself which providers serve it.
KINDS: tuple[tuple[Kind[Any], KnownNames], ...] = (
    (CHAT_MODELS, chat_providers.KNOWN),
    (MEDIA_MODELS, media_providers.KNOWN),
)


def check_catalogs() -> None:
    """Reads each file; raises `CatalogError` for the first row that is wrong."""
    kinds = {kind.file: (kind, known) for kind, known in KINDS}
    for name in sorted({*kinds, *(file.name for file in Path(DATA).glob("*.json"))}):
        kind, known = kinds.get(name, (plain(name), chat_providers.KNOWN))
        parse(kind, document_of(kind), known)
