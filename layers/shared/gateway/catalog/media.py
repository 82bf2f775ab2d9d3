"""The video and 3D models we sell: one data file, read once, and the names a caller may use for them. Pure.

A name is a model's id, an alias of models in the order they are tried, or a retired id that its successor serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from gateway.canonical.jobs import JobKind
from gateway.canonical.media_models import Durations, MediaModel, MediaOffer, MediaPrice, Use
from gateway.canonical.models import Alias, Retired

DATA = Path(__file__).with_name("media.json")


class MediaCatalog:
    """Every video and 3D model for sale, by name."""

    def __init__(self, price_version: str, offers: Iterable[MediaOffer]) -> None:
        self.price_version = price_version
        self._offers: Mapping[str, MediaOffer] = {offer.id: offer for offer in offers}

    def offers(self) -> Iterable[MediaOffer]:
        """All rows, in the data file's order, aliases first."""
        return self._offers.values()

    def find(self, asked: str) -> MediaOffer | None:
        """The offer of that name, or nothing."""
        return self._offers.get(asked)

    def models_behind(self, offer: MediaOffer) -> tuple[MediaModel, ...]:
        """The models that serve the offer, in the order they are tried."""
        match offer:
            case MediaModel():
                return (offer, *self._all_behind(offer.fallbacks))
            case Alias():
                return self._all_behind(offer.models)
            case Retired():
                return self._all_behind((offer.successor,))

    def _all_behind(self, names: Iterable[str]) -> tuple[MediaModel, ...]:
        """Each model once, where it comes first."""
        found = (model for name in names for model in self.models_behind(self._offers[name]))
        return tuple({model.id: model for model in found}.values())


@cache
def load() -> MediaCatalog:
    """The catalog of this release."""
    return parse(orjson.loads(DATA.read_bytes()))


def parse(document: Mapping[str, Any]) -> MediaCatalog:
    """A catalog from the data file's shape."""
    return MediaCatalog(
        price_version=document["price_version"],
        offers=[
            *(_alias(row) for row in document["aliases"]),
            *(_retired(row) if "retired" in row else _model(row) for row in document["models"]),
        ],
    )


def _model(row: Mapping[str, Any]) -> MediaModel:
    return MediaModel(
        id=row["id"],
        owned_by=row["owned_by"],
        provider=row["provider"],
        upstream_model=row["upstream_model"],
        created_s=row["created"],
        kind=JobKind(row["kind"]),
        price=MediaPrice(**row["price"]),
        deadline_s=row["deadline_s"],
        prompt_characters_max=row["prompt_characters_max"],
        reference=Use(row["reference"]),
        reference_types=tuple(f"image/{name}" for name in row.get("reference_types", ())),
        durations=_durations(row["durations_s"]) if "durations_s" in row else None,
        aspect_ratios=tuple(row.get("aspect_ratios", ())),
        ratio_of_reference=row.get("ratio_of_reference", False),
        negative_prompt_characters_max=row.get("negative_prompt_characters_max"),
        seed_max=row.get("seed_max"),
        output_formats=tuple(row.get("output_formats", ())),
        fallbacks=tuple(row.get("fallbacks", ())),
    )


def _durations(row: list[str] | Mapping[str, str]) -> Durations:
    if isinstance(row, list):
        return Durations(tuple(map(Decimal, row)))
    low, high, step = (Decimal(row[name]) for name in ("from", "to", "step"))
    return Durations(tuple(low + step * number for number in range(int((high - low) / step) + 1)), step)


def _alias(row: Mapping[str, Any]) -> Alias:
    return Alias(id=row["id"], created_s=row["created"], tier="passthrough", models=tuple(row["models"]))


def _retired(row: Mapping[str, Any]) -> Retired:
    return Retired(id=row["id"], retired_on=row["retired"]["on"], successor=row["retired"]["successor"])
