"""Reads the catalog of one kind of models from its data file: one schema and one loader for all kinds.

| row | members |
|---|---|
| model | `MODEL` and the facts of its kind; the members of its one target, or `targets`, a list of several |
| retired id | `RETIRED` |
| alias | `ALIAS` |
| tool | `id`, and the members of its kind; stands where a model or target names it in `tools` |

`providers` of a file, where there are any, are the only ones that serve its kind. A target inherits missing members
from its model's row. A mistake in a row is a `CatalogError` with the row's id at load, before the catalog is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import FileIO
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import orjson

from gateway.canonical.models import Alias, ModelTarget, Retired, ToolPrice
from gateway.canonical.money import Tier
from gateway.catalog.catalog import Catalog, M
from gateway.catalog.checks import Row, check, check_names, check_tool
from gateway.catalog.schema import (
    CatalogError,
    Member,
    Schema,
    allow,
    an_object,
    day,
    distinct,
    moment,
    name,
    one_of,
    read,
    record,
    several,
    text,
)
from gateway.ports.catalog import KnownNames

T = TypeVar("T")
Tools: TypeAlias = dict[str, ToolPrice]

# A string, because importing `pathlib` alone adds 4 ms to a cold start.
FOLDER = "models"
DATA = f"{__file__.rpartition('/')[0]}/{FOLDER}"

FILE: Schema = {
    "price_version": Member(day),
    "models": Member(several(an_object)),
    "aliases": Member(several(an_object), ()),
    "tools": Member(several(an_object), ()),
    "providers": Member(distinct(text), ()),
}
MODEL: Schema = {
    "id": Member(name),
    "owned_by": Member(text),
    "created": Member(moment, field="created_s"),
    "fallbacks": Member(distinct(text), ()),
    "targets": Member(several(an_object), ()),
}
TARGET: Schema = {"provider": Member(text), "upstream_model": Member(name)}
ALIAS: Schema = {
    "id": Member(name),
    "created": Member(moment, field="created_s"),
    "tier": Member(one_of((Tier.FAST, Tier.BALANCED, Tier.PASSTHROUGH)), Tier.PASSTHROUGH),
    "models": Member(distinct(text)),
}
RETIREMENT: Schema = {"on": Member(day, field="retired_on"), "successor": Member(text)}
RETIRED: Schema = {"id": Member(name), "retired": Member(record(RETIREMENT, dict))}


def no_tool(_: dict[str, Any]) -> ToolPrice:
    """Refuses a tool of a kind whose models have none."""
    raise CatalogError("models of this file are sold with no tools")


class Kind(NamedTuple, Generic[M]):
    """One kind of models: its data file, the class of a model, and the members of a model and a target.

    `preferences` are the suffixes that a caller may add to a model's name. `check` raises `CatalogError` for a model
    whose members contradict each other; `alike` gives the fact in which a model and its fallbacks must agree. `tool`
    reads a tool of a provider from its row without the id.
    """

    file: str
    make: Callable[..., M]
    model: Schema
    target: Schema
    preferences: tuple[str, ...] = ()
    check: Callable[[M], None] = lambda _: None
    alike: Callable[[M], object] = lambda _: None
    tool: Callable[[dict[str, Any]], ToolPrice] = no_tool


def load(kind: Kind[M], known: KnownNames) -> Catalog[M]:
    """Loads the catalog of this release and checks it against the names that its rows may use; raises
    `CatalogError`.
    """
    with FileIO(f"{DATA}/{kind.file}") as file:
        text = file.readall()
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CatalogError(f"{FOLDER}/{kind.file}: line {error.lineno}: not JSON: {error.msg}") from None
    return parse(kind, document, known)


def parse(kind: Kind[M], document: Any, known: KnownNames) -> Catalog[M]:
    """Builds a catalog from a data file's content; raises `CatalogError`."""
    try:
        file = read(document, FILE)
        known = _only(file["providers"], known)
        tools = _by_name(kind, file["tools"], known)
        sold = partial(_sold, kind, tools)
        rows = [*_read("alias", file["aliases"], _alias), *_read("model", file["models"], sold)]
        offers = _by_id(rows)
        check([Row(*row) for row in rows], known, file["price_version"], kind.preferences, kind.alike)
    except CatalogError as wrong:
        raise CatalogError(f"{FOLDER}/{kind.file}: {wrong}") from None
    return Catalog(file["price_version"], offers, kind.preferences)


def _only(providers: Iterable[str], known: KnownNames) -> KnownNames:
    """The names without the providers that do not serve the file's kind."""
    check_names("providers: unknown provider", providers, known.providers)
    served = {provider: known.providers[provider] for provider in providers}
    return known._replace(providers=served or known.providers)


def _read(what: str, rows: Iterable[dict[str, Any]], make: Callable[[dict[str, Any]], T]) -> Iterator[tuple[str, T]]:
    """Pairs each row's value with the name that error messages use for it."""
    for number, row in enumerate(rows, start=1):
        where = f"{what} {row.get('id', number)!r}"
        try:
            yield where, make(row)
        except CatalogError as wrong:
            raise CatalogError(f"{where}: {wrong}") from None


def _by_id(rows: Iterable[tuple[str, M | Alias | Retired]]) -> dict[str, M | Alias | Retired]:
    offers: dict[str, M | Alias | Retired] = {}
    for where, offer in rows:
        if offer.id in offers:
            raise CatalogError(f"{where}: another row has this id")
        offers[offer.id] = offer
    return offers


def _alias(row: dict[str, Any]) -> Alias:
    return Alias(**read(row, ALIAS))


def _by_name(kind: Kind[M], rows: Iterable[dict[str, Any]], known: KnownNames) -> Tools:
    """The tools by their ids. A tool is read once, however many targets it is sold with."""
    found: Tools = {}

    def tool(row: dict[str, Any]) -> None:
        own = read({"id": row["id"]} if "id" in row else {}, {"id": Member(name)})["id"]
        members = {member: value for member, value in row.items() if member != "id"}
        made = kind.tool(members)
        check_tool(made, known)
        if own in found:
            raise CatalogError("another row has this id")
        found[own] = made

    for _ in _read("tool", rows, tool):
        pass
    return found


def _with_tools(row: dict[str, Any], tools: Tools) -> dict[str, Any]:
    """The row with the tools that it names in the place of their names."""
    if "tools" not in row:
        return row
    named = read({"tools": row["tools"]}, {"tools": Member(distinct(one_of(tools)))})["tools"]
    return row | {"tools": [tools[each] for each in named]}


def _sold(kind: Kind[M], tools: Tools, row: dict[str, Any]) -> M | Retired:
    if "retired" in row:
        fields = read(row, RETIRED)
        return Retired(fields["id"], **fields["retired"])
    allow(row, kind.model | kind.target)
    row = _with_tools(row, tools)
    fields = read({name: row[name] for name in row if name not in kind.target}, kind.model)
    shared = {"provider": fields["owned_by"], "upstream_model": fields["id"]}
    shared |= {name: row[name] for name in row if name in kind.target}
    if "targets" not in row:
        fields["targets"] = (ModelTarget(**read(shared, kind.target)),)
    else:
        owned = (_with_tools(own, tools) for own in fields["targets"])
        targets = _read("target", owned, lambda own: ModelTarget(**read(shared | own, kind.target)))
        fields["targets"] = tuple(target for _, target in targets)
    model = kind.make(**fields)
    kind.check(model)
    return model
