"""Prices of realtime sessions: tokens of each modality, minutes and texts, in exact integers, rounded once, half up."""

from __future__ import annotations

from gateway.canonical.models import Sale
from gateway.canonical.money import NanoUsd, Tier
from gateway.canonical.realtime import MS, RealtimePrice, RealtimeUsage
from gateway.ledger.money import parse_usd
from gateway.ledger.prices import BASIS_POINTS, TOKENS_PER_PRICE, share_of_list

MS_PER_PRICE = 60 * MS


def realtime_cost(price: RealtimePrice, used: RealtimeUsage, tier: Tier, sale: Sale) -> NanoUsd:
    """The cost of what was used."""
    of_tokens = sum(count * parse_usd(each) for count, each in _tokens(price, used))
    of_time = used.milliseconds * _nano(price.minute)
    of_texts = used.text_items * _nano(price.text_item)
    share = share_of_list(tier, sale)
    # All three over the one denominator, so that the sum alone is rounded.
    whole = of_tokens * MS_PER_PRICE + of_time * TOKENS_PER_PRICE + of_texts * MS_PER_PRICE * TOKENS_PER_PRICE
    denominator = TOKENS_PER_PRICE * MS_PER_PRICE * BASIS_POINTS
    return (2 * whole * share + denominator) // (2 * denominator)


def realtime_cost_at_most(price: RealtimePrice, prompt: int, output: int, tier: Tier, sale: Sale) -> NanoUsd:
    """The highest cost of that many tokens of any modalities."""
    dearest = RealtimeUsage(
        **{
            _dearest(price, ("text", "audio", "image")): prompt,
            _dearest(price, ("output_text", "output_audio")): output,
        }
    )
    return realtime_cost(price, dearest, tier, sale)


def _dearest(price: RealtimePrice, classes: tuple[str, ...]) -> str:
    prices = _by_class(price)
    return max(classes, key=lambda name: parse_usd(prices[name]))


def _tokens(price: RealtimePrice, used: RealtimeUsage) -> list[tuple[int, str]]:
    return [(getattr(used, name), each) for name, each in _by_class(price).items()]


def _by_class(price: RealtimePrice) -> dict[str, str]:
    """The price of each class of tokens; one that has none of its own is paid as what it belongs to."""
    text, output = price.input or "0", price.output or "0"
    audio, image = price.audio_input or text, price.image_input or text
    return {
        "text": text,
        "audio": audio,
        "image": image,
        "cached_text": price.cache_read or text,
        "cached_audio": price.audio_cache_read or audio,
        "cached_image": price.image_cache_read or image,
        "output_text": output,
        "output_audio": price.audio_output or output,
    }


def _nano(price: str | None) -> NanoUsd:
    return 0 if price is None else parse_usd(price)
