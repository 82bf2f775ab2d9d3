"""Reads a JSON body or a query into the Struct that describes it. A wrong value is a 400 that names its JSON path.

The Structs are the bounds and the document of an endpoint at once: `msgspec.json.schema_components` writes their JSON
Schema, with `schema_of` for the types that read their values themselves. The library's first complaint is the caller's,
in the words in which `document` refuses a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Protocol, Self, TypeVar

from msgspec import Struct, ValidationError, convert

from gateway.errors import InvalidRequest
from gateway.framing import json_edit
from gateway.protocols.shared import document

PATH_CHARACTERS_MAX = 200

T = TypeVar("T", bound=Struct)


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body. Types are strict: a boolean is not a number, 60.0 is not an integer.

    Unknown members are refused, because one that is silently ignored is a setting that the caller wrongly relies on.
    """


class Read(Protocol):
    """A type of members that reads its values itself. `read` raises `ValueError` with what it expects."""

    SCHEMA: ClassVar[Mapping[str, Any]]

    @classmethod
    def read(cls, value: object) -> Self: ...


def read_body(body: bytes, kind: type[T]) -> T:
    """The members of a JSON object. A number that is no integer is exact, as the document spells it."""
    values = document.parse(body).as_object()
    texts = json_edit.members(body) if float in map(type, values.values()) else {}
    return read_members(
        {name: _decimal(texts[name], name) if type(value) is float else value for name, value in values.items()}, kind
    )


def read_members(values: Mapping[str, Any], kind: type[T]) -> T:
    """The members of an object that is parsed already, or of a form."""
    return _converted(values, kind, strict=True)


def read_query(values: Mapping[str, str], kind: type[T]) -> T:
    """The parameters of a query that the Struct names, of which numbers and booleans are written as in JSON."""
    return _converted(values, kind, strict=False)


def text(value: object) -> str:
    """The value, for a type that reads strings."""
    if type(value) is not str:
        raise TypeError(f"Expected `str`, got `{_JSON_NAMES.get(type(value), type(value).__name__)}`")
    return value


def schema_of(kind: type[Any]) -> dict[str, Any]:
    """The JSON Schema of a type that reads its values itself."""
    return dict(kind.SCHEMA)


def _converted(values: Mapping[str, Any], kind: type[T], *, strict: bool) -> T:
    try:
        return convert(values, kind, strict=strict, dec_hook=_read)
    except ValidationError as error:
        raise _refusal(str(error), kind) from None


def _read(kind: type[Read], value: object) -> Read:
    return kind.read(value)


def _decimal(text: bytes, name: str) -> Decimal:
    try:
        return Decimal(text.decode())
    except InvalidOperation:
        raise InvalidRequest("The number is out of range.", param=name, code="invalid_value") from None


# The library's own sentences: `Expected ..., got ... - at `$.a[0].b``. A test holds each of them.
_PLACED = re.compile(r"(.*) - at `\$([^`]*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_WRONG_TYPE = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_NAMED = re.compile(r"`(\w+)`")
_JSON_NAMES: dict[type, str] = {dict: "object", list: "array", type(None): "null", Decimal: "decimal"}
_NAMES = {
    "str": "a string",
    "bool": "a boolean",
    "int": "an integer",
    "float": "a decimal",
    "decimal": "a decimal",
    "array": "an array",
    "object": "an object",
    "null": "null",
    "orjson.Fragment": "an integer of more than 64 bits",
}


def _refusal(said: str, kind: type[Struct]) -> InvalidRequest:
    placed = _PLACED.fullmatch(said)
    what, place = (said, "") if placed is None else placed.groups()
    path = place.removeprefix(".")
    if missing := _MISSING.fullmatch(what):
        path = f"{path}.{missing[1]}".removeprefix(".")
        return _refused(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")
    if unknown := _UNKNOWN.fullmatch(what):
        path = f"{path}.{unknown[1]}".removeprefix(".")[:PATH_CHARACTERS_MAX]
        return _refused(f"Unknown parameter: '{path}'.", path, "unknown_parameter")
    if words := _words_at(path, kind):
        return _refused(f"Invalid '{path}'. Supported values are: {words}.", path, "invalid_value")
    if wrong := _WRONG_TYPE.fullmatch(what):
        expected = " or ".join(_NAMES.get(name, name) for name in wrong[1].split(" | "))
        found = _NAMES.get(wrong[2], wrong[2])
        subject = f"'{path}'" if path else "the request body"
        told = f"Invalid type for {subject}: expected {expected}, but got {found} instead."
        return _refused(told, path, "invalid_type")
    told = _NAMED.sub(lambda name: _NAMES.get(name[1], name[1]), what).removesuffix(".")
    return _refused(f"Invalid '{path}': {told}." if path else f"{told}.", path, "invalid_value")


def _refused(message: str, path: str, code: str) -> InvalidRequest:
    return InvalidRequest(message, param=path or None, code=code)


def _words_at(name: str, kind: type[Struct]) -> str:
    """The words of which the member takes one, or nothing where it takes others; the library does not list them."""
    from msgspec import inspect  # noqa: PLC0415  # only what is refused pays for it

    described = inspect.type_info(kind)
    members = described.fields if isinstance(described, inspect.StructType) else ()
    types = [field.type for field in members if field.encode_name == name]
    for found in types:
        for one in found.types if isinstance(found, inspect.UnionType) else (found,):
            if isinstance(one, inspect.LiteralType):
                return ", ".join(f"'{word}'" for word in one.values)
    return ""
