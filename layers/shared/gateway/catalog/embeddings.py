"""Defines embedding models as a kind: the members of a row of `models/embeddings.json`."""

from __future__ import annotations

from typing import Any

from gateway.canonical.chat_models import ListPrice
from gateway.canonical.embeddings import EmbeddingModel
from gateway.catalog.loader import MODEL, TARGET, Kind
from gateway.catalog.schema import CatalogError, Member, distinct, flag, read, text, usd, whole

# USD per million tokens; vectors cost nothing beside them.
PRICE = {"input": Member(usd)}


def _price(value: Any) -> ListPrice:
    return ListPrice(input=read(value, PRICE)["input"], output="0")


def _check(model: EmbeddingModel) -> None:
    if model.fallbacks:
        raise CatalogError("fallbacks: another model's vectors do not compare with this one's")
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
    },
    target={**TARGET, "price": Member(_price), "region": Member(text, None)},
    check=_check,
)
