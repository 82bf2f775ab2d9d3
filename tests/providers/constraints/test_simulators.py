"""Tests that the simulated providers refuse by the rows of the table, each broken once by a literal request."""

from typing import Any

import orjson
import pytest

from local.providers import anthropic_checks, bedrock_checks, openai_checks, responses_table
from local.providers.block_cache import Block
from local.providers.json_value import Json
from local.providers.wire import Refusal

CLAUDE, ON_BEDROCK = "claude-haiku-4-5-20251001", "us.anthropic.claude-haiku-4-5-20251001-v1:0"
HI = {"role": "user", "content": [{"type": "text", "text": "hi"}]}
HELLO = [{"role": "user", "content": "hi"}]
NOTHING: Json = {"type": "object", "properties": {}}
HI_ON_BEDROCK = {"role": "user", "content": [{"text": "hi"}]}


def refused_by_anthropic(messages: list[Json], **more: Any) -> str:
    body = {"model": CLAUDE, "max_tokens": 3000, "messages": messages}
    with pytest.raises(Refusal) as caught:
        anthropic_checks.check(body | more, {}, counting=False)
    return str(caught.value.body)


def refused_by_bedrock(messages: list[Json], model: str = ON_BEDROCK, **more: Any) -> str:
    with pytest.raises(Refusal) as caught:
        bedrock_checks.check({"messages": messages, **more}, model)
    return str(caught.value.body)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "object"}, "For 'object' type, 'additionalProperties' must be explicitly set to false"),
        ({"type": "array", "items": {"type": "object"}}, "'additionalProperties' must be explicitly set to false"),
        ({"type": "string", "minLength": 2}, "For 'string' type, property 'minLength' is not supported"),
        ({"type": "string", "format": "phone"}, "format 'phone' is not supported"),
        ({"type": "array", "minItems": 2}, "'minItems' values other than 0 or 1 are not supported"),
    ],
)
def test_schemas_that_are_not_enforced(schema: Json, said: str) -> None:
    wanted = {"format": {"type": "json_schema", "schema": schema}}
    assert said in refused_by_anthropic([HI], output_config=wanted)
    structure = {"jsonSchema": {"schema": orjson.dumps(schema).decode()}}
    asked = {"textFormat": {"type": "json_schema", "structure": structure}}
    assert said in refused_by_bedrock([HI_ON_BEDROCK], outputConfig=asked)


def test_strict_tools_of_open_objects() -> None:
    schema = {"type": "object", "properties": {}}
    tool = {"name": "f", "strict": True, "input_schema": schema}
    assert "tools.0.custom.input_schema: For 'object' type" in refused_by_anthropic([HI], tools=[tool])
    spec = {"toolSpec": {"name": "f", "strict": True, "inputSchema": {"json": schema}}}
    assert "For 'object' type" in refused_by_bedrock([HI_ON_BEDROCK], toolConfig={"tools": [spec]})


def test_thinking_from_an_answer_that_opens_without_a_thought() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2000}
    said = [HI, {"role": "assistant", "content": [{"type": "text", "text": "So"}]}]
    assert "messages.1.content.0.type: Expected `thinking`" in refused_by_anthropic(said, thinking=thinking)
    said = [HI_ON_BEDROCK, {"role": "assistant", "content": [{"text": "So"}]}]
    asked = refused_by_bedrock(said, additionalModelRequestFields={"thinking": thinking})
    assert "messages.1.content.0.type: Expected `thinking`" in asked


@pytest.mark.parametrize(
    ("lifetimes", "said"),
    [(["5m"] * 5, "A maximum of 4 blocks with cache_control"), (["5m", "1h"], "must not come after a ttl='5m'")],
)
def test_cache_markers(lifetimes: list[str], said: str) -> None:
    prompt = [Block("messages.0.content.0", ["x"], lifetime) for lifetime in lifetimes]
    with pytest.raises(Refusal, match=said):
        anthropic_checks.check_cache_marks(CLAUDE, prompt)
    with pytest.raises(Refusal, match=said):
        bedrock_checks.check_cache_points(ON_BEDROCK, prompt)


def refused_by_openai(model: str = "gpt-4o", dialect: str = "openai_chat", **more: Any) -> str:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    with pytest.raises(Refusal) as caught:
        openai_checks.check(body | more, dialect)
    return str(caught.value.body["error"]["message"])


def function(name: str = "f", **more: Any) -> Json:
    return {"type": "function", "function": {"name": name, "parameters": NOTHING, **more}}


@pytest.mark.parametrize(("model", "dialect"), [("gpt-4o", "openai_chat"), ("deepseek-chat", "deepseek")])
def test_more_than_128_tools(model: str, dialect: str) -> None:
    tools = [function(f"f{number}") for number in range(129)]
    assert "maximum length 128, but got an array with length 129" in refused_by_openai(model, dialect, tools=tools)
    openai_checks.check({"model": model, "messages": HELLO, "tools": tools[1:]}, dialect)


def test_arrays_without_items() -> None:
    schema = {"type": "object", "properties": {"a": {"type": ["array", "null"]}}}
    fault = "In context=('properties', 'a'), array schema missing items."
    assert fault in refused_by_openai(tools=[function(parameters=schema)])
    wanted = {"type": "json_schema", "json_schema": {"name": "r", "schema": schema}}
    assert fault in refused_by_openai(response_format=wanted)
    tool = {"type": "function", "name": "f", "parameters": schema}
    with pytest.raises(Refusal, match="array schema missing items"):
        responses_table.check({"model": "gpt-5-codex", "tools": [tool]}, [])


@pytest.mark.parametrize(
    ("model", "dialect", "said"),
    [
        ("gpt-4", "openai_chat", "image_url is only supported by certain models"),
        ("o3-mini", "openai_chat", "image_url is only supported by certain models"),
        ("deepseek-chat", "deepseek", "unknown variant `image_url`, expected `text`"),
    ],
)
def test_pictures_for_models_of_text_alone(model: str, dialect: str, said: str) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    asked = [{"role": "user", "content": [picture]}]
    assert said in refused_by_openai(model, dialect, messages=asked)
    openai_checks.check({"model": "gpt-4o", "messages": asked})


def test_ids_of_calls_that_repeat() -> None:
    call = {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "x"}]}
    said = refused_by_anthropic([HI, call, result, call, result])
    assert "messages.3.content.0: `tool_use` ids must be unique" in said
    use = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c", "name": "f", "input": {}}}]}
    answer = {"role": "user", "content": [{"toolResult": {"toolUseId": "c", "content": [{"text": "x"}]}}]}
    tools = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}
    said = refused_by_bedrock([HI_ON_BEDROCK, use, answer, use, answer], toolConfig=tools)
    assert "`tool_use` ids must be unique" in said
