"""Tests of the simulated Responses wire, as OpenAI's own SDK reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses import (
    Response,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseReasoningItem,
    ResponseStreamEvent,
)
from pydantic import BaseModel

from tests.hangs import HANGS_AFTER_S

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


@pytest.fixture(scope="module")
def client(rows: Any) -> Iterator[OpenAI]:
    with OpenAI(**rows["openai"], max_retries=0, timeout=HANGS_AFTER_S) as client:
        yield client


def streamed(client: OpenAI, **arguments: Any) -> list[ResponseStreamEvent]:
    return list(client.responses.create(stream=True, **arguments))


def calls(response: Response) -> list[ResponseFunctionToolCall]:
    return [item for item in response.output if isinstance(item, ResponseFunctionToolCall)]


def test_an_answer_is_a_message(client: OpenAI) -> None:
    response = client.responses.create(model="gpt-4o", input="Who wrote Emma?")
    assert "Who wrote Emma?" in response.output_text
    assert response.status == "completed"
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


def test_a_stream_has_the_full_event_sequence_numbered(client: OpenAI) -> None:
    events = streamed(client, model="gpt-4o", input="[[sim: tokens=6]]")
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_a_stream_says_what_the_whole_answer_says(client: OpenAI) -> None:
    whole = client.responses.create(model="gpt-4o", input="Who wrote Emma?")
    with client.responses.stream(model="gpt-4o", input="Who wrote Emma?") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert (text, final.usage) == (whole.output_text, whole.usage)


def test_a_tool_is_called_and_its_result_cited_by_previous_response_id(client: OpenAI) -> None:
    first = client.responses.create(model="gpt-4o", input="What is the weather in Paris?", tools=[WEATHER])
    (call,) = calls(first)
    assert (call.name, call.arguments) == ("get_weather", '{"city":"Paris"}')
    output: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees"}]
    second = client.responses.create(model="gpt-4o", previous_response_id=first.id, input=output, tools=[WEATHER])
    assert "18 degrees" in second.output_text


def test_parallel_calls_stream_each_under_its_own_output_index(client: OpenAI) -> None:
    events = streamed(client, model="gpt-4o", input="[[sim: calls=2]] weather in Paris", tools=[WEATHER])
    done = [event for event in events if event.type == "response.function_call_arguments.done"]
    assert [(event.output_index, event.arguments) for event in done] == [
        (0, '{"city":"Paris"}'),
        (1, '{"city":"Paris"}'),
    ]


def reasoned(client: OpenAI, **more: Any) -> tuple[Response, list[Any]]:
    asked: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
    arguments: dict[str, Any] = {
        "model": "gpt-5",
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "tools": [WEATHER],
    }
    response = client.responses.create(input=asked, **(arguments | more))
    return response, asked


def test_encrypted_reasoning_completes_a_tool_loop_without_the_store(client: OpenAI) -> None:
    first, turns = reasoned(client)
    (call,) = calls(first)
    turns += [item.model_dump(exclude_none=True) for item in first.output]
    turns += [{"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees"}]
    second = client.responses.create(
        model="gpt-5",
        input=turns,
        store=False,
        include=["reasoning.encrypted_content"],
        tools=[WEATHER],
    )
    assert "18 degrees" in second.output_text


def test_changed_encrypted_reasoning_is_refused(client: OpenAI) -> None:
    first, turns = reasoned(client)
    reasoning = next(item for item in first.output if isinstance(item, ResponseReasoningItem))
    sealed = reasoning.encrypted_content or ""
    broken: Any = reasoning.model_dump(exclude_none=True) | {"encrypted_content": "A" + sealed[1:]}
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="gpt-5", input=[broken, *turns], store=False)
    assert caught.value.code == "invalid_encrypted_content"


def test_reasoning_that_was_not_stored_cannot_be_named(client: OpenAI) -> None:
    first, turns = reasoned(client, include=[])
    reasoning: Any = first.output[0].model_dump(exclude_none=True)
    with pytest.raises(openai.NotFoundError, match="Items are not persisted"):
        client.responses.create(model="gpt-5", input=[reasoning, *turns], store=False)


def test_a_reasoning_summary_is_shown_when_asked_for(client: OpenAI) -> None:
    events = streamed(client, model="gpt-5", input="Hi", reasoning={"effort": "low", "summary": "auto"})
    deltas = [e.delta for e in events if e.type == "response.reasoning_summary_text.delta"]
    final = events[-1]
    assert final.type == "response.completed"
    assert final.response.usage is not None
    assert final.response.usage.output_tokens_details.reasoning_tokens == 64
    assert "".join(deltas).startswith("First I read the question")


def test_web_search_answers_with_a_citation(client: OpenAI) -> None:
    response = client.responses.create(
        model="gpt-4.1", input="When was Emma published?", tools=[{"type": "web_search"}]
    )
    search, message = response.output
    assert search.type == "web_search_call"
    assert isinstance(message, ResponseOutputMessage)
    (part,) = message.content
    assert isinstance(part, ResponseOutputText)
    (citation,) = part.annotations
    assert citation.type == "url_citation"
    assert part.text[citation.start_index : citation.end_index] == f"([example.com]({citation.url}))"


class Person(BaseModel):
    name: str
    age: int


def test_structured_output_fits_its_schema(client: OpenAI) -> None:
    response = client.responses.parse(model="gpt-4o", input="I met Ada Lovelace, 36 years old.", text_format=Person)
    assert response.output_parsed == Person(name="Ada Lovelace", age=36)


def test_too_few_output_tokens_leave_the_response_incomplete(client: OpenAI) -> None:
    response = client.responses.create(model="gpt-4o", input="Hello", max_output_tokens=16)
    assert response.incomplete_details is not None
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")


def test_a_stored_response_is_retrieved_listed_and_deleted(client: OpenAI) -> None:
    response = client.responses.create(model="gpt-4o", input="Keep this")
    assert client.responses.retrieve(response.id) == response
    items = client.responses.input_items.list(response.id, order="asc")
    assert [item.to_dict()["content"] for item in items] == [[{"type": "input_text", "text": "Keep this"}]]
    client.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)


def test_what_is_not_stored_cannot_be_continued(client: OpenAI) -> None:
    response = client.responses.create(model="gpt-4o", input="Forget this", store=False)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="gpt-4o", input="Go on", previous_response_id=response.id)
    assert caught.value.code == "previous_response_not_found"


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"input": [{"type": "function_call_output", "call_id": "x", "output": ""}]}, "input"),
        ({"input": [{"type": "function_call", "call_id": "x", "name": "f", "arguments": "{}"}]}, "input"),
        ({"extra_body": {"messages": []}}, "messages"),
        ({"max_output_tokens": 5}, "max_output_tokens"),
        ({"input": [{"role": "bard", "content": "x"}]}, "input[0].role"),
    ],
)
def test_a_bad_request_names_its_parameter(client: OpenAI, wrong: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(**({"model": "gpt-4o", "input": "Hi"} | wrong))
    assert caught.value.param == param


def test_an_error_in_the_stream_is_an_error_event(client: OpenAI) -> None:
    events = streamed(client, model="gpt-4o", input="[[sim: error_after=2]]")
    assert events[-1].type == "error"


def test_a_model_that_does_not_stream_refuses_to(client: OpenAI) -> None:
    assert client.responses.create(model="o1-pro", input="Hi").status == "completed"
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="o1-pro", input="Hi", stream=True)
    assert (caught.value.code, caught.value.param) == ("unsupported_value", "stream")


def test_a_model_searches_as_often_as_it_wants_and_no_more_than_it_may(client: OpenAI) -> None:
    def searched(**bound: Any) -> tuple[int, int]:
        response = client.responses.create(
            model="gpt-4.1", input="[[sim: searches=3]] Hi", tools=[{"type": "web_search"}], **bound
        )
        assert isinstance(response, Response)
        assert response.usage is not None
        return [item.type for item in response.output].count("web_search_call"), response.usage.input_tokens

    (all_of_them, most), (two, less) = searched(), searched(max_tool_calls=2)
    assert (all_of_them, two, most - less) == (3, 2, 250)
