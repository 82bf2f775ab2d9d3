"""A JSON Schema within what the wire enforces: what it does not know becomes part of the description.

https://docs.claude.com/en/docs/build-with-claude/structured-outputs#json-schema-limitations: every object is closed,
numbers and strings have no bounds, arrays at most a `minItems` of 0 or 1, and a string one of few formats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

Schema = dict[str, Any]

_FORMATS = frozenset(
    {"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"},
)
_KEPT = frozenset(
    {"$ref", "additionalProperties", "const", "default", "description", "enum", "required", "title", "type"},
)


def enforceable(schema: Mapping[str, Any]) -> Schema:
    """The schema as the wire takes it; what was left out is told to the model in words."""
    kept: Schema = {}
    told: Schema = {}
    for name, value in schema.items():
        if name in _NESTED:
            place, nest = _NESTED[name]
            kept[place] = nest(value)
        elif name in _KEPT or _is_known(name, value):
            kept[name] = value
        elif name != "$schema":
            told[name] = value
    if "properties" in kept or kept.get("type") == "object":
        kept = {"type": "object"} | kept | {"additionalProperties": False}
    if told:
        words = orjson.dumps(told).decode()
        kept["description"] = f"{kept['description']}\n\n{words}" if kept.get("description") else words
    return kept


def _is_known(name: str, value: object) -> bool:
    return (name == "format" and value in _FORMATS) or (name == "minItems" and value in (0, 1))


def _one(schema: Any) -> Any:
    return enforceable(schema) if isinstance(schema, dict) else schema


def _listed(schemas: Any) -> Any:
    return [_one(schema) for schema in schemas] if isinstance(schemas, list) else schemas


def _named(schemas: Any) -> Any:
    return {name: _one(schema) for name, schema in schemas.items()} if isinstance(schemas, dict) else schemas


# Where schemas hold schemas: the member they go under, since `oneOf` is not known, and how they are held.
_NESTED: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "$defs": ("$defs", _named),
    "definitions": ("definitions", _named),
    "properties": ("properties", _named),
    "items": ("items", _one),
    "anyOf": ("anyOf", _listed),
    "oneOf": ("anyOf", _listed),
    "allOf": ("allOf", _listed),
}
