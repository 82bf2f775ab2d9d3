"""Lays an operator's document over the data files: models, prices, margins, aliases and targets. Pure.

    {"margins": {"passthrough": "4.5"},
     "chat": {"models": [{"id": "gpt-4o", "price": {"input": "2.40", "output": "9.60"}}], "withdrawn": ["o1-pro"]}}

A row whose id the file has takes the document's members in place of its own, and loses those that are `null` there;
`targets` and `price` are taken whole. A row of another id is a whole row. Withdrawn ids are not for sale.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import orjson
from msgspec import Struct

from gateway.catalog.catalog import Catalog, M, Row
from gateway.catalog.loader import MARGINS, Kind, lazy, parse
from gateway.catalog.schema import CatalogError, Member, Schema, an_object, day, distinct, read, record, several, text
from gateway.ports.catalog import KnownNames

# An item of DynamoDB holds 400 KB, and every process reads the document again and again.
DOCUMENT_BYTES_MAX = 200_000

SECTION: Schema = {
    "price_version": Member(day, None),
    "models": Member(several(an_object), ()),
    "aliases": Member(several(an_object), ()),
    "tools": Member(several(an_object), ()),
    "withdrawn": Member(distinct(text), ()),
}
LISTS = ("aliases", "models", "tools")


class Overrides(Struct, frozen=True):
    """An operator's document that was read, and its version."""

    version: int
    margins: Mapping[str, Any] | None
    sections: Mapping[str, Mapping[str, Any]]

    def of(self, kind: Kind[Any]) -> Mapping[str, Any]:
        """The section of the kind's data file."""
        return self.sections.get(kind.section, {})


def read_overrides(document: bytes, version: int, known: Collection[str] | None = None) -> Overrides:
    """Reads a document; raises `CatalogError` for what is none. Its rows are read with those that they lie over.

    `known` are the sections of all kinds; a function, which sells one kind of them, passes over the others.
    """
    if len(document) > DOCUMENT_BYTES_MAX:
        raise CatalogError(f"the document has {len(document)} bytes; at most {DOCUMENT_BYTES_MAX} are taken")
    try:
        written = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise CatalogError(f"line {error.lineno}: not JSON: {error.msg}") from None
    named = an_object(written).keys() - {"margins"} if known is None else known
    section = Member(record(SECTION, dict), None)
    fields = read(written, {"margins": Member(record(MARGINS, dict), None), **dict.fromkeys(sorted(named), section)})
    margins = written["margins"] if fields.pop("margins") is not None else None
    return Overrides(version, margins, {name: section for name, section in fields.items() if section is not None})


def overlaid(kind: Kind[Any], file: Row, overrides: Overrides) -> Row:
    """The content of a data file as it is with the document; raises `CatalogError` for a row without an id."""
    section = overrides.of(kind)
    merged = file | {"overrides": overrides.version}
    if overrides.margins is not None:
        merged |= {"margins": overrides.margins}
    if section.get("price_version"):
        merged |= {"price_version": section["price_version"]}
    for name in LISTS:
        merged[name] = _laid(file.get(name, ()), section.get(name, ()), section.get("withdrawn", ()))
    _check_withdrawn(file, section)
    return {name: value for name, value in merged.items() if value != []}


def used(kind: Kind[M], file: Row, overrides: Overrides, known: KnownNames) -> Catalog[M]:
    """The catalog with the document, as a function uses it: the document's own rows are checked, and every name that
    leads to one. What it leaves to `checked` takes long, and is known since the document was set.
    """
    merged = overlaid(kind, file, overrides)
    catalog = lazy(kind, merged, known)
    _check_names(merged)
    section = overrides.of(kind)
    for row in (*section.get("aliases", ()), *section.get("models", ())):
        catalog.models_behind(catalog.offer(row["id"]))
    return catalog


def checked(kind: Kind[M], file: Row, overrides: Overrides, known: KnownNames) -> Catalog[M]:
    """The catalog with the document, every row checked by itself and against the others; raises `CatalogError`."""
    return parse(kind, overlaid(kind, file, overrides), known)


def changes(before: Row, after: Row) -> Iterator[str]:
    """Describes how two contents of a data file differ, a line for each member of a row."""
    if before["price_version"] != after["price_version"]:
        yield f"price_version: {before['price_version']} -> {after['price_version']}"
    for name in (*LISTS, "margins"):
        old, new = (_members(document, name) for document in (before, after))
        for place in sorted({*old, *new}):
            if old.get(place) != new.get(place):
                yield f"{place}: {_shown(old.get(place))} -> {_shown(new.get(place))}"


def _laid(rows: Iterable[Row], over: Iterable[Row], withdrawn: Iterable[str]) -> list[Row]:
    found, seen = {row["id"]: row for row in rows}, set[str]()
    for row in over:
        if not isinstance(row.get("id"), str):
            raise CatalogError(f"a row has no id: {_shown(row)}")
        if row["id"] in seen:
            raise CatalogError(f"{row['id']!r} is there twice; one row has all members of it")
        seen.add(row["id"])
        laid = found.get(row["id"], {}) | row
        found[row["id"]] = {name: laid[name] for name in laid if row.get(name, "kept") is not None}
    gone = frozenset(withdrawn)
    return [row for name, row in found.items() if name not in gone]


def _check_withdrawn(file: Row, section: Mapping[str, Any]) -> None:
    there = {row["id"] for name in LISTS for row in file.get(name, ())}
    for name in section.get("withdrawn", ()):
        if name not in there:
            raise CatalogError(f"withdrawn: there is no row {name!r}")


def _check_names(merged: Row) -> None:
    """Raises `CatalogError` for a name in a row that leads to none, as one of a withdrawn model would."""
    there = {row["id"] for row in merged["models"]}
    for row in (*merged.get("aliases", ()), *merged["models"]):
        successor = [row["retired"]["successor"]] if "retired" in row else []
        for name in (*row.get("models", ()), *row.get("fallbacks", ()), *successor):
            if name not in there:
                raise CatalogError(f"{row['id']!r} leads to {name!r}, which is not there")


def _members(document: Row, name: str) -> dict[str, Any]:
    """The members of the rows of a list, each by its place; those of nested objects by themselves."""
    value = document.get(name, {})
    if isinstance(value, Mapping):
        return dict(_flat(name, value))
    return {place: each for row in value for place, each in _flat(row["id"], row) if place != f"{row['id']}: id"}


def _flat(place: str, value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, each in value.items():
        inside = f"{place}: {name}" if ": " not in place else f"{place}.{name}"
        if isinstance(each, Mapping):
            yield from _flat(inside, each)
        else:
            yield inside, each


def _shown(value: Any) -> str:
    return "none" if value is None else orjson.dumps(value).decode()
