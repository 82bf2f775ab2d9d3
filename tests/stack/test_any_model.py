"""Tests that the official OpenAI SDK can use models of every provider, also of providers with other wires."""

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.stack.test_openai_python import HELLO, PIXEL, WEATHER, sim

MODELS = ["claude-sonnet-4-5-20250929", "claude-opus-4-7", "gemini-2.5-flash", "aws/claude-haiku-4-5", "deepseek-chat"]
SEEING = [model for model in MODELS if model != "deepseek-chat"]


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_says_and_counts_the_same_as_an_answer(sdk: openai.OpenAI, model: str) -> None:
    whole = sdk.chat.completions.create(model=model, messages=HELLO, max_tokens=500)
    with sdk.chat.completions.create(
        model=model, messages=HELLO, max_tokens=500, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text
    assert text == whole.choices[0].message.content
    assert whole.usage is not None
    assert chunks[-1].usage == whole.usage
    assert whole.model == model
    assert [choice.finish_reason for choice in whole.choices] == ["stop"]


@pytest.mark.parametrize("model", MODELS)
def test_a_tool_loop_completes(sdk: openai.OpenAI, model: str) -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Tokyo?"}]
    with sdk.chat.completions.stream(model=model, messages=messages, tools=[WEATHER], max_tokens=500) as events:
        message = events.get_final_completion().choices[0].message
    calls: list[Any] = [*(message.tool_calls or ())]
    assert set(json.loads(calls[0].function.arguments)) == {"city"}
    messages.append(message.to_dict(mode="json"))
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
    answer = sdk.chat.completions.create(model=model, messages=messages, tools=[WEATHER], max_tokens=500)
    assert "sunny" in (answer.choices[0].message.content or "")


class Person(BaseModel):
    name: str
    age: int


@pytest.mark.parametrize("model", ["claude-sonnet-4-5-20250929", "gemini-2.5-flash"])
def test_structured_output_parses(sdk: openai.OpenAI, model: str) -> None:
    answer = sdk.chat.completions.parse(model=model, messages=HELLO, response_format=Person, max_tokens=500)
    assert isinstance(answer.choices[0].message.parsed, Person)


@pytest.mark.parametrize("model", SEEING)
def test_a_picture_is_seen(sdk: openai.OpenAI, model: str) -> None:
    picture: Any = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    answer = sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": picture}], max_tokens=500)
    assert answer.choices[0].message.content


@pytest.mark.parametrize("model", MODELS)
def test_a_failing_provider_raises_and_a_broken_stream_does_not_end_cleanly(sdk: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.InternalServerError):
        sdk.chat.completions.create(model=model, messages=sim("status=500"), max_tokens=500)
    stream = sdk.chat.completions.create(
        model=model, messages=sim("chunks=20 chunk_ms=10 cut_after=3000"), max_tokens=500, stream=True
    )
    with pytest.raises(openai.APIError), stream:
        list(stream)


@pytest.mark.parametrize("model", ["claude-sonnet-4-5-20250929", "gemini-2.5-flash"])
def test_thinking_is_never_inside_the_content(sdk: openai.OpenAI, model: str) -> None:
    answer = sdk.chat.completions.create(model=model, messages=HELLO, max_tokens=9000, reasoning_effort="medium")
    extra = answer.choices[0].message.model_extra or {}
    assert extra["reasoning_content"]
    assert extra["reasoning_content"] not in (answer.choices[0].message.content or "")


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_loop_with_thinking_completes_on_a_wire_without_signatures(sdk: openai.OpenAI, stream: bool) -> None:
    asked: dict[str, Any] = {
        "model": "claude-haiku-4-5",
        "max_tokens": 9000,
        "reasoning_effort": "medium",
        "tools": [WEATHER],
    }
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Tokyo?"}]
    if stream:
        with sdk.chat.completions.stream(messages=messages, **asked) as events:
            message: Any = events.get_final_completion().choices[0].message
    else:
        message = sdk.chat.completions.create(messages=messages, **asked).choices[0].message
    assert message.model_extra["reasoning_content"]
    call = message.tool_calls[0]
    function = {"name": call.function.name, "arguments": call.function.arguments}
    said = {"role": "assistant", "tool_calls": [{"id": call.id, "type": "function", "function": function}]}
    messages += [said, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    answer = sdk.chat.completions.create(messages=messages, **asked)
    assert "sunny" in (answer.choices[0].message.content or "")
    assert (answer.choices[0].message.model_extra or {})["reasoning_content"]
