"""Defines rerank models as a kind: the members of a row of `models/rerank.json`."""

from __future__ import annotations

from typing import Any

from gateway.canonical.rerank import RerankModel, RerankPrice
from gateway.catalog.loader import MODEL, TARGET, Kind
from gateway.catalog.schema import CatalogError, Member, read, text, usd, whole

# USD for a search, or per million tokens.
PRICE = {"search": Member(usd, None), "input": Member(usd, None)}


def _price(value: Any) -> RerankPrice:
    price = RerankPrice(**read(value, PRICE))
    if (price.search is None) is (price.input is None):
        raise CatalogError("needs 'search' or 'input', and not both")
    return price


def _check(model: RerankModel) -> None:
    if (model.search_documents is None) is not (model.search_tokens is None):
        raise CatalogError("search_documents: stands beside 'search_tokens', or neither does")


RERANK_MODELS = Kind(
    file="rerank.json",
    make=RerankModel,
    model={
        **MODEL,
        "documents_max": Member(whole),
        "max_input_tokens": Member(whole),
        "search_documents": Member(whole, None),
        "search_tokens": Member(whole, None),
    },
    target={**TARGET, "price": Member(_price), "region": Member(text, None)},
    check=_check,
)
