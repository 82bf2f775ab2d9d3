"""Finds prices that an operator's document moves so far that it may be a slip of a decimal point. Pure.

`make catalog` has the same bound for what it takes from a package. A price of 0, with which a model would be free, is
always named, whether the row is new or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from gateway.canonical.chat_models import FLAT_PRICE
from gateway.canonical.models import STANDARD_SALE

BOUND = Decimal("0.25")
# The name by which an operator accepts a move of all prices.
MARGINS = "margins"
# The class that a class of tokens without a price is paid as.
PAID_AS = {"audio_output": "output", "image_output": "output"}
STANDARD = {"passthrough": str(Decimal(STANDARD_SALE.margin) / 100), "byok": str(Decimal(STANDARD_SALE.byok_fee) / 100)}

Row = Mapping[str, Any]
Leaf = tuple[str, ...]
# Prices by class.
Prices = Mapping[Leaf, Decimal]


class Move(Struct, frozen=True):
    """A price that moves beyond the bound; `accepted_as` is the name by which the operator says that it is meant."""

    accepted_as: str
    line: str


def moves(before: Row, after: Row) -> Iterator[Move]:
    """The moves beyond the bound between two contents of a data file, of which the later one has been checked."""
    old, new = ({**STANDARD, **document.get("margins", {})} for document in (before, after))
    for name in STANDARD:
        yield from _share(MARGINS, name, old[name], new[name])
    earlier = {row["id"]: row for row in _rows(before)}
    for row in _rows(after):
        known = earlier.get(row["id"], {})
        yield from _row(row, known)
        for member, name in (("margin", "passthrough"), ("byok_fee", "byok")):
            if known.get(member) != row.get(member):
                yield from _share(row["id"], member, known.get(member, old[name]), row.get(member, new[name]))


def _rows(document: Row) -> Iterable[Row]:
    return (row for name in ("aliases", "models", "tools") for row in document.get(name, ()) if "retired" not in row)


def _share(accepted_as: str, name: str, before: str, after: str) -> Iterator[Move]:
    """A share that is added to prices moves as far as what is billed with it does."""
    old, new = (100 + Decimal(percent) for percent in (before, after))
    if abs(new - old) / old > BOUND:
        yield Move(accepted_as, f"{accepted_as}: {name} {before} -> {after} percent")


def _row(row: Row, known: Row) -> Iterator[Move]:
    """Compares each target with itself before, or with the row's first one where the row did not have it."""
    earlier = _targets(known)
    first = next(iter(earlier.values()), {})
    for place, prices in _targets(row).items():
        old = earlier.get(place, first)
        for leaf in {**old, **prices}:
            before, after = _paid(old, leaf), _paid(prices, leaf)
            if _is_beyond(before, after):
                told = " ".join((*place, *leaf))
                yield Move(row["id"], f"{row['id']}: {told} {_shown(before)} -> {_shown(after)}")


def _is_beyond(before: Decimal | None, after: Decimal | None) -> bool:
    """True for a move beyond the bound, and for what was not free and is. A new price has nothing to be judged by."""
    if not after:
        return after is not None and after != before
    return before is not None and abs(after - before) > BOUND * before


def _targets(row: Row) -> dict[Leaf, Prices]:
    """The prices of each target of a row, which inherits what it does not have; those of an alias and a tool."""
    if "models" in row:
        return {(): dict(_leaves((), row.get("price") or FLAT_PRICE.classes))}
    found: dict[Leaf, Prices] = {}
    for target in row.get("targets", ({},)):
        shared = {"provider": row.get("owned_by", ""), **row, **target}
        place = (shared["provider"], *(str(target[name]) for name in ("upstream_model", "region") if name in target))
        found[place] = dict(_leaves((), shared.get("price", {})))
    return found


def _leaves(place: Leaf, value: Any) -> Iterator[tuple[Leaf, Decimal]]:
    """The prices inside of a member; the length of prompt at which a step begins is part of its place."""
    match value:
        case str():
            yield place, Decimal(value)
        case Mapping():
            for name, each in value.items():
                yield from _leaves((*place, name), each)
        case list() | tuple():
            for each in value:
                yield from _leaves((*place, str(each.get("above_prompt_tokens", ""))), each)


def _paid(prices: Prices, leaf: Leaf) -> Decimal | None:
    """The price that a class is paid at: its own, or that of the class that it is paid as; `None` without any."""
    if leaf in prices or not leaf:
        return prices.get(leaf)
    return prices.get((*leaf[:-1], PAID_AS.get(leaf[-1], "input")))


def _shown(price: Decimal | None) -> str:
    return "none" if price is None else f"{price:f}"
