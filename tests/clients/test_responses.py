"""The Responses wire over the whole stack, driven by the official OpenAI SDK; any model behind it."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.clients.conftest import Stack

MODELS = ["gpt-4o", "claude-haiku-4-5", "gemini-2.5-flash", "deepseek-chat"]
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the weather for a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
ASKED: Any = [{"role": "user", "content": "What is the weather in Tokyo?"}]


@pytest.fixture
def client(stack: Stack) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=stack.base_url, api_key=stack.api_key, max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_says_the_same_as_an_answer(client: openai.OpenAI, model: str) -> None:
    whole = client.responses.create(model=model, input="Hello!")
    with client.responses.stream(model=model, input="Hello!") as events:
        streamed = events.get_final_response()
    assert whole.output_text
    assert whole.output_text == streamed.output_text
    assert whole.id.startswith("resp_nxn-")
    assert (whole.status, whole.model) == ("completed", model)
    assert whole.usage is not None
    assert whole.usage == streamed.usage


@pytest.mark.parametrize("model", MODELS)
def test_a_tool_loop_goes_on_from_the_stored_response(client: openai.OpenAI, model: str) -> None:
    first = client.responses.create(model=model, input=ASKED, tools=[WEATHER])
    call = next(item for item in first.output if item.type == "function_call")
    assert set(json.loads(call.arguments)) == {"city"}
    result: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}]
    second = client.responses.create(model=model, previous_response_id=first.id, input=result, tools=[WEATHER])
    assert "sunny" in second.output_text
    # On the same wire an answer's bytes stay the provider's; what is stored says where it came from.
    assert client.responses.retrieve(second.id).previous_response_id == first.id


def test_a_stored_stream_is_retrieved_listed_and_deleted(client: openai.OpenAI) -> None:
    with client.responses.stream(model="gpt-4o", input="Hello!") as events:
        response = events.get_final_response()
    assert client.responses.retrieve(response.id).output_text == response.output_text
    (item,) = client.responses.input_items.list(response.id).data
    assert item.type == "message"
    client.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)


def test_what_is_not_stored_cannot_be_gone_on_from(client: openai.OpenAI) -> None:
    response = client.responses.create(model="gpt-4o", input="Hello!", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="gpt-4o", input="More!", previous_response_id=response.id)
    assert refused.value.param == "previous_response_id"


class Person(BaseModel):
    name: str
    age: int


def test_structured_output_parses(client: openai.OpenAI) -> None:
    answer = client.responses.parse(model="gpt-4o", input="Hello!", text_format=Person)
    assert isinstance(answer.output_parsed, Person)


def test_built_in_tools_go_to_those_who_have_them(client: openai.OpenAI) -> None:
    assert client.responses.create(model="gpt-4o", input="News?", tools=[{"type": "web_search"}]).output_text
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="claude-haiku-4-5", input="News?", tools=[{"type": "web_search"}])
    assert "tools" in str(refused.value.param)


def test_a_broken_provider_raises(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError):
        client.responses.create(model="gpt-4o", input="[[sim: status=500]]")
    stream = client.responses.create(model="gpt-4o", input="[[sim: chunks=20 chunk_ms=10 cut_after=4000]]", stream=True)
    with pytest.raises(openai.APIError), stream:
        list(stream)
