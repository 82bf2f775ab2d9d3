"""Fits the root of a schema: each wire accepts less there than JSON Schema allows.

Arguments are always an object's. What combines schemas at the root is merged into one object: members of all that must
hold, or of any that may, and what that loses is told in the description, where the model reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from gateway.providers.constraints.table import Constraints

Schema = dict[str, Any]

_DEPTH_MAX = 64
# How many references of one schema are followed: definitions can refer to each other without end.
_FOLLOWED_MAX = 500
_COMBINING = ("allOf", "anyOf", "oneOf")
_DEFINITIONS = ("$defs", "definitions")
# Where schemas stand in schemas: by name, and by themselves or in a list.
_NAMED = frozenset({"properties", *_DEFINITIONS})
_HOLDING = frozenset({*_COMBINING, "prefixItems", "items", "additionalProperties", "not"})
# What says nothing that a model has to be told.
_SILENT = frozenset({"$schema", "$id", "$comment", "title", "description", "additionalProperties", *_DEFINITIONS})
_ANY_OBJECT: Schema = {"type": "object"}


def fit_root(schema: Mapping[str, Any], limits: Constraints) -> tuple[Mapping[str, Any], bool]:
    """A tool's schema as the target takes it, and whether it says less than before; the schema itself where it fits."""
    if _fits(schema, limits):
        return schema, False
    root = _Root(schema)
    fitted, told = root.merged(root.followed(dict(schema)), limits.tool_root_refused)
    fitted["type"] = "object"
    if limits.tool_root_only:
        told |= {name: value for name, value in fitted.items() if name not in {*limits.tool_root_only, *_SILENT}}
        fitted = {name: root.inlined(fitted[name]) for name in limits.tool_root_only if name in fitted}
    elif told:
        words = orjson.dumps(told).decode()
        fitted["description"] = "\n\n".join(filter(None, (fitted.get("description"), words)))
    if not (limits.tool_root_without_properties or isinstance(fitted.get("properties"), Mapping)):
        fitted["properties"] = {}
    return fitted, bool(told)


def _fits(schema: Mapping[str, Any], limits: Constraints) -> bool:
    is_plain = schema.get("type") == "object" and "$ref" not in schema and not limits.tool_root_only
    has_members = limits.tool_root_without_properties or isinstance(schema.get("properties"), Mapping)
    return is_plain and has_members and not any(name in schema for name in limits.tool_root_refused)


def with_items(schema: Any, depth: int = 0) -> Any:
    """A schema whose arrays each say of what they are; one that does not is of anything. Itself where all do."""
    if isinstance(schema, list):
        return [with_items(each, depth + 1) for each in schema]
    if not isinstance(schema, Mapping) or depth > _DEPTH_MAX:
        return schema
    written = dict(schema)
    for name, value in schema.items():
        if name in _NAMED and isinstance(value, Mapping):
            written[name] = {key: with_items(each, depth + 1) for key, each in value.items()}
        elif name in _HOLDING:
            written[name] = with_items(value, depth + 1)
    kind = schema.get("type")
    if (kind == "array" or (isinstance(kind, list) and "array" in kind)) and "items" not in written:
        written["items"] = {}
    return schema if written == schema else written


def is_objects(schema: Mapping[str, Any]) -> bool:
    """True if a tool's schema can be an object's: arguments are always an object."""
    kind = _Root(schema).followed(dict(schema)).get("type")
    return kind in (None, "object") or (isinstance(kind, list) and "object" in kind)


def is_object_root(schema: Mapping[str, Any]) -> bool:
    """True if the root says by itself that an answer is an object."""
    plain = not any(name in schema for name in _COMBINING)
    return plain and (schema.get("type") == "object" or "properties" in schema)


def is_closed(schema: object, depth: int = 0) -> bool:
    """True if every object of a schema is closed and requires all its members."""
    if isinstance(schema, list):
        return all(is_closed(item, depth + 1) for item in schema)
    if not isinstance(schema, Mapping):
        return True
    if depth > _DEPTH_MAX:
        return False
    if schema.get("type") == "object" or "properties" in schema:
        members = schema.get("properties") or {}
        if schema.get("additionalProperties") is not False or set(members) - set(schema.get("required") or ()):
            return False
    return all(is_closed(inner, depth + 1) for inner in _inner(schema))


def _inner(schema: Mapping[str, Any]) -> Iterable[object]:
    for name in ("properties", *_DEFINITIONS):
        members = schema.get(name)
        if isinstance(members, Mapping):
            yield from members.values()
    for name in (*_COMBINING, "prefixItems", "items"):
        if name in schema:
            yield schema[name]


class _Root:
    """One schema on its way; references are looked up in it, so many of them and no more."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _FOLLOWED_MAX

    def followed(self, schema: Schema) -> Schema:
        """A schema with what its own reference leads to in the reference's place."""
        while isinstance(reference := schema.get("$ref"), str) and reference.startswith("#") and self._left:
            self._left -= 1
            found: object = self._root
            for step in reference.split("/")[1:]:
                found = found.get(step) if isinstance(found, Mapping) else None
            if not isinstance(found, Mapping):
                return schema
            schema = {**found, **{name: value for name, value in schema.items() if name != "$ref"}}
        return schema

    def merged(self, schema: Schema, refused: Sequence[str], depth: int = 0) -> tuple[Schema, Schema]:
        """A root without the keywords that are refused there, and those whose meaning that loses."""
        found = [name for name in refused if name in schema]
        kept: Schema = {name: value for name, value in schema.items() if name not in found}
        for name in found:
            listed = schema[name] if isinstance(schema[name], list) else []
            branches = [self._branch(branch, depth) for branch in listed if isinstance(branch, Mapping)]
            _join(kept, branches, together=name == "allOf")
        return kept, {name: schema[name] for name in found if name != "allOf"}

    def inlined(self, value: Any, depth: int = 0) -> Any:
        """A schema with definitions in the place of references; what goes on without end ends as any object."""
        if depth > _DEPTH_MAX:
            return _ANY_OBJECT
        if isinstance(value, list):
            return [self.inlined(item, depth + 1) for item in value]
        if not isinstance(value, Mapping):
            return value
        followed = self.followed(dict(value))
        if "$ref" in followed:
            return _ANY_OBJECT
        return {name: self.inlined(item, depth + 1) for name, item in followed.items()}

    def _branch(self, branch: Mapping[str, Any], depth: int) -> Schema:
        """One of the combined schemas, as far as it is an object's."""
        followed = self.followed(dict(branch))
        if depth > _DEPTH_MAX or not self._left:
            return {}
        return self.merged(followed, _COMBINING, depth + 1)[0]


def _join(kept: Schema, branches: Sequence[Schema], *, together: bool) -> None:
    """Members of all branches; those are required that all of them require, or any where all must hold."""
    members = {name: value for branch in reversed(branches) for name, value in _members(branch).items()}
    if members:
        kept["properties"] = {**members, **_members(kept)}
    required = [_required(branch) for branch in branches]
    more = [name for listed in required for name in listed]
    if not together:
        more = [name for name in more if all(name in listed for listed in required)]
    names = [*_required(kept), *more]
    if names:
        kept["required"] = list(dict.fromkeys(names))


def _members(schema: Schema) -> Mapping[str, Any]:
    members = schema.get("properties")
    return members if isinstance(members, Mapping) else {}


def _required(schema: Schema) -> list[str]:
    names = schema.get("required")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
