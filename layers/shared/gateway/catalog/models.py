"""The models we sell: one data file, read once, and the names a caller may use for them. Pure.

A name is a model's id, a routing alias, or a retired id that its successor serves; each may end in a preference
(`:fast`, `:cheap`, `:quality`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from gateway.canonical.models import Alias, ListPrice, Model, Name, Offer, Retired

DATA = Path(__file__).with_name("models.json")
PREFERENCES = ("fast", "cheap", "quality")


class Catalog:
    """Everything for sale, by name."""

    def __init__(self, price_version: str, offers: Iterable[Offer]) -> None:
        self.price_version = price_version
        self._offers: Mapping[str, Offer] = {offer.id: offer for offer in offers}

    def offers(self) -> Iterable[Offer]:
        """All rows, in the data file's order."""
        return self._offers.values()

    def find(self, asked: str) -> Name | None:
        """The offer that `asked` names, or nothing."""
        offer = self._offers.get(asked)
        if offer is not None:
            return Name(asked, offer)
        name, _, preference = asked.rpartition(":")
        offer = self._offers.get(name) if preference in PREFERENCES else None
        return None if offer is None else Name(asked, offer)

    def models_behind(self, offer: Offer) -> tuple[Model, ...]:
        """The models that serve the offer, best first."""
        names: tuple[str, ...]
        match offer:
            case Model():
                return (offer,)
            case Alias():
                names = offer.models
            case Retired():
                names = (offer.successor,)
        return tuple(model for name in names for model in self.models_behind(self._offers[name]))


@cache
def load() -> Catalog:
    """The catalog of this release."""
    return parse(orjson.loads(DATA.read_bytes()))


def parse(document: Mapping[str, Any]) -> Catalog:
    """A catalog from the data file's shape."""
    return Catalog(
        price_version=document["price_version"],
        offers=[
            *(_alias(row) for row in document["aliases"]),
            *(_retired(row) if "retired" in row else _model(row) for row in document["models"]),
        ],
    )


def _model(row: Mapping[str, Any]) -> Model:
    return Model(
        id=row["id"],
        owned_by=row["owned_by"],
        provider=row.get("provider", row["owned_by"]),
        upstream_model=row.get("upstream_model", row["id"]),
        created_s=row["created"],
        context_window=row["context_window"],
        max_output_tokens=row["max_output_tokens"],
        input_modalities=tuple(row["input"]),
        output_modalities=tuple(row.get("output", ("text",))),
        capabilities=tuple(row["capabilities"]),
        profile=row["profile"],
        price=ListPrice(**row["price"]),
        wires=tuple(row.get("wires", ())),
        streams=row.get("streams", True),
    )


def _alias(row: Mapping[str, Any]) -> Alias:
    return Alias(id=row["id"], created_s=row["created"], tier=row["tier"], models=tuple(row["models"]))


def _retired(row: Mapping[str, Any]) -> Retired:
    return Retired(id=row["id"], retired_on=row["retired"]["on"], successor=row["retired"]["successor"])
