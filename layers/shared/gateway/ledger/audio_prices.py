"""Prices of sound: characters or seconds x list price and margin, in exact integers, rounded once, half up."""

from __future__ import annotations

from gateway.canonical.audio import CHARACTER, SECOND, AudioPrice
from gateway.canonical.models import Sale
from gateway.canonical.money import NanoUsd, Tier
from gateway.canonical.usage import Usage
from gateway.ledger.money import parse_usd
from gateway.ledger.prices import BASIS_POINTS, cost, price_of, share_of_list, terms

CHARACTERS_PER_PRICE = 10**6
SECONDS_PER_PRICE = 60


def audio_cost(price: AudioPrice, usage: Usage, tier: Tier, sale: Sale) -> NanoUsd:
    """The cost of a usage: of its characters, of its seconds, or of its tokens. Raises `NoPrice` without a price."""
    counts, share = dict(usage.uses), share_of_list(tier, sale)
    if price.characters is not None:
        return _billed(price.characters, counts.get(CHARACTER, 0), CHARACTERS_PER_PRICE, share)
    if price.minute is not None:
        return _billed(price.minute, counts.get(SECOND, 0), SECONDS_PER_PRICE, share)
    return cost(usage, terms(tier, None if price.tokens is None else price_of(price.tokens), sale))


def _billed(list_price: str, count: int, per: int, basis_points: int) -> NanoUsd:
    numerator, denominator = parse_usd(list_price) * count * basis_points, BASIS_POINTS * per
    return (2 * numerator + denominator) // (2 * denominator)
