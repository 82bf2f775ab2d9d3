"""Tests of tools within a target's bounds: their number, their descriptions, and the arrays of their schemas."""

import pytest

from gateway.canonical.parts import ToolCall
from gateway.canonical.request import OutputFormat, Tool, ToolChoice
from gateway.errors import InvalidRequest
from tests.providers.constraints.asking import HI, STRICTLY, said, shaped

MANY = tuple(Tool(f"f{number}") for number in range(200))
BOUNDED = pytest.mark.parametrize("dialect", ["openai_chat", "deepseek"])
OPEN_ARRAY = {"type": "array"}


@BOUNDED
def test_of_too_many_tools_the_first_stay_with_those_that_are_chosen_or_were_called(dialect: str) -> None:
    called = said("assistant", ToolCall("c", "f190", "{}"))
    request = shaped(dialect, HI, called, HI, tools=MANY, tool_choice=ToolChoice("tool", "f199"))
    assert [tool.name for tool in request.tools] == [*(f"f{number}" for number in range(126)), "f190", "f199"]


@BOUNDED
def test_too_many_tools_are_refused_where_all_is_required(dialect: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        shaped(dialect, tools=MANY, routing=STRICTLY)
    assert caught.value.param == "tools"


def test_what_a_description_has_no_room_for_is_said_in_the_schema() -> None:
    long = "d" * 1024 + "the rest"
    schema = {"type": "object", "properties": {"a": {}}, "description": "own"}
    first, second = shaped("openai_chat", tools=(Tool("f", long, schema), Tool("g", long)), routing=STRICTLY).tools
    assert first == Tool("f", "d" * 1024, schema | {"description": "the rest\n\nown"})
    assert second == Tool("g", "d" * 1024, {"type": "object", "properties": {}, "description": "the rest"})
    assert shaped("anthropic_messages", tools=(Tool("f", long, schema),)).tools[0].description == long


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses"])
def test_an_array_that_does_not_say_of_what_is_one_of_anything(dialect: str) -> None:
    schema = {
        "type": "object",
        "properties": {
            "items": OPEN_ARRAY,
            "deep": {"type": "array", "items": {"anyOf": [{"type": ["array", "null"]}, {"type": "string"}]}},
            "said": {"default": {"type": "array"}},
        },
    }
    (tool,) = shaped(dialect, tools=(Tool("f", parameters=schema),)).tools
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {}},
            "deep": {
                "type": "array",
                "items": {"anyOf": [{"type": ["array", "null"], "items": {}}, {"type": "string"}]},
            },
            "said": {"default": {"type": "array"}},
        },
    }
    answer = shaped(dialect, output_format=OutputFormat("schema", schema)).output_format
    assert answer is not None
    assert answer.schema == tool.parameters


def test_another_target_gets_arrays_as_they_are() -> None:
    schema = {"type": "object", "properties": {"a": OPEN_ARRAY}}
    assert shaped("anthropic_messages", tools=(Tool("f", parameters=schema),)).tools[0].parameters == schema
