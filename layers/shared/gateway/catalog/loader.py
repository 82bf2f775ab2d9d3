"""Reads the catalog of one kind of models from its data file: one schema and one loader for all kinds.

| row | members |
|---|---|
| model | `MODEL` and the facts of its kind; the members of its one target, or `targets`, a list of several |
| retired id | `RETIRED` |
| alias | `ALIAS` |
| tool | `id`, and the members of its kind; stands where a model or target names it in `tools` |

`providers` of a file, where there are any, are the only ones that serve its kind. A target inherits missing members
from its model's row. A mistake in a row is a `CatalogError` with the row's id: in any row where `parse` reads the file,
as tests and the start check do, and in a row at its first use where `load` does, as functions do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from io import FileIO
from typing import Any, Generic, TypeAlias, TypeVar

import orjson
from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.models import STANDARD_SALE, Alias, ModelTarget, Retired, Sale, ToolPrice
from gateway.canonical.money import Tier
from gateway.catalog.catalog import Catalog, M, Row
from gateway.catalog.checks import check, check_model, check_names, check_tool
from gateway.catalog.schema import (
    CatalogError,
    Member,
    Schema,
    allow,
    an_object,
    day,
    distinct,
    flag,
    moment,
    month,
    name,
    nested,
    one_of,
    percent,
    read,
    record,
    several,
    text,
    whole,
)
from gateway.ports.catalog import KnownNames

T = TypeVar("T")
Tools: TypeAlias = Mapping[str, ToolPrice]

# A string, because importing `pathlib` alone adds 4 ms to a cold start.
FOLDER, FACTS_FOLDER = "models", "facts"
DATA = f"{__file__.rpartition('/')[0]}/{FOLDER}"
FACTS = f"{__file__.rpartition('/')[0]}/{FACTS_FOLDER}"

MARGINS: Schema = {
    "passthrough": Member(percent, STANDARD_SALE.margin, field="margin"),
    "byok": Member(percent, STANDARD_SALE.byok_fee, field="byok_fee"),
}
# `overrides` is the version of the operator's document that the file is laid under (`catalog/overrides.py`).
FILE: Schema = {
    "price_version": Member(day),
    "models": Member(several(an_object)),
    "aliases": Member(several(an_object), ()),
    "tools": Member(several(an_object), ()),
    "providers": Member(distinct(text), ()),
    "margins": Member(record(MARGINS, dict), {}),
    "overrides": Member(whole, None),
}
MODEL: Schema = {
    "id": Member(name),
    "owned_by": Member(text),
    "created": Member(moment, field="created_s"),
    "fallbacks": Member(distinct(text), ()),
    "targets": Member(several(an_object), ()),
    "knowledge": Member(month, None),
    "retires_on": Member(day, None),
    "margin": Member(percent, None),
    "byok_fee": Member(percent, None),
}
TARGET: Schema = {"provider": Member(text), "upstream_model": Member(name)}
ALIAS: Schema = {
    "id": Member(name),
    "created": Member(moment, field="created_s"),
    "tier": Member(one_of((Tier.FAST, Tier.BALANCED, Tier.PASSTHROUGH)), Tier.PASSTHROUGH),
    "models": Member(distinct(text)),
    "price": Member(an_object, None),
    "graded": Member(flag, False),
    "also": Member(distinct(name), ()),
}
RETIREMENT: Schema = {"on": Member(day, field="retired_on"), "successor": Member(text)}
RETIRED: Schema = {"id": Member(name), "retired": Member(record(RETIREMENT, dict))}


def no_tool(_: dict[str, Any]) -> ToolPrice:
    """Refuses a tool of a kind whose models have none."""
    raise CatalogError("models of this file are sold with no tools")


def no_price(_: Any) -> Any:
    """Refuses a price of an alias of a kind whose aliases cost what their models do."""
    raise CatalogError("aliases of this file cost what their models do")


class Kind(Struct, Generic[M], frozen=True):
    """One kind of models: its data file, the class of a model, and the members of a model and a target.

    `preferences` are the suffixes that a caller may add to a model's name. `check` raises `CatalogError` for a model
    whose members contradict each other; `alike` gives the fact in which a model and its fallbacks must agree. `tool`
    reads a tool of a provider from its row without the id, and `flat` the price of an alias. `facts` names members of
    rows that a file of their own holds: they are judged and measured here, where rows are read from vendors.
    """

    file: str
    make: Callable[..., M]
    model: Schema
    target: Schema
    preferences: tuple[str, ...] = ()
    check: Callable[[M], None] = lambda _: None
    alike: Callable[[M], object] = lambda _: None
    tool: Callable[[dict[str, Any]], ToolPrice] = no_tool
    flat: Callable[[Any], Any] = no_price
    facts: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """The name of the kind's part of an operator's document."""
        return self.file.removesuffix(".json")


def load(kind: Kind[M], known: KnownNames) -> Catalog[M]:
    """Loads the catalog of this release. A row is checked at its first use; the tests of a release check all."""
    return lazy(kind, document_of(kind), known)


def document_of(kind: Kind[M]) -> Row:
    """The content of the kind's data file, with its facts; raises `CatalogError` where it is not JSON."""
    document = _json_in(f"{DATA}/{kind.file}", f"{FOLDER}/{kind.file}")
    if kind.facts:
        _lay(_json_in(f"{FACTS}/{kind.file}", f"{FACTS_FOLDER}/{kind.file}"), document, kind.facts)
    return document


def _json_in(path: str, name: str) -> Row:
    with FileIO(path) as file:
        text = file.readall()
    try:
        document: Row = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CatalogError(f"{name}: line {error.lineno}: not JSON: {error.msg}") from None
    return document


def _lay(facts: Row, document: Row, names: Collection[str]) -> None:
    """Lays the facts under the rows: those of a model, and before them those of the provider of a target."""
    models, providers = facts["models"], facts["providers"]
    for row in document["models"]:
        for part, known in ((row, models.get(row.get("id"))), *_at_providers(row, providers)):
            if known is not None:
                part |= {name: known[name] for name in names if name in known and name not in part}


def _at_providers(row: Row, providers: Mapping[str, Row]) -> list[tuple[Row, Row | None]]:
    return [(target, providers.get(target.get("provider", ""))) for target in row.get("targets", ())]


def parse(kind: Kind[M], document: Row, known: KnownNames) -> Catalog[M]:
    """Builds a catalog from a data file's content and checks every row; raises `CatalogError`."""
    catalog, reader = _opened(kind, document, known)
    try:
        reader.check_tools()
        rows = [*_each("alias", document.get("aliases", ())), *_each("model", document["models"])]
        offers = [(where, reader.read(row, where)) for where, row in rows]
        check(offers, document["price_version"], kind.preferences, kind.alike)
    except CatalogError as wrong:
        raise CatalogError(f"{FOLDER}/{kind.file}: {wrong}") from None
    return catalog


def lazy(kind: Kind[M], document: Row, known: KnownNames) -> Catalog[M]:
    """Builds a catalog whose rows are read at their first use; raises `CatalogError` for what is no data file."""
    return _opened(kind, document, known)[0]


def _opened(kind: Kind[M], document: Row, known: KnownNames) -> tuple[Catalog[M], Reader[M]]:
    try:
        file = read(document, FILE)
        reader = Reader(kind, file, _only(file["providers"], known))
    except CatalogError as wrong:
        raise CatalogError(f"{FOLDER}/{kind.file}: {wrong}") from None
    rows = {row.get("id", ""): row for row in (*file["aliases"], *file["models"])}
    return Catalog(rows, reader, kind.preferences), reader


class Reader(Generic[M]):
    """Reads the rows of one file, each by itself."""

    def __init__(self, kind: Kind[M], file: Row, known: KnownNames) -> None:
        self._kind = kind
        self._known = known
        self._tool_rows = file["tools"]
        version = f"{file['price_version']}+{file['overrides']}" if file["overrides"] else file["price_version"]
        self._sale = Sale(version, **file["margins"])

    def __call__(self, row: Row) -> M | Alias | Retired:
        """The row's value, in a catalog that is in use; its mistakes are named with the file."""
        try:
            return self.read(row, f"{'alias' if 'models' in row else 'model'} {row.get('id')!r}")
        except CatalogError as wrong:
            raise CatalogError(f"{FOLDER}/{self._kind.file}: {wrong}") from None

    def read(self, row: Row, where: str) -> M | Alias | Retired:
        """The row's value; a mistake is a `CatalogError` that begins with `where`."""
        try:
            if "models" in row:
                return _alias(self._kind, row)
            offer = _sold(self._kind, self._tools, self._sale, row)
            if not isinstance(offer, Retired):
                check_model(offer, self._known)
        except CatalogError as wrong:
            raise CatalogError(f"{where}: {wrong}") from None
        return offer

    def check_tools(self) -> None:
        """Raises `CatalogError` for a wrong row of a tool, whether a model names it or not."""
        _ = self._tools

    @cached_property
    def _tools(self) -> Tools:
        return _by_name(self._kind, self._tool_rows, self._known)


def _only(providers: Iterable[str], known: KnownNames) -> KnownNames:
    """The names without the providers that do not serve the file's kind."""
    check_names("providers: unknown provider", providers, known.providers)
    served = {provider: known.providers[provider] for provider in providers}
    return replace(known, providers=served or known.providers)


def _each(what: str, rows: Iterable[Row]) -> Iterator[tuple[str, Row]]:
    """Pairs each row with the name that error messages use for it."""
    return ((f"{what} {row.get('id', number)!r}", row) for number, row in enumerate(rows, start=1))


def _read(what: str, rows: Iterable[Row], make: Callable[[Row], T]) -> Iterator[T]:
    """Reads each row; a mistake is named with the row."""
    for where, row in _each(what, rows):
        try:
            yield make(row)
        except CatalogError as wrong:
            raise CatalogError(f"{where}: {wrong}") from None


def _alias(kind: Kind[M], row: Row) -> Alias:
    fields = read(row, ALIAS)
    if fields["price"] is None:
        return Alias(**fields)
    alias = Alias(**fields | {"price": nested("price", kind.flat, fields["price"])})
    if not alias.flat:
        raise CatalogError(f"price: an alias of tier {alias.tier!r} costs what its models do")
    return alias


def _by_name(kind: Kind[M], rows: Iterable[Row], known: KnownNames) -> Tools:
    """The tools by their ids. A tool is read once, however many targets it is sold with."""
    found: dict[str, ToolPrice] = {}

    def tool(row: Row) -> None:
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


def _with_tools(row: Row, tools: Tools) -> Row:
    """The row with the tools that it names in the place of their names."""
    if "tools" not in row:
        return row
    named = read({"tools": row["tools"]}, {"tools": Member(distinct(one_of(tools)))})["tools"]
    return row | {"tools": [tools[each] for each in named]}


def _sold(kind: Kind[M], tools: Tools, sale: Sale, row: Row) -> M | Retired:
    if "retired" in row:
        fields = read(row, RETIRED)
        return Retired(fields["id"], **fields["retired"])
    allow(row, kind.model | kind.target)
    row = _with_tools(row, tools)
    fields = read({name: row[name] for name in row if name not in kind.target}, kind.model)
    own = {name: value for name in ("margin", "byok_fee") if (value := fields.pop(name)) is not None}
    fields["sale"] = replace(sale, **own) if own else sale
    shared = {"provider": fields["owned_by"], "upstream_model": fields["id"]}
    shared |= {name: row[name] for name in row if name in kind.target}
    if "targets" not in row:
        fields["targets"] = (ModelTarget(**read(shared, kind.target)),)
    else:
        owned = [_with_tools(own, tools) for own in fields["targets"]]
        fields["targets"] = tuple(_read("target", owned, lambda own: ModelTarget(**read(shared | own, kind.target))))
    model = kind.make(**fields)
    kind.check(model)
    return model
