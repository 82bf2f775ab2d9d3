"""Defines models without facts of their own, priced per request."""

from __future__ import annotations

from typing import Any

from gateway.canonical.models import Model, Offer
from gateway.catalog.loader import MODEL, TARGET, Kind
from gateway.catalog.rows import listed_row
from gateway.catalog.schema import Member, usd
from gateway.ports.catalog import Catalog


def plain(file: str) -> Kind[Model[str]]:
    """Builds the kind of models of one data file; `price` is USD per request, decimal text, and `0` is valid."""
    return Kind(file=file, make=Model[str], model=MODEL, target={**TARGET, "price": Member(usd)})


def plain_row(
    offer: Offer, catalog: Catalog[Model[str]], simulated_providers: frozenset[str], kind: str
) -> dict[str, Any]:
    """One name for sale, with the price of its first model and target."""
    model = catalog.models_behind(offer)[0]
    pricing = {"currency": "USD", "unit": "request", "price": model.targets[0].price}
    return listed_row(offer, model, kind, simulated_providers, {"pricing": pricing})
