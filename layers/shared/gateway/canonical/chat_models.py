"""Chat models for sale as values: limits, modalities, and prices of tokens."""

from __future__ import annotations

from msgspec import Struct

from gateway.canonical.models import Alias, Model


class ListPrice(Struct, frozen=True):
    """USD per million tokens, decimal text, by token class. A class without a price of its own is `None`.

    `steps` are the prices of the whole request where its prompt is longer, the shortest prompt first.
    """

    input: str
    output: str
    cache_read: str | None = None
    cache_write_5m: str | None = None
    cache_write_1h: str | None = None
    audio_input: str | None = None
    audio_output: str | None = None
    image_output: str | None = None
    steps: tuple[PriceStep, ...] = ()

    @property
    def classes(self) -> dict[str, str]:
        """The prices by token class, of the classes that have one."""
        named = ((name, getattr(self, name)) for name in self.__struct_fields__ if name != "steps")
        return {name: price for name, price in named if price is not None}


class PriceStep(Struct, frozen=True):
    """The price of a request whose prompt is longer than `above_prompt_tokens`."""

    above_prompt_tokens: int
    price: ListPrice


# Price of every routing alias, independent of the model that serves it (section 6 of the public contract).
FLAT_PRICE = ListPrice(input="3", output="12")


def flat_price(alias: Alias) -> ListPrice:
    """The price of a flat alias: the operator's, or the contract's."""
    price: ListPrice | None = alias.price
    return price or FLAT_PRICE


class ChatModel(Model[ListPrice], frozen=True, kw_only=True):
    """One chat model for sale. `max_output_tokens` is the model's own bound on one answer.

    `quality` is how well it answers, from 0 to 100; without one it is unknown.
    """

    context_window: int
    max_output_tokens: int
    input_modalities: tuple[str, ...]
    output_modalities: tuple[str, ...] = ("text",)
    capabilities: tuple[str, ...]
    quality: int | None = None
