"""Tests of Anthropic's and Google's official SDKs, unmodified, on their own wires, over any model."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from google import genai
from google.genai import errors as google_errors
from google.genai import types

from tests.stack.conftest import Stack

MODELS = ["claude-haiku-4-5", "gpt-4o", "gemini-2.5-flash", "aws/claude-haiku-4-5", "deepseek-chat"]
ASKED: Any = [{"role": "user", "content": "What is the weather in Tokyo?"}]
HELLO: Any = [{"role": "user", "content": "Hello!"}]
SCHEMA: Any = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: Any = {"name": "get_weather", "description": "Get the weather for a city", "input_schema": SCHEMA}


@pytest.fixture
def messages(stack: Stack) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=stack.root_url, api_key=stack.api_key, max_retries=0) as made:
        yield made


@pytest.fixture
def gemini(stack: Stack) -> Iterator[genai.Client]:
    with genai.Client(api_key=stack.api_key, http_options=types.HttpOptions(base_url=stack.root_url)) as made:
        yield made


@pytest.mark.parametrize("model", MODELS)
def test_messages_answers_and_streams_the_same(messages: anthropic.Anthropic, model: str) -> None:
    whole = messages.messages.create(model=model, max_tokens=500, messages=HELLO)
    with messages.messages.stream(model=model, max_tokens=500, messages=HELLO) as stream:
        streamed = stream.get_final_message()
    assert whole.id.startswith("msg_nxn-")
    assert (whole.model, whole.stop_reason) == (model, "end_turn")
    assert whole.content[0].type == streamed.content[0].type == "text"
    assert whole.content[0].text == streamed.content[0].text
    assert whole.usage.output_tokens == streamed.usage.output_tokens > 0


@pytest.mark.parametrize("model", MODELS)
def test_messages_completes_a_tool_loop(messages: anthropic.Anthropic, model: str) -> None:
    with messages.messages.stream(model=model, max_tokens=500, messages=ASKED, tools=[TOOL]) as stream:
        turn = stream.get_final_message()
    call = next(block for block in turn.content if block.type == "tool_use")
    result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    history: Any = [*ASKED, {"role": "assistant", "content": turn.content}, {"role": "user", "content": [result]}]
    answer = messages.messages.create(model=model, max_tokens=500, messages=history, tools=[TOOL])
    assert "sunny" in "".join(block.text for block in answer.content if block.type == "text")


def test_messages_thinks_aloud_in_blocks_of_its_own(messages: anthropic.Anthropic) -> None:
    answer = messages.messages.create(
        model="claude-haiku-4-5",
        max_tokens=2000,
        thinking={"type": "enabled", "budget_tokens": 1024},
        messages=HELLO,
    )
    assert [block.type for block in answer.content] == ["thinking", "text"]


@pytest.mark.parametrize("model", MODELS)
def test_messages_counts_a_prompt(messages: anthropic.Anthropic, model: str) -> None:
    assert messages.messages.count_tokens(model=model, messages=HELLO).input_tokens > 0


def test_messages_errors_are_the_sdks_own(messages: anthropic.Anthropic, stack: Stack) -> None:
    with pytest.raises(anthropic.NotFoundError) as missing:
        messages.messages.create(model="claude-nothing", max_tokens=5, messages=HELLO)
    assert missing.value.request_id
    with pytest.raises(anthropic.BadRequestError):
        messages.messages.create(model="gpt-4o", max_tokens=5, messages=[])
    broken: Any = [{"role": "user", "content": "[[sim: chunks=20 chunk_ms=10 error_after=5]]"}]
    with (
        pytest.raises(anthropic.APIStatusError),
        messages.messages.stream(model="gpt-4o", max_tokens=500, messages=broken) as stream,
    ):
        stream.until_done()
    with (
        pytest.raises(anthropic.AuthenticationError),
        anthropic.Anthropic(base_url=stack.root_url, api_key="sk-no") as stranger,
    ):
        stranger.messages.create(model="gpt-4o", max_tokens=5, messages=HELLO)


@pytest.mark.parametrize("model", MODELS)
def test_gemini_answers_and_streams_the_same(gemini: genai.Client, model: str) -> None:
    whole = gemini.models.generate_content(model=model, contents="Hello!")
    pieces = list(gemini.models.generate_content_stream(model=model, contents="Hello!"))
    assert whole.text
    assert "".join(piece.text or "" for piece in pieces) == whole.text
    assert whole.usage_metadata is not None
    assert pieces[-1].usage_metadata is not None
    assert pieces[-1].usage_metadata.total_token_count == whole.usage_metadata.total_token_count


@pytest.mark.parametrize("model", MODELS)
def test_gemini_completes_a_tool_loop(gemini: genai.Client, model: str) -> None:
    declared: Any = {"name": "get_weather", "description": "Get the weather", "parameters_json_schema": SCHEMA}
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
    history: Any = [types.Content(role="user", parts=[types.Part(text="What is the weather in Tokyo?")])]
    turn = gemini.models.generate_content(model=model, contents=history, config=config)
    assert turn.function_calls
    assert turn.candidates
    call = turn.function_calls[0]
    response = types.FunctionResponse(id=call.id, name=call.name, response={"result": "sunny"})
    history += [turn.candidates[0].content, types.Content(role="user", parts=[types.Part(function_response=response)])]
    answer = gemini.models.generate_content(model=model, contents=history, config=config)
    assert "sunny" in (answer.text or "")


def test_gemini_counts_lists_and_fails_in_its_own_words(gemini: genai.Client) -> None:
    assert gemini.models.count_tokens(model="gemini-2.5-flash", contents="Hello!").total_tokens
    assert "models/gpt-4o" in {model.name for model in gemini.models.list()}
    with pytest.raises(google_errors.ClientError) as missing:
        gemini.models.generate_content(model="gemini-nothing", contents="Hello!")
    assert missing.value.code == 404


def test_anthropics_sdk_reads_the_list_of_models(messages: anthropic.Anthropic) -> None:
    assert "claude-opus-4-7" in {model.id for model in messages.models.list()}
