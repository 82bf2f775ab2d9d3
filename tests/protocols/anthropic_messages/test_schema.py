"""Tests of schemas within the subset that the wire enforces."""

from typing import Any

import pytest

from gateway.protocols.anthropic_messages.schema import enforceable


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, {"type": "string"}),
        (
            {"type": "integer", "minimum": 1, "description": "A count"},
            {"type": "integer", "description": 'A count\n\n{"minimum":1}'},
        ),
        ({"type": "string", "maxLength": 3}, {"type": "string", "description": '{"maxLength":3}'}),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"type": "string", "format": "phone"}, {"type": "string", "description": '{"format":"phone"}'}),
        ({"type": "array", "minItems": 1, "items": {}}, {"type": "array", "minItems": 1, "items": {}}),
        ({"type": "array", "minItems": 5}, {"type": "array", "description": '{"minItems":5}'}),
        ({"type": "object"}, {"type": "object", "additionalProperties": False}),
        (
            {"type": ["object", "null"], "properties": {}},
            {"type": ["object", "null"], "properties": {}, "additionalProperties": False},
        ),
        ({"$schema": "x", "const": 1}, {"const": 1}),
        ({"oneOf": [{"type": "object"}, True]}, {"anyOf": [{"type": "object", "additionalProperties": False}, True]}),
    ],
)
def test_a_schema_keeps_what_is_enforced_and_tells_the_rest(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert enforceable(schema) == expected


def test_schemas_inside_schemas_are_fitted_too() -> None:
    inner = {"type": "object", "properties": {"x": {"type": "number", "maximum": 2}}, "required": ["x"]}
    fitted = {
        "type": "object",
        "properties": {"x": {"type": "number", "description": '{"maximum":2}'}},
        "required": ["x"],
        "additionalProperties": False,
    }
    schema = {"$defs": {"A": inner}, "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"items": inner}}}
    assert enforceable(schema) == {
        "$defs": {"A": fitted},
        "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"items": fitted}},
        "type": "object",
        "additionalProperties": False,
    }
