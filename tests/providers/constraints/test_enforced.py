"""Tests of the schemas of answers and strict tools within the subset that a target enforces."""

from typing import Any

import pytest

from gateway.canonical.request import OutputFormat, Tool
from gateway.errors import InvalidRequest
from tests.providers.constraints.asking import STRICTLY, shaped

DIALECTS = ("anthropic_messages", "bedrock_converse")
SHORT: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}}
TOLD: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "string", "description": '{"maxLength":3}'}},
    "additionalProperties": False,
}


def enforced(dialect: str, schema: dict[str, Any], **fields: Any) -> dict[str, Any]:
    wanted = shaped(dialect, output_format=OutputFormat("schema", schema), **fields).output_format
    assert wanted is not None
    return dict(wanted.schema or {})


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
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_schema_keeps_what_is_enforced_and_tells_the_rest(
    dialect: str, schema: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert enforced(dialect, {"type": "object", "properties": {"a": schema}})["properties"]["a"] == expected


@pytest.mark.parametrize("dialect", DIALECTS)
def test_schemas_inside_schemas_are_fitted_too(dialect: str) -> None:
    inner = {"type": "object", "properties": {"x": {"type": "number", "maximum": 2}}, "required": ["x"]}
    fitted = {
        "type": "object",
        "properties": {"x": {"type": "number", "description": '{"maximum":2}'}},
        "required": ["x"],
        "additionalProperties": False,
    }
    schema = {"$defs": {"A": inner}, "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"items": inner}}}
    assert enforced(dialect, schema) == {
        "$defs": {"A": fitted},
        "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"items": fitted}},
        "type": "object",
        "additionalProperties": False,
    }


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_strict_tool_is_held_to_the_same_subset(dialect: str) -> None:
    tools = (Tool("f", parameters=SHORT, strict=True), Tool("g", parameters=SHORT), Tool("h", strict=True))
    strict, free, plain = shaped(dialect, tools=tools).tools
    assert (strict.parameters, free.parameters) == (TOLD, SHORT)
    assert plain.parameters == {"type": "object", "additionalProperties": False}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_schema_that_cannot_be_held_is_refused_by_name_where_all_is_required(dialect: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        enforced(dialect, SHORT, routing=STRICTLY)
    assert caught.value.param == "response_format"
    with pytest.raises(InvalidRequest) as caught:
        shaped(dialect, tools=(Tool("f", parameters=SHORT, strict=True),), routing=STRICTLY)
    assert caught.value.param == "tools[0]"


def test_another_target_gets_the_schema_as_it_is() -> None:
    assert enforced("gemini", SHORT) == SHORT
