"""Reads a row of a data file by its schema; an error names the wrong, missing or unknown member.

A reader takes a JSON value and returns the value that the model keeps; it raises `CatalogError` with the rule for the
value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from typing import Any

from msgspec import Struct

from gateway.ledger.money import NANO_PER_USD, NotAnAmount, parse_usd

Reader = Callable[[Any], Any]
REQUIRED: Any = object()
# 2001-01-01 and 2100-01-01.
MOMENT_MIN_S, MOMENT_MAX_S = 978_307_200, 4_102_444_800
PERCENT_MAX = 1000
NAME_LENGTH_MAX = 200


class CatalogError(ValueError):
    """Reports a wrong row of the catalog: the row, the member, and the rule for its value."""


class Member(Struct, frozen=True):
    """The reader of a member, its default, and the field it fills if the names differ."""

    read: Reader
    default: Any = REQUIRED
    field: str = ""


Schema = dict[str, Member]


def read(row: Any, schema: Schema) -> dict[str, Any]:
    """The fields of a row, with defaults for missing members."""
    allow(row, schema)
    fields = {}
    for name, member in schema.items():
        value = nested(name, member.read, row[name]) if name in row else member.default
        fields[member.field or name] = value
        if value is REQUIRED:
            raise CatalogError(f"member {name!r} is missing")
    return fields


def allow(row: Any, schema: Schema) -> None:
    """Raises `CatalogError` for a value that is not an object, and for a member that the schema does not have."""
    for name in an_object(row):
        if name not in schema:
            raise CatalogError(f"unknown member {name!r}; known: {', '.join(schema)}")


def nested(name: str, reader: Reader, value: Any) -> Any:
    """Reads the value of a member, whose name stands before its mistakes."""
    try:
        return reader(value)
    except CatalogError as wrong:
        raise CatalogError(f"{name}: {wrong}") from None


def an_object(value: Any) -> dict[str, Any]:
    """Reads an object whose members are read later."""
    if not isinstance(value, dict):
        raise CatalogError(f"must be an object, not {value!r}")
    return value


def text(value: Any) -> str:
    """Reads a non-empty string without white space at its ends."""
    if not isinstance(value, str) or not value:
        raise CatalogError(f"must be a text, not {value!r}")
    if value != value.strip():
        raise CatalogError(f"must not begin or end with white space: {value!r}")
    return value


def name(value: Any) -> str:
    """Reads a name of visible ASCII: it stands in headers, in addresses and in logs."""
    if not (text(value).isascii() and value.isprintable()) or " " in value:
        raise CatalogError(f"must be of visible ASCII characters, without white space: {value!r}")
    if len(value) > NAME_LENGTH_MAX:
        raise CatalogError(f"must have at most {NAME_LENGTH_MAX} characters, not {len(value)}")
    return str(value)


def day(value: Any) -> str:
    """Reads a day as `2026-11-21`."""
    try:
        read_back = date.fromisoformat(text(value)).isoformat()
    except ValueError:
        read_back = ""
    # `fromisoformat` also takes `20261121` and weeks, which do not sort by time as texts.
    if read_back != value:
        raise CatalogError(f"must be a day like '2026-11-21', not {value!r}")
    return read_back


def month(value: Any) -> str:
    """Reads a month as `2026-11`."""
    try:
        return day(f"{text(value)}-01")[:-3]
    except CatalogError:
        raise CatalogError(f"must be a month like '2026-11', not {value!r}") from None


def percent(value: Any) -> int:
    """Reads a percentage as decimal text, in hundredths of a percent: `2.5` is 250. One below 0 would be a loss."""
    hundredths, rest = divmod(parse_usd(usd(value)), NANO_PER_USD // 100)
    if rest or hundredths > PERCENT_MAX * 100:
        raise CatalogError(f"must be a percentage up to {PERCENT_MAX}, of at most two decimals, not {value!r}")
    return hundredths


def moment(value: Any) -> int:
    """Reads a time in seconds since 1970; milliseconds and a day as digits are out of its range."""
    if not MOMENT_MIN_S <= whole(value) < MOMENT_MAX_S:
        raise CatalogError(f"must be a time in seconds since 1970, of this century, not {value!r}")
    return whole(value)


def whole(value: Any) -> int:
    """Reads a whole number above 0."""
    if type(value) is not int or value < 1:
        raise CatalogError(f"must be a whole number above 0, not {value!r}")
    return value


def share(value: Any) -> int:
    """Reads a whole number from 0 to 100."""
    if type(value) is not int or not 0 <= value <= 100:
        raise CatalogError(f"must be a whole number from 0 to 100, not {value!r}")
    return value


def flag(value: Any) -> bool:
    """Reads true or false."""
    if not isinstance(value, bool):
        raise CatalogError(f"must be true or false, not {value!r}")
    return value


def usd(value: Any) -> str:
    """Reads an amount of USD as decimal text and keeps its spelling."""
    try:
        parse_usd(text(value))
    except NotAnAmount as wrong:
        raise CatalogError(str(wrong)) from None
    return str(value)


def one_of(known: Collection[str]) -> Reader:
    """Builds the reader of one word out of `known`."""

    def reader(value: Any) -> str:
        if value not in known:
            raise CatalogError(f"must be one of {', '.join(known)}, not {value!r}")
        return str(value)

    return reader


def several(each: Reader) -> Reader:
    """Builds the reader of a list that is not empty."""

    def reader(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not value:
            raise CatalogError(f"must be a list with something in it, not {value!r}")
        return tuple(map(each, value))

    return reader


def distinct(each: Reader) -> Reader:
    """Builds the reader of a list that is not empty and names nothing twice."""

    def reader(value: Any) -> tuple[Any, ...]:
        found: tuple[Any, ...] = several(each)(value)
        for place, one in enumerate(found):
            if one in found[:place]:
                raise CatalogError(f"names {one!r} twice")
        return found

    return reader


def record(schema: Schema, make: Callable[..., Any]) -> Reader:
    """Builds the reader of an object whose fields `make` takes."""
    return lambda value: make(**read(value, schema))
