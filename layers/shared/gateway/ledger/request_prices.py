"""Prices of what is paid by the piece, a request or a search: list price and margin, rounded once, half up."""

from __future__ import annotations

from gateway.canonical.models import Sale
from gateway.canonical.money import NanoUsd
from gateway.ledger.money import parse_usd
from gateway.ledger.prices import BASIS_POINTS, with_margin


def request_cost(list_price: str, sale: Sale) -> NanoUsd:
    """The cost of one request at a list price in USD, decimal text."""
    return pieces_cost(list_price, 1, with_margin(sale))


def pieces_cost(list_price: str, count: int, basis_points: int) -> NanoUsd:
    """The cost of so many pieces at a share of the list price of one, in USD as decimal text."""
    numerator = parse_usd(list_price) * count * basis_points
    return (2 * numerator + BASIS_POINTS) // (2 * BASIS_POINTS)
