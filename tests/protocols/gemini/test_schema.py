"""Tests of schemas between OpenAPI's subset, JSON Schema and Gemini's subset of it."""

from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.protocols.gemini.schema import from_openapi, to_gemini


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "STRING", "format": "enum", "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ({"type": "STRING", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"any_of": [{"type": "STRING"}], "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (
            {"type": "ARRAY", "items": {"type": "INTEGER"}, "min_items": "2"},
            {"type": "array", "items": {"type": "integer"}, "minItems": 2},
        ),
        # Longer numbers than 64 bits and Python hold stay as they came.
        ({"max_items": "9" * 20}, {"maxItems": "9" * 20}),
        ({"max_items": "9" * 5000}, {"maxItems": "9" * 5000}),
        ({"max_items": "٣"}, {"maxItems": "٣"}),
        ({"type": "TYPE_UNSPECIFIED", "example": 3, "title": None}, {"examples": [3]}),
        (
            {"ref": "#/$defs/a", "defs": {"a": {"type": "STRING"}}},
            {"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}},
        ),
        (
            {"type": "OBJECT", "additionalProperties": {"type": "NUMBER"}},
            {"type": "object", "additionalProperties": {"type": "number"}},
        ),
        ({"type": "OBJECT", "additionalProperties": False}, {"type": "object", "additionalProperties": False}),
    ],
)
def test_a_schema_of_this_wire_is_json_schema(schema: Any, expected: Any) -> None:
    assert from_openapi(schema, "p") == expected


def test_the_order_of_properties_is_their_order() -> None:
    properties = {"a": {"type": "STRING"}, "b": {"type": "STRING"}, "c": {"type": "STRING"}}
    schema = {"type": "OBJECT", "properties": properties, "propertyOrdering": ["c", "a", "gone"]}
    assert list(from_openapi(schema, "p")["properties"]) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"$schema": "x", "type": "object", "x-note": 1, "examples": [1], "readOnly": True}, {"type": "object"}),
        ({"type": "object", "additionalProperties": False}, {"type": "object", "additionalProperties": False}),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"enum": ["a", None, 2]}, {"enum": ["a", None, 2]}),
        ({"enum": [True]}, {"description": "(enum: [true])"}),
        ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "description": "(exclusiveMinimum: 0)"}),
        (
            {"type": "string", "description": "A name.", "minLength": 1, "pattern": "^a"},
            {"type": "string", "description": 'A name. (minLength: 1; pattern: "^a")'},
        ),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        ({"type": "string", "format": "email"}, {"type": "string", "description": '(format: "email")'}),
        ({"type": "integer", "default": 3}, {"type": "integer", "description": "(default: 3)"}),
        (
            {"definitions": {"a": {"const": 1}}, "$ref": "#/definitions/a"},
            {"$defs": {"a": {"enum": [1]}}, "$ref": "#/$defs/a"},
        ),
        ({"$ref": "#/$defs/a", "description": "d"}, {"anyOf": [{"$ref": "#/$defs/a"}], "description": "d"}),
        (
            {"allOf": [{"$ref": "#/$defs/a"}], "description": "d"},
            {"anyOf": [{"$ref": "#/$defs/a"}], "description": "d"},
        ),
        (
            {
                "$defs": {"a": {"properties": {"x": {"type": "string"}}, "required": ["x"]}},
                "allOf": [{"$ref": "#/$defs/a"}, {"type": "object", "properties": {"y": {}}, "required": ["y"]}],
            },
            {
                "$defs": {"a": {"properties": {"x": {"type": "string"}}, "required": ["x"]}},
                "type": "object",
                "properties": {"y": {}, "x": {"type": "string"}},
                "required": ["x", "y"],
            },
        ),
        ({"items": [{"const": 1}], "oneOf": [True]}, {"prefixItems": [{"enum": [1]}], "oneOf": [{}]}),
        ({"properties": {"pattern": {"pattern": "x"}}}, {"properties": {"pattern": {"description": '(pattern: "x")'}}}),
    ],
)
def test_a_schema_is_told_in_words_that_gemini_takes(schema: Any, expected: Any) -> None:
    assert to_gemini(schema, "p") == expected


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.com/schema"},
        {"properties": {"a": {"$ref": 3}}},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}, {}]}}, "allOf": [{"$ref": "#/$defs/a"}, {}]},
    ],
)
def test_a_schema_that_cannot_be_said_is_refused_by_its_path(schema: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        to_gemini(schema, "tools[0].parameters")
    assert (caught.value.param, caught.value.code) == ("tools[0].parameters", "invalid_schema")


def test_a_schema_without_an_end_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(70):
        schema = {"items": schema}
    with pytest.raises(InvalidRequest, match="too deeply"):
        to_gemini(schema, "p")
