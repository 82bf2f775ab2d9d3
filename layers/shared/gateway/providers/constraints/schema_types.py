"""Refuses a caller's schema whose keywords have values of other types than JSON Schema's, before anything reads it.

What bridges schemas may rely on these types. A request of the target's own wire is the provider's to judge.
https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.canonical.request import ChatRequest
from gateway.errors import InvalidRequest

_HOLDERS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SUBSCHEMAS = ("items", "additionalProperties")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_type(value: object) -> bool:
    return _is_text(value) or _are_texts(value)


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_array(value: object) -> bool:
    return isinstance(value, list)


_TYPES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    **dict.fromkeys(("$ref", "description", "format", "title"), (_is_text, "a string")),
    **dict.fromkeys(_HOLDERS, (_is_object, "an object")),
    **dict.fromkeys((*_LISTS, "enum"), (_is_array, "an array")),
    "required": (_are_texts, "an array of strings"),
    "type": (_is_type, "a string or an array of strings"),
}


def refuse_wrong_types(request: ChatRequest) -> None:
    """Raises `InvalidRequest` for the first keyword of a wrong type in the schemas of a request; null is none."""
    for place, tool in enumerate(request.tools):
        _check(tool.parameters, f"tools[{place}]")
    if request.output_format is not None:
        _check(request.output_format.schema, "response_format")


def _check(schema: object, path: str) -> None:
    if not isinstance(schema, Mapping):
        return
    for name, value in schema.items():
        is_right, wanted = _TYPES.get(name, (_is_any, ""))
        if value is not None and not is_right(value):
            message = f"Invalid '{path}': '{name}' of a schema should be {wanted}."
            raise InvalidRequest(message, param=path, code="invalid_schema")
    for inner in _inner(schema):
        _check(inner, path)


def _is_any(_: object) -> bool:
    return True


def _inner(schema: Mapping[str, Any]) -> Iterator[object]:
    for name in _HOLDERS:
        yield from (schema.get(name) or {}).values()
    for name in _LISTS:
        yield from schema.get(name) or ()
    for name in _SUBSCHEMAS:
        inner = schema.get(name)
        yield from inner if isinstance(inner, list) else (inner,)
