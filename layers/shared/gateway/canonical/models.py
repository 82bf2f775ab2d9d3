"""Values for sale: models with the providers that serve them, aliases of models, and retired ids.

A kind of models (chat, media) is a subclass of `Model` with the facts of its kind, and has a price type of its own.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.money import Tier

P = TypeVar("P")


class ToolPrice(Struct, frozen=True, kw_only=True):
    """The price of a tool that a provider runs by itself: USD per use, decimal text, beside the tokens that it reads.

    `tool` is the decoders' word for it on `wire`, the only wire on which it is sold, and `counted_as` the word under
    which answers count its uses. `uses` is the bound that is sent for a request that sets none, and the bound that is
    held for where the wire has none; one `per_request` is paid once, however often it was used. `tokens` is the most
    that one use adds to the prompt; without it a use may fill the context window. A tool that stands `alone` is
    offered beside functions only where the caller says that they go together.
    """

    tool: str
    wire: str
    price: str
    counted_as: str
    uses: int = 1
    per_request: bool = False
    tokens: int | None = None
    alone: bool = False


# A whole, in hundredths of a percent.
WHOLE = 10_000


class Sale(Struct, frozen=True):
    """Shares that are added to a provider's price, in hundredths of a percent, and the version of the price list.

    `margin` is added to the list price. `byok_fee` is the share of it that a request costs which the caller's own
    provider key has served.
    """

    price_version: str = ""
    margin: int = 500
    byok_fee: int = 0

    @property
    def with_own_key(self) -> Sale:
        """The shares where the caller's own provider key serves: the fee stands in the place of price and margin."""
        return replace(self, margin=self.byok_fee - WHOLE)


STANDARD_SALE = Sale()


class ModelTarget(Struct, Generic[P], frozen=True, kw_only=True):
    """One provider that serves a model, at that provider's list price.

    `provider` is a row of the kind's registry and `upstream_model` that provider's name of the model. `wires` are the
    only ones that the provider serves the model on, the first one for callers of another wire; an empty list means all
    of them. `streams` is false if the provider cannot send the answer while it is generated. `profile` is the row of
    `providers/chat/profiles.py` that lists the model's features. `region` is the provider's region, if it differs from
    the region of this deployment's credential. `tools` are the provider's own tools that are sold with the model.
    `latency_ms` is the usual time to the first token there, and `throughput_tps` the tokens a second after it.
    """

    provider: str
    upstream_model: str
    price: P
    profile: str = ""
    wires: tuple[str, ...] = ()
    streams: bool = True
    region: str | None = None
    tools: tuple[ToolPrice, ...] = ()
    latency_ms: int | None = None
    throughput_tps: int | None = None


class Model(Struct, Generic[P], frozen=True, kw_only=True):
    """One model for sale. Its `targets` serve it in their order, then the models that `fallbacks` names.

    `knowledge` is the month until which it was trained, and `retires_on` the day after which its maker ends it.
    """

    id: str
    owned_by: str
    created_s: int
    targets: tuple[ModelTarget[P], ...]
    fallbacks: tuple[str, ...] = ()
    knowledge: str | None = None
    retires_on: str | None = None
    sale: Sale = STANDARD_SALE


class Alias(Struct, frozen=True):
    """A routing alias: the models that serve it, best first. `tier` names the price by which it is billed.

    `price` is the price of one that is `flat`, if it is not the contract's. A `graded` alias orders its models anew for
    each request, by what that needs. `also` are other names of it.
    """

    id: str
    created_s: int
    tier: str
    models: tuple[str, ...]
    price: Any = None
    graded: bool = False
    also: tuple[str, ...] = ()

    @property
    def flat(self) -> bool:
        """True if it costs the same with every model that serves it."""
        return self.tier != Tier.PASSTHROUGH


class Retired(Struct, frozen=True):
    """An id that is no longer served under its own name."""

    id: str
    retired_on: str
    successor: str


Offer = Model[Any] | Alias | Retired


class Name(Struct, frozen=True):
    """The offer that a caller's `model` names, with the name as the caller wrote it, and the preference at its end.

    With a `provider` the name is of the model at that provider alone.
    """

    requested: str
    offer: Offer
    preference: str = ""
    provider: str = ""
