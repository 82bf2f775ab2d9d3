"""What is for sale, as values: a model, an alias that routes to some, an id that has been retired.

Prices are the providers' list prices in USD per million tokens, as decimal text.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListPrice:
    """USD per million tokens, decimal text, by token class. A class without a price of its own is `None`."""

    input: str
    output: str
    cache_read: str | None = None
    cache_write_5m: str | None = None
    cache_write_1h: str | None = None
    audio_input: str | None = None
    audio_output: str | None = None


# What every routing alias costs, whichever model serves it (section 6 of the public contract).
FLAT_PRICE = ListPrice(input="3", output="12")


@dataclass(frozen=True, slots=True)
class Model:
    """One model for sale. `provider` is the registry's row and `upstream_model` that provider's name of it.

    `wires` are the only ones that the provider serves it on, first the one for callers of another; without any, all.
    `streams` says whether the provider can be asked for its answer as it comes.
    """

    id: str
    owned_by: str
    provider: str
    upstream_model: str
    created_s: int
    context_window: int
    max_output_tokens: int
    input_modalities: tuple[str, ...]
    output_modalities: tuple[str, ...]
    capabilities: tuple[str, ...]
    profile: str
    price: ListPrice
    wires: tuple[str, ...] = ()
    streams: bool = True


@dataclass(frozen=True, slots=True)
class Alias:
    """A routing alias: the models that serve it, best first, at the flat price of its tier."""

    id: str
    created_s: int
    tier: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retired:
    """An id that is no longer served under its own name."""

    id: str
    retired_on: str
    successor: str


Offer = Model | Alias | Retired


@dataclass(frozen=True, slots=True)
class Name:
    """What a caller wrote in `model`, and the offer that it names."""

    asked: str
    offer: Offer
