"""Checks every data file of the catalog, of which the functions check what they use."""

from __future__ import annotations

import os
from typing import Any

from gateway.catalog.audio import AUDIO_MODELS
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.embeddings import EMBEDDING_MODELS
from gateway.catalog.images import IMAGE_MODELS
from gateway.catalog.loader import DATA, Kind, document_of, parse
from gateway.catalog.media import MEDIA_MODELS
from gateway.catalog.plain import plain
from gateway.catalog.realtime import REALTIME_MODELS
from gateway.catalog.rerank import RERANK_MODELS
from gateway.ports.catalog import KnownNames
from gateway.providers.audio import registry as audio_providers
from gateway.providers.chat import registry as chat_providers
from gateway.providers.embeddings import registry as embedding_providers
from gateway.providers.images import registry as image_providers
from gateway.providers.media import registry as media_providers
from gateway.providers.realtime import registry as realtime_providers
from gateway.providers.rerank import registry as rerank_providers

# The kinds whose models have facts of their own, and the names that their rows may use. Every other file is plain, and
# says itself which providers serve it.
KINDS: tuple[tuple[Kind[Any], KnownNames], ...] = (
    (AUDIO_MODELS, audio_providers.KNOWN),
    (CHAT_MODELS, chat_providers.KNOWN),
    (EMBEDDING_MODELS, embedding_providers.KNOWN),
    (IMAGE_MODELS, image_providers.KNOWN),
    (MEDIA_MODELS, media_providers.KNOWN),
    (REALTIME_MODELS, realtime_providers.KNOWN),
    (RERANK_MODELS, rerank_providers.KNOWN),
)


def check_catalogs() -> None:
    """Reads each file; raises `CatalogError` for the first row that is wrong."""
    for kind, known in all_kinds():
        parse(kind, document_of(kind), known)


def all_kinds() -> list[tuple[Kind[Any], KnownNames]]:
    """The kinds of all files, with the names that their rows may use."""
    return [*KINDS, *plain_kinds()]


def plain_kinds() -> list[tuple[Kind[Any], KnownNames]]:
    """The kinds of all other files."""
    named = {kind.file for kind, _ in KINDS}
    return [(plain(name), chat_providers.KNOWN) for name in sorted({*os.listdir(DATA)} - named)]  # noqa: PTH208  # pathlib is 4 ms of a cold start
