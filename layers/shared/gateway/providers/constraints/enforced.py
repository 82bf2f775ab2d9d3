"""A schema that a target holds an answer to, or a strict call: within what it enforces, the rest told in words.

Every object is closed. A keyword that the target does not know becomes part of the description, where the model reads
it; `oneOf` becomes `anyOf`, and a `minItems` above 1 is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.providers.constraints.table import Constraints

Schema = dict[str, Any]

# Keywords that hold a schema, a list of schemas, or schemas by name.
_ONE = frozenset({"items"})
_LISTED = frozenset({"anyOf", "oneOf", "allOf"})
_NAMED = frozenset({"$defs", "definitions", "properties"})
_INSTEAD = {"oneOf": "anyOf"}
# Neither a rule for the answer nor a word for the model.
_SILENT = frozenset({"$schema"})
_OPEN: tuple[object, ...] = (True, None)
_MIN_ITEMS = (0, 1)


def enforceable(schema: Mapping[str, Any], limits: Constraints) -> tuple[Mapping[str, Any], bool]:
    """The schema as the target takes it, and whether it enforces less than was asked."""
    if not limits.schema_keywords:
        return schema, False
    enforced = _Enforced(limits)
    return enforced.schema(schema), enforced.is_less


class _Enforced:
    def __init__(self, limits: Constraints) -> None:
        self._limits = limits
        self.is_less = False

    def schema(self, schema: Mapping[str, Any]) -> Schema:
        """One schema and those in it."""
        kept: Schema = {}
        told: Schema = {}
        for name, value in schema.items():
            place = _INSTEAD.get(name, name)
            if self._holds(place, value):
                kept[place] = self._nested(name, value)
            elif name == "additionalProperties":
                told |= {} if value is False or value in _OPEN else {name: value}
            elif name not in _SILENT:
                told[name] = value
        if "properties" in kept or kept.get("type") == "object":
            kept = {"type": "object"} | kept | {"additionalProperties": False}
        if told:
            self.is_less = True
            words = orjson.dumps(told).decode()
            kept["description"] = f"{kept['description']}\n\n{words}" if kept.get("description") else words
        return kept

    def _holds(self, name: str, value: object) -> bool:
        if name not in self._limits.schema_keywords:
            return False
        if name == "minItems":
            return value in _MIN_ITEMS
        return name != "format" or value in self._limits.schema_formats

    def _nested(self, name: str, value: Any) -> Any:
        if name in _ONE:
            return self._fitted(value)
        if name in _LISTED and isinstance(value, list):
            return [self._fitted(each) for each in value]
        if name in _NAMED and isinstance(value, dict):
            return {key: self._fitted(each) for key, each in value.items()}
        return value

    def _fitted(self, value: Any) -> Any:
        return self.schema(value) if isinstance(value, dict) else value
