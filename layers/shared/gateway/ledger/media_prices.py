"""Prices of media files: seconds or assets x list price and margin, in exact integers, rounded once, half up.

Section 6 of the public contract: every media model is billed passthrough, an alias at the price of the serving model.
"""

from __future__ import annotations

from decimal import Decimal

from gateway.canonical.media_models import MediaPrice
from gateway.canonical.models import Sale
from gateway.canonical.money import NanoUsd
from gateway.ledger.money import parse_usd
from gateway.ledger.prices import BASIS_POINTS, NoPrice, with_margin

# Above every duration for sale; a longer one is an error, not a bill.
SECONDS_MAX = 3600


def media_cost(price: MediaPrice, duration_s: Decimal | None, sale: Sale, *, from_prompt: bool) -> NanoUsd:
    """The cost of one result: `duration_s` seconds, or one asset if it is `None`; raises `NoPrice` without a price.

    `from_prompt` is true if there was no image to start from.
    """
    if duration_s is not None:
        if not 0 < duration_s <= SECONDS_MAX:
            raise ValueError(f"a length of {duration_s} s is out of range")
        return _billed(price.per_second, duration_s, sale)
    own = price.per_asset_from_prompt if from_prompt else None
    return _billed(own or price.per_asset, Decimal(1), sale)


def _billed(list_price: str | None, quantity: Decimal, sale: Sale) -> NanoUsd:
    if list_price is None:
        raise NoPrice("the model has no price")
    parts, whole = quantity.as_integer_ratio()
    numerator = parse_usd(list_price) * parts * with_margin(sale)
    denominator = whole * BASIS_POINTS
    return (2 * numerator + denominator) // (2 * denominator)
