"""Sums of usage: what an account's charged requests of a day come to, by tier, model, key and member."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Self

from msgspec import Struct, field

from gateway.canonical.money import NanoUsd, Tier


class Cell(Struct, frozen=True):
    """Names what a sum is of: requests of one UTC day of admission (`2026-11-30`) that are alike. Unknown names are
    empty.
    """

    day: str
    tier: Tier
    model: str
    key_id: str = ""
    user_id: str = ""
    org_id: str = ""


class Tally(Struct):
    """Requests that were charged, their tokens by class (`TOKEN_CLASSES`), and their cost after write-offs."""

    requests: int = 0
    cost_nanousd: NanoUsd = 0
    tokens: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: Tally) -> Self:
        self.requests += other.requests
        self.cost_nanousd += other.cost_nanousd
        # Not `+=`, which leaves out counts below zero.
        self.tokens.update(other.tokens)
        return self

    def __isub__(self, other: Tally) -> Self:
        self.requests -= other.requests
        self.cost_nanousd -= other.cost_nanousd
        self.tokens.subtract(other.tokens)
        return self

    @property
    def empty(self) -> bool:
        """True if it adds nothing to a sum."""
        return not (self.requests or self.cost_nanousd or any(self.tokens.values()))


Tallies = dict[Cell, Tally]


def merge(sums: Tallies, more: Tallies) -> None:
    """Adds sums to others."""
    for cell, tally in more.items():
        known = sums.setdefault(cell, Tally())
        known += tally


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of all of them."""
    whole = Tally()
    for tally in tallies:
        whole += tally
    return whole
