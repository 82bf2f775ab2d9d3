"""Prices of realtime sessions: tokens of each modality, minutes and texts, in exact integers, rounded once, half up."""

from __future__ import annotations

from msgspec import Struct

from gateway.canonical.models import Sale
from gateway.canonical.money import NanoUsd, Tier
from gateway.canonical.realtime import MS, RealtimePrice, RealtimeUsage
from gateway.ledger.money import parse_usd
from gateway.ledger.prices import BASIS_POINTS, TOKENS_PER_PRICE, share_of_list

MS_PER_PRICE = 60 * MS
_DENOMINATOR = TOKENS_PER_PRICE * MS_PER_PRICE * BASIS_POINTS
_PROMPT, _OUTPUT = ("text", "audio", "image"), ("output_text", "output_audio")


class Rates(Struct, frozen=True):
    """The prices of one session as integers, read once: of a million tokens by class, of a minute, of a text.

    `prompt` names the dearest class that is read, `output` is the price of the dearest that is written. `share` of it
    all is paid, in hundredths of a percent.
    """

    tokens: dict[str, NanoUsd]
    minute: NanoUsd
    text_item: NanoUsd
    prompt: str
    output: NanoUsd
    share: int

    def cost(self, used: RealtimeUsage) -> NanoUsd:
        """The cost of what was used."""
        of_tokens = sum(getattr(used, name) * each for name, each in self.tokens.items())
        return self._rounded(of_tokens, used.milliseconds, used.text_items)

    def cost_at_most(self, read: RealtimeUsage, output: int, *, spoken: bool) -> NanoUsd:
        """The highest cost of what is read, its time and its texts, and of that many tokens of output."""
        of_tokens = sum(getattr(read, name) * each for name, each in self.tokens.items())
        of_output = output * (self.output if spoken else self.tokens["output_text"])
        return self._rounded(of_tokens + of_output, read.milliseconds, read.text_items)

    def _rounded(self, of_tokens: int, milliseconds: int, text_items: int) -> NanoUsd:
        # All three over one denominator, so that the sum alone is rounded.
        of_time, of_texts = milliseconds * self.minute, text_items * self.text_item * MS_PER_PRICE
        whole = (of_tokens * MS_PER_PRICE + (of_time + of_texts) * TOKENS_PER_PRICE) * self.share
        return (2 * whole + _DENOMINATOR) // (2 * _DENOMINATOR)


def rates_of(price: RealtimePrice, tier: Tier, sale: Sale) -> Rates:
    """The rates of a price; a class that has none of its own is paid as what it belongs to."""
    text, output = _nano(price.input), _nano(price.output)
    audio, image = _nano(price.audio_input, text), _nano(price.image_input, text)
    tokens = {
        "text": text,
        "audio": audio,
        "image": image,
        "cached_text": _nano(price.cache_read, text),
        "cached_audio": _nano(price.audio_cache_read, audio),
        "cached_image": _nano(price.image_cache_read, image),
        "output_text": output,
        "output_audio": _nano(price.audio_output, output),
    }
    return Rates(
        tokens,
        minute=_nano(price.minute),
        text_item=_nano(price.text_item),
        prompt=max(_PROMPT, key=tokens.__getitem__),
        output=max(tokens[name] for name in _OUTPUT),
        share=share_of_list(tier, sale),
    )


def _nano(price: str | None, otherwise: NanoUsd = 0) -> NanoUsd:
    return otherwise if price is None else parse_usd(price)
