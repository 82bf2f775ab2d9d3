"""Tests of the keywords allowed at the root of a tool's schema, and of the treatment of the rest."""

from typing import Any

import pytest

from gateway.canonical.request import Tool
from gateway.errors import InvalidRequest
from local.providers import anthropic_table, bedrock_table
from tests.providers.constraints.asking import STRICTLY, shaped

Json = dict[str, Any]

A: Json = {"type": "object", "properties": {"a": {"type": "string"}, "c": {}}, "required": ["a", "c"]}
B: Json = {"type": "object", "properties": {"b": {"type": "integer"}, "c": {}}, "required": ["b", "c"]}


def root(dialect: str, schema: Json, generation: str = "", **fields: Any) -> Json:
    (tool,) = shaped(dialect, generation=generation, tools=(Tool("f", parameters=schema),), **fields).tools
    return dict(tool.parameters or {})


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "deepseek", "anthropic_messages"])
def test_alternatives_become_one_object_that_tells_of_them(dialect: str, keyword: str) -> None:
    sent = root(dialect, {keyword: [A, B]})
    told = sent.pop("description")
    assert sent == {"type": "object", "properties": {**B["properties"], **A["properties"]}, "required": ["c"]}
    assert told.startswith(f'{{"{keyword}":[')


def test_what_must_hold_together_becomes_one_object() -> None:
    sent = root("openai_chat", {"allOf": [A, B], "description": "d"})
    assert set(sent["properties"]) == {"a", "b", "c"}
    assert (set(sent["required"]), sent["description"], sent["type"]) == ({"a", "b", "c"}, "d", "object")


def test_a_root_that_refers_to_a_definition_is_that_definition() -> None:
    sent = root("openai_chat", {"$ref": "#/$defs/A", "$defs": {"A": A}})
    assert (sent["type"], sent["properties"]) == ("object", A["properties"])


def test_a_nullable_object_is_an_object() -> None:
    assert root("gemini", {"type": ["object", "null"], "properties": {}})["type"] == "object"


def test_nova_is_told_three_keywords_with_definitions_in_their_places() -> None:
    schema = {
        "$schema": "s",
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}, "me": {"$ref": "#"}},
        "$defs": {"A": {"type": "string"}},
        "additionalProperties": False,
    }
    sent = root("bedrock_converse", schema, "bedrock_nova")
    assert set(sent) == {"type", "properties"}
    assert sent["properties"]["a"] == {"type": "string"}


@pytest.mark.parametrize("kind", ["string", "array", ["string", "null"]])
def test_arguments_of_another_type_than_an_object_are_refused(kind: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        root("openai_chat", {"type": kind})
    assert caught.value.param == "tools[0]"


def test_what_is_lost_is_refused_where_every_parameter_is_required() -> None:
    with pytest.raises(InvalidRequest) as caught:
        root("anthropic_messages", {"anyOf": [A, B]}, routing=STRICTLY)
    assert caught.value.param == "tools[0]"
    assert root("openai_chat", {"type": "object"}, routing=STRICTLY) == {"type": "object", "properties": {}}


def test_definitions_that_lead_to_each_other_without_end_come_to_one() -> None:
    loop: Json = {"anyOf": [{"$ref": "#"}, {"$ref": "#/$defs/A"}], "$defs": {"A": {"allOf": [{"$ref": "#"}] * 20}}}
    assert root("openai_chat", loop)["type"] == "object"
    wide: Json = {"properties": {str(n): {"$ref": "#"} for n in range(20)}, "type": "object"}
    assert set(root("bedrock_converse", wide, "bedrock_nova")) == {"type", "properties"}


@pytest.mark.parametrize(
    ("dialect", "generation"), [("anthropic_messages", ""), ("bedrock_converse", "claude_budget"), ("gemini", "")]
)
def test_of_tools_of_one_name_the_first_is_offered(dialect: str, generation: str) -> None:
    one, other, last = Tool("f", "one"), Tool("f", "other"), Tool("g")
    assert shaped(dialect, generation=generation, tools=(one, other, last)).tools == (one, last)
    assert shaped(dialect, generation=generation, tools=(one, one), routing=STRICTLY).tools == (one,)
    with pytest.raises(InvalidRequest) as caught:
        shaped(dialect, generation=generation, tools=(one, other), routing=STRICTLY)
    assert caught.value.param == "tools[1]"


def test_the_simulated_vendors_refuse_two_tools_of_one_name() -> None:
    refusal = "tools: Tool names must be unique."
    tool = {"name": "f", "input_schema": {"type": "object"}}
    asked = {"model": "claude-haiku-4-5-20251001", "messages": []}
    assert refusal not in list(anthropic_table.faults(asked | {"tools": [tool]}))
    assert refusal in list(anthropic_table.faults(asked | {"tools": [tool, tool]}))
    spec = {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}
    model = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
    said = [{"role": "user", "content": [{"text": "hi"}]}]
    converse = {"messages": said, "toolConfig": {"tools": [spec, spec]}}
    assert any(refusal in fault for fault in bedrock_table.faults(converse, model))


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "object", "properties": 0.5}, "'properties' of a schema should be an object"),
        ({"type": "object", "required": [[]]}, "'required' of a schema should be an array of strings"),
        ({"type": [{}]}, "'type' of a schema should be a string or an array of strings"),
        ({"properties": {"a": {"format": []}}}, "'format' of a schema should be a string"),
        ({"anyOf": [{"items": {"description": 1}}]}, "'description' of a schema should be a string"),
        ({"$defs": {"a": {"enum": {}}}}, "'enum' of a schema should be an array"),
    ],
)
@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "anthropic_messages", "gemini"])
def test_a_keyword_of_a_wrong_type_is_refused_by_its_name(dialect: str, schema: Json, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told) as refusal:
        root(dialect, {"type": "object", **schema})
    assert (refusal.value.param, refusal.value.code) == ("tools[0]", "invalid_schema")


def test_a_keyword_that_is_null_is_none() -> None:
    schema = {"type": "object", "properties": {"a": {"description": None, "enum": None}}, "required": None}
    assert root("openai_chat", schema)["properties"] == schema["properties"]
