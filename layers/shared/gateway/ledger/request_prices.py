"""Prices of requests with a fixed cost: list price + 5 %, rounded once, half up."""

from __future__ import annotations

from gateway.canonical.money import NanoUsd
from gateway.ledger.money import parse_usd
from gateway.ledger.prices import BASIS_POINTS, PASSTHROUGH_BASIS_POINTS


def request_cost(list_price: str) -> NanoUsd:
    """The cost of one request at a list price in USD, decimal text."""
    numerator = parse_usd(list_price) * PASSTHROUGH_BASIS_POINTS
    return (2 * numerator + BASIS_POINTS) // (2 * BASIS_POINTS)
