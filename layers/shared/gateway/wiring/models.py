"""Builds the list of models for sale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any

from msgspec import Struct

from gateway.canonical.chat_models import ChatModel
from gateway.canonical.models import Offer
from gateway.catalog.audio import AUDIO_MODELS
from gateway.catalog.audio_listing import audio_row
from gateway.catalog.catalog import Catalog
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.embedding_listing import embedding_row, gemini_embedding_row
from gateway.catalog.embeddings import EMBEDDING_MODELS
from gateway.catalog.image_listing import image_row
from gateway.catalog.images import IMAGE_MODELS
from gateway.catalog.listing import GEMINI, OPENAI, Listed, Other, Row, Shape, listed
from gateway.catalog.live import LiveCatalog
from gateway.catalog.media import MEDIA_MODELS
from gateway.catalog.media_listing import media_row
from gateway.catalog.plain import plain_row
from gateway.catalog.realtime import REALTIME_MODELS
from gateway.catalog.realtime_listing import realtime_row
from gateway.catalog.rerank import RERANK_MODELS
from gateway.catalog.rerank_listing import rerank_row
from gateway.providers.audio import registry as audio_providers
from gateway.providers.chat import registry as chat_providers
from gateway.providers.embeddings import registry as embedding_providers
from gateway.providers.images import registry as image_providers
from gateway.providers.media import registry as media_providers
from gateway.providers.realtime import registry as realtime_providers
from gateway.providers.rerank import registry as rerank_providers
from gateway.wiring.catalogs import plain_kinds
from gateway.wiring.following import follow
from gateway.wiring.process import process

CATALOG = follow(LiveCatalog(CHAT_MODELS, chat_providers.KNOWN))
MEDIA = follow(LiveCatalog(MEDIA_MODELS, media_providers.KNOWN))
IMAGES = follow(LiveCatalog(IMAGE_MODELS, image_providers.KNOWN))
EMBEDDINGS = follow(LiveCatalog(EMBEDDING_MODELS, embedding_providers.KNOWN))
AUDIO = follow(LiveCatalog(AUDIO_MODELS, audio_providers.KNOWN))
REALTIME = follow(LiveCatalog(REALTIME_MODELS, realtime_providers.KNOWN))
RERANK = follow(LiveCatalog(RERANK_MODELS, rerank_providers.KNOWN))
# The catalogs of other kinds than text, each with what shows a row of it in OpenAI's shape.
OTHERS: tuple[tuple[LiveCatalog[Any], Callable[[Offer, Catalog[Any], frozenset[str]], Row]], ...] = (
    (MEDIA, media_row),
    (IMAGES, image_row),
    (EMBEDDINGS, embedding_row),
    (RERANK, rerank_row),
    (AUDIO, audio_row),
    (REALTIME, realtime_row),
    *(
        (follow(LiveCatalog(kind, known)), partial(plain_row, kind=kind.section.removesuffix("s")))
        for kind, known in plain_kinds()
    ),
)


class ModelList(Struct, frozen=True):
    """The models for sale, as they are listed, and the catalogs that know their other names."""

    text: tuple[Listed, ...]
    others: tuple[Other, ...]
    catalogs: tuple[Catalog[Any], ...]

    def rows(self, shape: Shape) -> Iterator[tuple[Listed | Other, Row]]:
        """Every model that the shape's SDKs can ask for, with its row. One that makes pictures in a conversation and by
        itself is listed once, as a model of conversations.
        """
        yield from ((model, shape.row(model)) for model in self.text)
        if shape is OPENAI:
            texts = {model.id for model in self.text}
            yield from ((model, model.row) for model in self.others if model.id not in texts)
        elif shape is GEMINI:
            yield from ((model, model.gemini) for model in self.others if model.gemini is not None)

    def find(self, name: str, shape: Shape) -> tuple[Listed | Other, Row] | None:
        """The listed model of that name, and its row."""
        names = {found.offer.id for catalog in self.catalogs if (found := catalog.find(name)) is not None} or {name}
        return next((each for each in self.rows(shape) if each[0].id in names), None)


def model_list() -> ModelList:
    """The models of this release under the operator's document; those of simulated providers say so."""
    return _listed(CATALOG.current, *(catalog.current for catalog, _ in OTHERS))


# As long as the document stands.
@lru_cache(maxsize=1)
def _listed(text: Catalog[ChatModel], *others: Catalog[Any]) -> ModelList:
    simulated = process().settings.simulated_providers
    return ModelList(tuple(listed(text, simulated)), tuple(_others(others, simulated)), (text, *others))


def _others(catalogs: Iterable[Catalog[Any]], simulated: frozenset[str]) -> Iterable[Other]:
    for catalog, (kept, shown) in zip(catalogs, OTHERS, strict=True):
        for offer in catalog.offers():
            targets = tuple(target for model in catalog.models_behind(offer) for target in model.targets)
            gemini = gemini_embedding_row(offer, catalog) if kept is EMBEDDINGS else None
            yield Other(offer.id, shown(offer, catalog, simulated), targets, gemini)
