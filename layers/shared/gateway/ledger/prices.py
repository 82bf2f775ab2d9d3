"""Prices of generations: tokens of disjoint classes x price, as exact integers, rounded once, half up, at the end.

Tiers are section 6 of the public contract: routing aliases are flat, real models are list price and a margin, the
customer's own provider key pays a fee, a cache hit pays a quarter. Margin and fee are the operator's (`Sale`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.chat_models import ListPrice
from gateway.canonical.models import Sale
from gateway.canonical.money import NanoUsd, Tier
from gateway.canonical.usage import TOKENS_MAX, Usage
from gateway.ledger.money import parse_usd

TOKENS_PER_PRICE = 10**6
BASIS_POINTS = 10_000
CACHE_HIT_BASIS_POINTS = 2_500


class NoPrice(Exception):
    """Reports a model without a price; such a model is refused, never free."""


class Price(Struct, frozen=True):
    """Nano-USD per million tokens, by class ($0.075 per million is 75,000,000).

    A class of `None` has no price of its own and is paid as the class it belongs to: prompt classes and audio
    input as `input`, sound and pictures of the output as `output`. `steps` are the prices above a length of prompt,
    going up.
    """

    input: NanoUsd
    output: NanoUsd
    cache_read: NanoUsd | None = None
    cache_write_5m: NanoUsd | None = None
    cache_write_1h: NanoUsd | None = None
    audio_input: NanoUsd | None = None
    audio_output: NanoUsd | None = None
    image_output: NanoUsd | None = None
    steps: tuple[tuple[int, Price], ...] = ()

    def for_prompt(self, tokens: int) -> Price:
        """The price where the prompt is so long: that of the highest step that it is above."""
        reached = [price for above, price in self.steps if tokens > above]
        return reached[-1] if reached else self


FLAT_TIERS = frozenset({Tier.FAST, Tier.BALANCED})


class Terms(Struct, frozen=True):
    """The billing terms of one request: the price, the share of it, and the version of the price list.

    `tool_basis_points` is the share of the list price that the uses of a provider's tools cost, which are never flat.
    """

    tier: Tier
    price: Price
    basis_points: int
    price_version: str
    tool_basis_points: int


def parse_price(row: Mapping[str, str | None]) -> Price:
    """Reads a price from USD per million tokens as decimal text, by class; raises `NoPrice` without
    input and output.
    """
    nano: dict[str, Any] = {kind: parse_usd(text) for kind, text in row.items() if text is not None}
    if "input" not in nano or "output" not in nano:
        raise NoPrice("input and output need a price")
    return Price(**nano)


def price_of(listed: ListPrice) -> Price:
    """The price, with its steps."""
    steps = tuple((step.above_prompt_tokens, parse_price(step.price.classes)) for step in listed.steps)
    return replace(parse_price(listed.classes), steps=steps)


def terms(tier: Tier, price: Price | None, sale: Sale) -> Terms:
    """The terms of a request in `tier` at a list price, or at the price of a flat alias; raises `NoPrice` without."""
    if price is None:
        raise NoPrice("the model has no price")
    part = share_of_list(tier, sale)
    return Terms(tier, price, BASIS_POINTS if tier in FLAT_TIERS else part, sale.price_version, part)


def share_of_list(tier: Tier, sale: Sale) -> int:
    """The share of a list price that a tier pays, in hundredths of a percent: the fee of own keys, or with margin."""
    return sale.byok_fee if tier is Tier.BYOK else with_margin(sale)


def with_margin(sale: Sale) -> int:
    """The share of a list price that is paid, in hundredths of a percent."""
    return BASIS_POINTS + sale.margin


def cost(usage: Usage, agreed: Terms, *, cache_hit: bool = False) -> NanoUsd:
    """The cost of `usage`, rounded half up to a whole nano-dollar; raises `ValueError` for impossible counts."""
    part = CACHE_HIT_BASIS_POINTS if cache_hit else BASIS_POINTS
    price = agreed.price.for_prompt(usage.prompt)
    return _rounded(sum(count * each for count, each in _priced(usage, price)), agreed, part)


def cost_at_most(input_tokens: int, output_tokens: int, agreed: Terms) -> NanoUsd:
    """The highest cost of that many tokens, for any mix of classes.

    It is rounded as `cost` is, so it stays an upper bound, and a request may cost exactly its hold.
    """
    price = agreed.price.for_prompt(input_tokens)
    dearest = input_tokens * dearest_input(price) + output_tokens * dearest_output(price)
    return _rounded(dearest, agreed, BASIS_POINTS)


def dearest_input(price: Price) -> NanoUsd:
    """The highest price of a prompt token, for holds: its class is known only afterwards."""
    # A class without a price of its own is paid as input.
    classes = (price.cache_read, price.cache_write_5m, price.cache_write_1h, price.audio_input)
    return max(price.input, *[own or 0 for own in classes])


def dearest_output(price: Price) -> NanoUsd:
    """The highest price of a generated token."""
    return max(own for own in (price.output, price.audio_output, price.image_output) if own is not None)


def _rounded(numerator: int, agreed: Terms, basis_points: int) -> NanoUsd:
    numerator *= agreed.basis_points * basis_points
    denominator = TOKENS_PER_PRICE * BASIS_POINTS * BASIS_POINTS
    return (2 * numerator + denominator) // (2 * denominator)


def _priced(usage: Usage, price: Price) -> tuple[tuple[int, NanoUsd], ...]:
    def own(part: NanoUsd | None, otherwise: NanoUsd) -> NanoUsd:
        return otherwise if part is None else part

    pairs = (
        (usage.input - usage.audio_input, price.input),
        (usage.audio_input, own(price.audio_input, price.input)),
        (usage.cache_read, own(price.cache_read, price.input)),
        (usage.cache_write_5m, own(price.cache_write_5m, price.input)),
        (usage.cache_write_1h, own(price.cache_write_1h, price.input)),
        (usage.output - usage.audio_output - usage.image_output, price.output),
        (usage.audio_output, own(price.audio_output, price.output)),
        (usage.image_output, own(price.image_output, price.output)),
    )
    if not all(0 <= count <= TOKENS_MAX for count, _ in pairs):
        raise ValueError(f"token counts out of range: {usage}")
    return pairs
