"""Defines embedding models as a kind: the members of a row of `models/embeddings.json`."""

from __future__ import annotations

from typing import Any

from gateway.canonical.embeddings import EmbeddingModel, EmbeddingPrice
from gateway.catalog.loader import MODEL, TARGET, Kind
from gateway.catalog.schema import CatalogError, Member, distinct, flag, one_of, read, text, usd, whole

# USD per million tokens, and units of pictures; vectors cost nothing beside them.
PRICE = {"input": Member(usd), "image": Member(usd, None)}

# What vendors count of pictures: https://docs.voyageai.com/docs/pricing and others.
IMAGE_UNITS = frozenset({"image", "image_token", "pixel"})


def _price(value: Any) -> EmbeddingPrice:
    return EmbeddingPrice(output="0", **read(value, PRICE))


def _check(model: EmbeddingModel) -> None:
    if model.fallbacks:
        raise CatalogError("fallbacks: another model's vectors do not compare with this one's")
    if any((target.price.image is None) != (model.image_unit is None) for target in model.targets):
        raise CatalogError("image_unit: names what 'price.image' is the price of; a row has both or none")
    if model.sizes and model.sizes_from is not None:
        raise CatalogError("sizes: stands beside 'sizes_from'; a row has one of them")
    if model.sizes and model.dimensions not in model.sizes:
        raise CatalogError(f"sizes: must name the row's dimensions, {model.dimensions}")
    if model.sizes_from is not None and model.sizes_from > model.dimensions:
        raise CatalogError(f"sizes_from: must be at most the row's dimensions, {model.dimensions}")


EMBEDDING_MODELS = Kind(
    file="embeddings.json",
    make=EmbeddingModel,
    model={
        **MODEL,
        "dimensions": Member(whole),
        "max_input_tokens": Member(whole),
        "sizes": Member(distinct(whole), ()),
        "sizes_from": Member(whole, None),
        "token_inputs": Member(flag, False),
        "image_units_max": Member(whole, 0),
        "image_unit": Member(one_of(IMAGE_UNITS), None),
    },
    target={**TARGET, "price": Member(_price), "region": Member(text, None)},
    check=_check,
)
