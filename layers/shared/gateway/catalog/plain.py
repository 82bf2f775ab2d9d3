"""Defines models without facts of their own, priced per request."""

from __future__ import annotations

from gateway.canonical.models import Model
from gateway.catalog.loader import MODEL, TARGET, Kind
from gateway.catalog.schema import Member, usd


def plain(file: str) -> Kind[Model[str]]:
    """Builds the kind of models of one data file; `price` is USD per request, decimal text, and `0` is valid."""
    return Kind(file=file, make=Model[str], model=MODEL, target={**TARGET, "price": Member(usd)})
