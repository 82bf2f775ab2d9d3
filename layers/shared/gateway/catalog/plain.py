"""Defines models without facts of their own, priced per request."""

from __future__ import annotations

from typing import Any

from gateway.canonical.models import Model
from gateway.catalog.loader import MODEL, TARGET, Kind
from gateway.catalog.schema import Member, usd


def plain(file: str) -> Kind[Model[str]]:
    """Builds the kind of models of one data file; `price` is USD per request, decimal text, and `0` is valid."""
    return Kind(file=file, make=Model[str], model=MODEL, target={**TARGET, "price": Member(usd)})


def plain_row(model: Model[str], kind: str) -> dict[str, Any]:
    """One model for sale as it is listed."""
    target = model.targets[0]
    return {
        "id": model.id,
        "object": "model",
        "kind": kind,
        "created": model.created_s,
        "owned_by": model.owned_by,
        "provider": target.provider,
        "pricing": {"currency": "USD", "unit": "request", "price": target.price},
    }
