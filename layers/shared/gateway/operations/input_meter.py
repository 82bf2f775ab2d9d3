"""The money of requests whose answers have no open length: embeddings, rerank, transcriptions, speech, pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.limits import TokenDemand
from gateway.canonical.money import NanoUsd, Tier
from gateway.canonical.usage import TOKEN_CLASSES, Usage, Uses
from gateway.pipeline.operation import Cost
from gateway.routing.plan import Candidate


class Bounds(Protocol):
    """The bounds of one request, before its provider has counted."""

    def at_most(self, candidate: Candidate[Any]) -> Usage:
        """An upper bound of the usage that the candidate bills."""

    def likely(self) -> Usage:
        """The probable usage, where no provider reports one."""


class InputMeter(Struct, frozen=True):
    """The money of one request over its candidates; `price` is the cost of a usage at one of them."""

    candidates: tuple[Candidate[Any], ...]
    bounds: Bounds
    price: Callable[[Candidate[Any], Usage], NanoUsd]
    open_output: None = None

    def worst_case(self, open_units: int) -> NanoUsd:
        """The worst case on the dearest candidate, so that the hold carries each of them."""
        del open_units  # Nothing is generated.
        return max(self.price(candidate, self.bounds.at_most(candidate)) for candidate in self.candidates)

    def cost(self, served_by: Candidate[Any], usage: Usage) -> Cost:
        """The cost of the usage at the candidate. An alias costs what its models do."""
        return Cost(self.price(served_by, usage), tier_of(served_by), served_by.model.sale.price_version)

    @property
    def tokens(self) -> TokenDemand:
        """The tokens that any candidate may count."""
        worst = max(self.bounds.at_most(candidate).total for candidate in self.candidates)
        return TokenDemand(min(self.bounds.likely().total, worst), worst)

    def bounded(self, served_by: Candidate[Any], usage: Usage) -> Usage:
        """The part of the usage that the request can have caused."""
        most = self.bounds.at_most(served_by)
        tokens = {name: min(getattr(usage, name), getattr(most, name)) for name in TOKEN_CLASSES}
        most_uses = dict(most.uses)
        uses = tuple((name, min(count, most_uses.get(name, 0))) for name, count in usage.uses)
        return replace(usage, **tokens, uses=uses)

    def units_within(self, tokens: int) -> int:
        """Returns 0: no output is open."""
        del tokens
        return 0

    def limited(self, units: int) -> InputMeter:
        """Returns this meter: no output is open."""
        del units
        return self

    def estimate(self, delivered_bytes: int, reported: Usage | None, seen: Uses = ()) -> Usage:
        """The reported usage, or the probable one."""
        del delivered_bytes, seen
        return self.bounds.likely() if reported is None else reported

    def bytes_worth(self, served_by: Candidate[Any], nanousd: NanoUsd) -> int:
        """Returns a number of bytes above any answer's: a checkpoint would change nothing."""
        del served_by, nanousd
        return 1 << 62


def tier_of(candidate: Candidate[Any]) -> Tier:
    """The tier of a candidate: the list price and a margin, or the fee on it where the account's own key serves."""
    return Tier.PASSTHROUGH if candidate.own is None else Tier.BYOK
