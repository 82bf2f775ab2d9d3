"""JSON Schema <-> what Gemini's two APIs take of it, so that no keyword of a caller's schema gets a request refused.

Callers of this wire describe arguments and answers in a subset of OpenAPI 3.0 (`parameters`, `responseSchema`), which
becomes JSON Schema; providers of it are always given JSON Schema (`parametersJsonSchema`, `responseJsonSchema`), which
both APIs take, in the keywords that https://ai.google.dev/api/generate-content#FIELDS.response_json_schema lists. What
that list lacks (field case F4):
- annotations of https://json-schema.org/draft/2020-12/json-schema-validation#section-9, which constrain nothing, and
  keywords that JSON Schema does not know, which it reads as annotations: dropped;
- `const`: a one-word `enum`; `allOf`: merged; `definitions`: `$defs`;
- every other constraint: told in `description`, where the model reads it.
A reference outside of the schema is refused by its path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.errors import InvalidRequest
from gateway.protocols.gemini.names import camel

Schema = dict[str, Any]

DEPTH_MAX = 64

_FORMATS = frozenset({"date", "date-time", "time", "duration", "int32", "int64", "float", "double"})
_KEPT = frozenset(
    {
        "$anchor",
        "$id",
        "description",
        "maxItems",
        "maximum",
        "minItems",
        "minimum",
        "propertyOrdering",
        "required",
        "title",
        "type",
    }
)
_TOLD = frozenset(
    {
        "contains",
        "default",
        "dependentRequired",
        "dependentSchemas",
        "else",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "if",
        "maxContains",
        "maxLength",
        "maxProperties",
        "minContains",
        "minLength",
        "minProperties",
        "multipleOf",
        "not",
        "pattern",
        "patternProperties",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
        "uniqueItems",
    }
)
_LIMITS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
# Of 64 bits all of these digits are sure to be.
_LIMIT_DIGITS_MAX = 18


def too_deep(path: str) -> InvalidRequest:
    """The refusal of a schema that no model could read."""
    return InvalidRequest(f"Invalid '{path}': the schema is nested too deeply.", param=path, code="invalid_schema")


def from_openapi(schema: object, path: str, depth: int = 0) -> Any:
    """A `Schema` of this wire, in either spelling, as JSON Schema."""
    if depth > DEPTH_MAX:
        raise too_deep(path)
    if not isinstance(schema, dict):
        return schema
    found = {camel(name): value for name, value in schema.items() if value is not None}
    known: Schema = {}
    for name, value in found.items():
        if name in _OPENAPI:
            known |= _OPENAPI[name](value, path, depth + 1)
        elif name not in {"nullable", "propertyOrdering"}:
            known[name] = value
    if isinstance(found.get("propertyOrdering"), list):
        known = _ordered(known, found["propertyOrdering"])
    return _nullable(known) if found.get("nullable") is True else known


def _ordered(schema: Schema, order: list[Any]) -> Schema:
    """JSON Schema has no word for the order of properties but the order itself."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    first = {name: properties[name] for name in order if isinstance(name, str) and name in properties}
    return schema | {"properties": first | properties}


def _nullable(schema: Schema) -> Schema:
    if "type" in schema:
        schema = schema | {"type": [schema["type"], "null"]}
    if isinstance(schema.get("enum"), list):
        schema = schema | {"enum": [*schema["enum"], None]}
    if isinstance(schema.get("anyOf"), list):
        schema = schema | {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    return schema


def _openapi_type(value: object, _: str, __: int) -> Schema:
    if value == "TYPE_UNSPECIFIED":
        return {}
    return {"type": value.lower() if isinstance(value, str) else value}


def _openapi_limit(name: str) -> Callable[[object, str, int], Schema]:
    """A 64-bit integer, which proto JSON writes as a string; a longer one is left for the provider to refuse."""

    def limit(value: object, _: str, __: int) -> Schema:
        is_number = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _LIMIT_DIGITS_MAX
        return {name: int(str(value)) if is_number else value}

    return limit


def _openapi_each(name: str) -> Callable[[object, str, int], Schema]:
    def each(value: object, path: str, depth: int) -> Schema:
        if isinstance(value, list):
            return {name: [from_openapi(item, path, depth) for item in value]}
        if isinstance(value, dict):
            return {name: {key: from_openapi(item, path, depth) for key, item in value.items()}}
        return {name: value}

    return each


_OPENAPI: Mapping[str, Callable[[Any, str, int], Schema]] = {
    "type": _openapi_type,
    # `enum` says only that there is an enum.
    "format": lambda value, _, __: {} if value == "enum" else {"format": value},
    "example": lambda value, _, __: {"examples": [value]},
    "ref": lambda value, _, __: {"$ref": value},
    "defs": lambda value, path, depth: {"$defs": _openapi_each("defs")(value, path, depth)["defs"]},
    "properties": _openapi_each("properties"),
    "anyOf": _openapi_each("anyOf"),
    "items": lambda value, path, depth: {"items": from_openapi(value, path, depth)},
    "additionalProperties": lambda value, path, depth: {"additionalProperties": from_openapi(value, path, depth)},
    **{name: _openapi_limit(name) for name in _LIMITS},
}


def to_gemini(schema: Mapping[str, Any], path: str) -> Schema:
    """The schema in the keywords that Gemini takes; raises `InvalidRequest` for what has no place there."""
    try:
        return _Cleaner(schema, path).clean(schema, 0)
    except orjson.JSONEncodeError:
        raise too_deep(path) from None


class _Cleaner:
    """One schema on its way; references are looked up in its root."""

    def __init__(self, root: Mapping[str, Any], path: str) -> None:
        self._root = root
        self._path = path

    def clean(self, schema: object, depth: int) -> Schema:
        """One schema or subschema; `true` and `false` constrain nothing that the model could be told."""
        if depth > DEPTH_MAX:
            raise too_deep(self._path)
        if not isinstance(schema, Mapping):
            return {}
        whole = self._merged(schema, depth)
        in_words = [
            f"{name}: {orjson.dumps(value).decode()}" for name, value in whole.items() if _goes_in_words(name, value)
        ]
        out: Schema = {}
        for name, value in whole.items():
            if name in _KEPT:
                out[name] = value
            elif name in _CLEANERS:
                out |= _CLEANERS[name](self, value, depth + 1)
        if in_words:
            out["description"] = " ".join(filter(None, (out.get("description"), f"({'; '.join(in_words)})")))
        return _reference_alone(out)

    def each(self, name: str, value: object, depth: int) -> Schema:
        """A keyword whose value is an array, or an object, of schemas."""
        if isinstance(value, list):
            return {name: [self.clean(item, depth) for item in value]}
        if isinstance(value, Mapping):
            return {name: {key: self.clean(item, depth) for key, item in value.items()}}
        return {}

    def one(self, name: str, value: object, depth: int) -> Schema:
        """A keyword whose value is a schema, or a boolean."""
        if name == "items" and isinstance(value, list):
            return self.each("prefixItems", value, depth)
        return {name: value if isinstance(value, bool) else self.clean(value, depth)}

    def reference(self, value: object) -> Schema:
        """A pointer within this schema, to where its definitions stand here."""
        if not isinstance(value, str) or not value.startswith("#"):
            raise self._refused("only references within the schema can be followed")
        return {"$ref": value.replace("#/definitions/", "#/$defs/", 1)}

    def _merged(self, schema: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
        """The schema with what its `allOf` says, which this wire has no word for."""
        pieces = schema.get("allOf")
        if not isinstance(pieces, list):
            return schema
        whole = {name: value for name, value in schema.items() if name != "allOf"}
        if len(pieces) == 1 and isinstance(pieces[0], Mapping) and "$ref" in pieces[0]:
            return {**pieces[0], **whole}
        for piece in pieces:
            whole = self._joined(whole, self._merged(self._followed(piece, depth), depth + 1))
        return whole

    def _joined(self, whole: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
        for name, value in more.items():
            held = whole.get(name, value)
            if name == "properties" and isinstance(held, Mapping) and isinstance(value, Mapping):
                whole[name] = {**value, **held}
            elif name == "required" and isinstance(held, list) and isinstance(value, list):
                whole[name] = list(dict.fromkeys([*held, *value]))
            elif held == value or name in {"title", "description"}:
                whole[name] = held
            else:
                raise self._refused(f"'allOf' says two different things of '{name}'")
        return whole

    def _followed(self, piece: object, depth: int) -> Mapping[str, Any]:
        """The schema that a reference names, looked up from the root."""
        if depth > DEPTH_MAX:
            raise too_deep(self._path)
        if not isinstance(piece, Mapping):
            return {}
        if "$ref" not in piece:
            return piece
        found: object = self._root
        for step in str(self.reference(piece["$ref"]) and piece["$ref"]).split("/")[1:]:
            found = found.get(step) if isinstance(found, Mapping) else None
        return self._followed(found, depth + 1)

    def _refused(self, why: str) -> InvalidRequest:
        return InvalidRequest(f"Invalid '{self._path}': {why}.", param=self._path, code="invalid_schema")


def _enumerated(values: object) -> Schema:
    return {"enum": values} if _is_plain(values) else {}


def _is_plain(values: object) -> bool:
    """Gemini enumerates strings and numbers; null is the one more that makes them optional."""
    if not isinstance(values, list):
        return False
    return all(value is None or (isinstance(value, str | int | float) and type(value) is not bool) for value in values)


def _goes_in_words(name: str, value: object) -> bool:
    if name == "format":
        return value not in _FORMATS
    if name in {"enum", "const"}:
        return not _is_plain(value if name == "enum" else [value])
    return name in _TOLD


def _reference_alone(schema: Schema) -> Schema:
    """Keeps only `$` keywords beside a reference and puts the others around it."""
    beside = {name: value for name, value in schema.items() if not name.startswith("$")}
    if "$ref" not in schema or not beside:
        return schema
    alone = {name: value for name, value in schema.items() if name.startswith("$") and name != "$defs"}
    definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    return {"anyOf": [alone]} | beside | definitions


_CLEANERS: Mapping[str, Callable[[_Cleaner, Any, int], Schema]] = {
    "$ref": lambda cleaner, value, _: cleaner.reference(value),
    "$defs": lambda cleaner, value, depth: cleaner.each("$defs", value, depth),
    "definitions": lambda cleaner, value, depth: cleaner.each("$defs", value, depth),
    "properties": lambda cleaner, value, depth: cleaner.each("properties", value, depth),
    "anyOf": lambda cleaner, value, depth: cleaner.each("anyOf", value, depth),
    "oneOf": lambda cleaner, value, depth: cleaner.each("oneOf", value, depth),
    "prefixItems": lambda cleaner, value, depth: cleaner.each("prefixItems", value, depth),
    "items": lambda cleaner, value, depth: cleaner.one("items", value, depth),
    "additionalProperties": lambda cleaner, value, depth: cleaner.one("additionalProperties", value, depth),
    "enum": lambda _, value, __: _enumerated(value),
    "const": lambda _, value, __: _enumerated([value]),
    "format": lambda _, value, __: {"format": value} if value in _FORMATS else {},
}
