"""Tests of the Responses wire over the whole stack with the official OpenAI SDK, over any model."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.stack.conftest import Stack

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
    retrieved = client.responses.retrieve(second.id)
    # The SDK's types do not name `store`.
    said = [(each.to_dict()["store"], each.previous_response_id) for each in (second, retrieved)]
    assert said == [(True, first.id)] * 2
    assert [item.id for item in retrieved.output] == [item.id for item in second.output]


@pytest.mark.parametrize("model", ["gpt-5-mini", "claude-haiku-4-5"])
def test_items_that_are_sent_back_as_they_came_go_on_with_the_conversation(client: openai.OpenAI, model: str) -> None:
    conversation: Any = list(ASKED)
    reasoning: Any = {"effort": "low"}
    first = client.responses.create(
        model=model, input=conversation, tools=[WEATHER], store=False, reasoning=reasoning,
        include=["reasoning.encrypted_content"],
    )  # fmt: skip
    assert first.to_dict()["store"] is False
    assert all("_nxn-" in str(item.id) for item in first.output)
    call = next(item for item in first.output if item.type == "function_call")
    conversation += [item.to_dict() for item in first.output]
    conversation.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
    second = client.responses.create(model=model, input=conversation, tools=[WEATHER], store=False, reasoning=reasoning)
    assert "sunny" in second.output_text


@pytest.mark.parametrize("model", ["gpt-4o", "claude-haiku-4-5"])
def test_every_event_names_an_item_as_the_final_response_and_a_later_read_do(client: openai.OpenAI, model: str) -> None:
    events = list(client.responses.create(model=model, input="Hello!", stream=True))
    final = next(event.response for event in events if event.type == "response.completed")
    ids = [item.id for item in final.output]
    named = {event.item.id for event in events if event.type == "response.output_item.added"}
    told = {event.item_id for event in events if event.type == "response.output_text.delta"}
    assert named == set(ids) >= told
    assert all(str(identity).startswith("msg_nxn-") for identity in ids)
    assert [item.id for item in client.responses.retrieve(final.id).output] == ids


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


@pytest.mark.parametrize("model", MODELS)
def test_a_prompt_is_counted_free_of_charge_and_with_the_turns_before_it(client: openai.OpenAI, model: str) -> None:
    alone = client.responses.input_tokens.count(model=model, input="Hello!")
    assert alone.object == "response.input_tokens"
    first = client.responses.create(model=model, input="Tell me more about it, please, in many words.")
    after = client.responses.input_tokens.count(model=model, input="Hello!", previous_response_id=first.id)
    assert after.input_tokens > alone.input_tokens > 0


def test_a_conversation_is_compacted_and_goes_on_from_what_that_gave(client: openai.OpenAI) -> None:
    first = client.responses.create(model="gpt-4o", input="Hello!")
    compacted = client.responses.compact(model="gpt-4o", previous_response_id=first.id, input="And now?")
    assert (compacted.object, compacted.output[-1].type) == ("response.compaction", "compaction")
    assert compacted.id.startswith("resp_nxn-")
    assert str(compacted.output[-1].id).startswith("cmp_nxn-")
    assert compacted.usage.total_tokens > 0
    # The SDK's types know no message of the user's among items of output.
    conversation: Any = [item.to_dict(warnings=False) for item in compacted.output]
    conversation.append({"role": "user", "content": "Go on."})
    assert client.responses.create(model="gpt-4o", input=conversation, store=False).output_text
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="claude-haiku-4-5", input=conversation)
    assert refused.value.param == f"input[{len(conversation) - 2}]"


@pytest.mark.parametrize("model", [model for model in MODELS if model != "gpt-4o"])
def test_a_model_whose_provider_compacts_nothing_says_so(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.compact(model=model, input=ASKED)
    assert (refused.value.param, refused.value.code) == ("model", "unsupported_model")


class Person(BaseModel):
    name: str
    age: int


def test_structured_output_parses(client: openai.OpenAI) -> None:
    answer = client.responses.parse(model="gpt-4o", input="Hello!", text_format=Person)
    assert isinstance(answer.output_parsed, Person)


def test_a_search_is_run_counted_and_paid_where_it_is_sold_and_refused_by_name_elsewhere(client: openai.OpenAI) -> None:
    asked: Any = {"input": "[[sim: searches=2]] News?", "tools": [{"type": "web_search"}]}
    answer = client.responses.create(model="gpt-5", **asked)
    assert [item.type for item in answer.output].count("web_search_call") == 2
    assert answer.to_dict()["nexevo"]["tools"] == [{"tool": "web_search", "uses": 2, "cost_usd": "0.021"}]
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="claude-haiku-4-5", **asked)
    assert (refused.value.param, refused.value.code) == ("tools[0]", "unsupported_tool")


def test_a_broken_provider_raises(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError):
        client.responses.create(model="gpt-4o", input="[[sim: status=500]]")
    stream = client.responses.create(model="gpt-4o", input="[[sim: chunks=20 chunk_ms=10 cut_after=4000]]", stream=True)
    with pytest.raises(openai.APIError), stream:
        list(stream)
