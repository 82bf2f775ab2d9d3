"""Takes list prices into the catalog from the `genai-prices` package: `make catalog`.

It prints what would change in chat.json, and writes it. A price that moved by more than a quarter is not written, and
neither is a class that came or went, until `ACCEPT` names the model: it has to be looked at on the vendor's page first.
Prices that the package does not have, or has wrong, are read by hand; `costs/list_prices.json` says from where. The
context and the fees of tools are compared and not written, since the package rounds them.
"""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from msgspec import Struct

from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import DATA

CATALOG = Path(DATA) / CHAT_MODELS.file
NAMES = Path(__file__).parent / "costs" / "list_prices.json"
BOUND = Decimal("0.25")
# Their names of the classes, by ours.
CLASSES = {
    "input": "input_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "audio_input": "input_audio_mtok",
    "output": "output_mtok",
    "audio_output": "output_audio_mtok",
}
# The class that a class without a price is paid as.
PAID_AS = {"audio_output": "output"}
SEARCHES = "web_searches_kcount"
SEARCH_TOOLS = ("web_search", "google_search")

Row = dict[str, Any]


class Listed(Struct, frozen=True):
    """The price of a model at a provider, with its steps, as the package has it; and what is compared only."""

    price: Row
    context: int | None = None
    search_usd: Decimal | None = None


# The price of a provider's model, by the package's name of the provider.
Source = Callable[[str, str], Listed | None]


class Names(Struct, frozen=True):
    """The package's names of providers, its names of models where they are not the provider's own, and the prices that
    are read by hand: by provider, or by provider and model, with the address that they were read at.
    """

    providers: Mapping[str, str]
    models: Mapping[str, str]
    by_hand: Mapping[str, str]


class Found(Struct, frozen=True):
    """One target of a row beside its price in the package; `holder` is the object that its price is written into."""

    model: str
    provider: str
    holder: Row
    before: Row
    after: Row

    @property
    def moved(self) -> Decimal:
        """The greatest part by which a class has moved, of its price before."""
        parts = [_moved(self.before, self.after)]
        parts += [_moved(*pair) for pair in zip(_steps(self.before), _steps(self.after), strict=False)]
        changed = len(_steps(self.before)) != len(_steps(self.after))
        return max(*parts, Decimal(int(changed)), Decimal(0))

    @property
    def line(self) -> str:
        """The change for a reader."""
        before, after = ({**price, "steps": len(_steps(price))} for price in (self.before, self.after))
        differ = [name for name in {**before, **after} if before.get(name) != after.get(name)] or ["steps"]
        told = ", ".join(f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}" for name in differ)
        return f"{self.model} at {self.provider}: {told}"


class Comparison(Struct, frozen=True):
    """All differences, and what needs a look: targets without a price, contexts and fees that differ."""

    changes: Sequence[Found]
    unknown: Sequence[str]
    notes: Sequence[str]


def compare(document: Row, source: Source, names: Names) -> Comparison:
    """Compares every target of every row with the package."""
    changes: list[Found] = []
    unknown: list[str] = []
    notes: list[str] = []
    tools = {row["id"]: row for row in document.get("tools", ())}
    for row, holder, target in _targets(document):
        provider, upstream = target["provider"], target["upstream_model"]
        listed = _looked_up(source, names, provider, upstream)
        if {provider, f"{provider} {upstream}"} & {*names.by_hand}:
            continue
        if listed is None:
            unknown.append(f"{row['id']} at {provider}: no price of {upstream!r}; name it, or read it by hand")
            continue
        after = _spelled_as(target["price"], _within(listed.price, row["context_window"]))
        if after != target["price"]:
            changes.append(Found(row["id"], provider, holder, target["price"], after))
        notes += _notes(row, target, listed, tools)
    return Comparison(changes, unknown, notes)


def write(document: Row, changes: Iterable[Found], day: str) -> None:
    """Takes the changes into the document, whose prices are of that day then."""
    for change in changes:
        change.holder["price"] = change.after
        document["price_version"] = day


def text_of(document: Row) -> str:
    """The document as the data files are written: a row a line."""
    parts = []
    for name, value in document.items():
        if isinstance(value, list):
            rows = ",\n".join(f"    {_line(row)}" for row in value)
            parts.append(f'  "{name}": [\n{rows}\n  ]')
        else:
            parts.append(f'  "{name}": {_line(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(value: Any) -> str:
    """JSON on one line, with a space behind each comma and colon."""
    match value:
        case dict():
            return "{" + ", ".join(f"{_line(name)}: {_line(each)}" for name, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_line, value)) + "]"
        case _:
            return orjson.dumps(value).decode()


def _targets(document: Row) -> Iterator[tuple[Row, Row, Row]]:
    """Each row, the object that holds a target's price, and the target with what it takes from its row."""
    for row in document["models"]:
        if "retired" in row:
            continue
        shared = {"provider": row["owned_by"], "upstream_model": row["id"]} | row
        first = True
        for own in row.get("targets", [{}]):
            holder = own if "price" in own or not first else row
            first = first and "price" in own
            yield row, holder, shared | own


def _looked_up(source: Source, names: Names, provider: str, upstream: str) -> Listed | None:
    theirs = names.models.get(f"{provider} {upstream}", upstream)
    return source(names.providers.get(provider, provider), theirs)


def _within(price: Row, context: int) -> Row:
    """The price without the steps that no prompt of the row reaches."""
    steps = [step for step in _steps(price) if step["above_prompt_tokens"] < context]
    rest = {name: price[name] for name in price if name != "steps"}
    return rest | ({"steps": steps} if steps else {})


def _spelled_as(before: Row, after: Row) -> Row:
    """The price as it is now, where a price that is the same number keeps its spelling."""

    def kept(name: str, value: Any) -> Any:
        own = before.get(name)
        if name != "steps":
            return own if own is not None and Decimal(own) == Decimal(value) else value
        steps = [*own, *[{}] * len(value)] if own else [{}] * len(value)
        return [_spelled_step(old, new) for old, new in zip(steps, value, strict=False)]

    return {name: kept(name, value) for name, value in after.items()}


def _spelled_step(before: Row, after: Row) -> Row:
    above = {"above_prompt_tokens": after["above_prompt_tokens"]}
    return above | _spelled_as(before, {name: after[name] for name in after if name not in above})


def _steps(price: Row) -> list[Row]:
    steps: list[Row] = price.get("steps", [])
    return steps


def _moved(before: Row, after: Row) -> Decimal:
    def paid(price: Row, name: str) -> Decimal:
        return Decimal(price.get(name) or price[PAID_AS.get(name, "input")])

    parts = [Decimal(0)]
    for name in CLASSES:
        old, new = paid(before, name), paid(after, name)
        parts.append(abs(new - old) / old if old else Decimal(int(new != old)))
    return max(parts)


def _notes(row: Row, target: Row, listed: Listed, tools: Mapping[str, Row]) -> Iterator[str]:
    own, theirs = row["context_window"], listed.context
    if theirs is not None and abs(theirs - own) > own * Decimal("0.06"):
        yield f"{row['id']} at {target['provider']}: the context is {own} here and {theirs} there"
    for name in target.get("tools", ()):
        price = Decimal(tools[name]["price"])
        is_search = tools[name]["tool"] in SEARCH_TOOLS
        if is_search and listed.search_usd is not None and listed.search_usd != price:
            yield f"{row['id']} at {target['provider']}: {name} is {price} here and {listed.search_usd} there"


def package() -> Source:
    """The prices of the installed package, as they are today."""
    providers = importlib.import_module("genai_prices.data").providers
    by_id = {provider.id: provider for provider in providers}
    now = datetime.now(tz=UTC)  # a developer's desk has one clock

    def listed(provider: str, model: str) -> Listed | None:
        if provider not in by_id:
            return None
        found = by_id[provider].find_model(model.lower(), all_providers=providers)
        return None if found is None else as_listed(vars(found.get_prices(now)), found.context_window)

    return listed


def as_listed(theirs: Mapping[str, Any], context: int | None) -> Listed | None:
    """A price of the package in the catalog's members; nothing for one that is not by tokens in and out."""
    base: dict[str, Decimal] = {}
    steps: dict[int, Row] = {}
    for ours, name in CLASSES.items():
        value = theirs.get(name)
        if value is None:
            continue
        base[ours] = getattr(value, "base", value)
        for tier in getattr(value, "tiers", ()):
            steps.setdefault(tier.start, {})[ours] = written(tier.price)
    if "input" not in base or "output" not in base:
        return None
    price: Row = {name: written(value) for name, value in base.items()}
    if steps:
        price["steps"] = [{"above_prompt_tokens": above, **price, **step} for above, step in sorted(steps.items())]
    searches = theirs.get(SEARCHES)
    return Listed(price, context, None if searches is None else searches / 1000)


def written(value: Decimal) -> str:
    """A number as decimal text, without an exponent and without zeros at its end."""
    plain = f"{value:f}"
    return re.sub(r"\.?0+$", "", plain) if "." in plain else plain


def read_names() -> Names:
    """The names and addresses of the data file beside this module."""
    return Names(**orjson.loads(NAMES.read_bytes()))


def main(chosen: argparse.Namespace) -> int:
    """Prints and writes; returns 1 where something was refused, or has no price."""
    document = orjson.loads(CATALOG.read_bytes())
    found = compare(document, package(), read_names())
    accepted = set(filter(None, (chosen.accept or "").split(",")))
    taken = [change for change in found.changes if change.moved <= BOUND or change.model in accepted]
    refused = [change for change in found.changes if change not in taken]
    for change in taken:
        print(change.line)
    for note in found.notes:
        print(f"look: {note}")
    for change in refused:
        print(f"refused: {change.line} (moved by {change.moved:.0%}); look, and say ACCEPT={change.model}")
    for line in found.unknown:
        print(f"unknown: {line}")
    write(document, taken, datetime.now(tz=UTC).date().isoformat())  # a developer's desk has one clock
    CATALOG.write_text(text_of(document), encoding="utf-8")
    return 1 if refused or found.unknown else 0
