"""Tests of the simulated OpenAI chat wire, as OpenAI's own SDK reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import jsonschema_rs
import openai
import orjson
import pytest
from openai import OpenAI
from openai.types.chat import (
    ChatCompletionChunk,
    ChatCompletionMessage,
    ChatCompletionMessageFunctionToolCall,
)
from pydantic import BaseModel

from local.providers import tokens
from tests.hangs import HANGS_AFTER_S

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TIME: Any = {
    "type": "function",
    "function": {
        "name": "get_time",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"enum": ["UTC", "CET"]}, "hours": {"type": "integer"}},
            "required": ["zone", "hours"],
        },
    },
}


@pytest.fixture(scope="module")
def client(rows: Any) -> Iterator[OpenAI]:
    with OpenAI(**rows["openai"], max_retries=0, timeout=HANGS_AFTER_S) as client:
        yield client


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def function_calls(message: ChatCompletionMessage) -> list[ChatCompletionMessageFunctionToolCall]:
    return [call for call in message.tool_calls or [] if call.type == "function"]


def chunks(client: OpenAI, **arguments: Any) -> list[ChatCompletionChunk]:
    return list(client.chat.completions.create(stream=True, **arguments))


def test_the_same_question_gets_the_same_answer(client: OpenAI) -> None:
    first, second = (
        client.chat.completions.create(model="gpt-4o", messages=[user("Who wrote Emma?")]) for _ in range(2)
    )
    assert first.choices[0].message.content == second.choices[0].message.content
    assert "Who wrote Emma?" in (first.choices[0].message.content or "")
    assert first.id != second.id
    assert first.choices[0].finish_reason == "stop"


def test_a_stream_says_what_the_whole_answer_says(client: OpenAI) -> None:
    arguments: dict[str, Any] = {"model": "gpt-4o", "messages": [user("Who wrote Emma?")]}
    whole = client.chat.completions.create(**arguments)
    parts = chunks(client, **arguments, stream_options={"include_usage": True})
    text = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
    assert text == whole.choices[0].message.content
    assert parts[-1].choices == []
    assert parts[-1].usage == whole.usage
    assert len(parts) > 6


def test_a_stream_shows_usage_only_when_it_is_asked_for(client: OpenAI) -> None:
    parts = chunks(client, model="gpt-4o", messages=[user("Hello")])
    assert [part.usage for part in parts] == [None] * len(parts)


def test_an_answer_is_as_long_as_the_directive_says_and_so_is_its_usage(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=[user("[[sim: tokens=1000]]")])
    assert answer.usage is not None
    assert tokens.count(answer.choices[0].message.content or "") == 1000
    assert answer.usage.completion_tokens == 1000


def test_a_stream_has_as_many_content_chunks_as_asked(client: OpenAI) -> None:
    parts = chunks(client, model="gpt-4o", messages=[user("[[sim: chunks=50]]")])
    assert sum(1 for part in parts if part.choices and part.choices[0].delta.content) == 50


def test_max_tokens_cuts_the_answer_with_finish_reason_length(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=[user("Hello")], max_tokens=5)
    assert answer.usage is not None
    assert (answer.choices[0].finish_reason, answer.usage.completion_tokens) == ("length", 5)


def test_a_stop_sequence_ends_the_answer_before_it(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=[user("Hello")], stop=[", and"])
    assert answer.choices[0].message.content == 'You asked "Hello"'
    assert answer.choices[0].finish_reason == "stop"


def test_n_choices_differ(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=[user("Hello")], n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) == 3


def test_streamed_choices_are_interleaved_and_each_whole(client: OpenAI) -> None:
    arguments: dict[str, Any] = {"model": "gpt-4o", "messages": [user("Hello")], "n": 2}
    whole = client.chat.completions.create(**arguments)
    texts = {0: "", 1: ""}
    for part in chunks(client, **arguments):
        for choice in part.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == {choice.index: choice.message.content for choice in whole.choices}


def test_logprobs_cover_the_text(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=[user("Hello")], logprobs=True, top_logprobs=2)
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert "".join(each.token for each in logprobs.content) == answer.choices[0].message.content
    assert {len(each.top_logprobs) for each in logprobs.content} == {2}


def test_a_tool_is_called_with_arguments_from_the_question(client: OpenAI) -> None:
    question = [user("What is the weather in Paris?")]
    answer = client.chat.completions.create(model="gpt-4o", messages=question, tools=[WEATHER, TIME])
    (call,) = function_calls(answer.choices[0].message)
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city":"Paris"}')
    assert (answer.choices[0].finish_reason, answer.choices[0].message.content) == ("tool_calls", None)


def parallel_calls(client: OpenAI, **more: Any) -> list[tuple[int, str, str]]:
    question = [user("The weather in Paris and the time there in 3 hours?")]
    found: dict[int, list[str]] = {}
    for part in chunks(client, model="gpt-4o", messages=question, tools=[WEATHER, TIME], **more):
        for call in part.choices[0].delta.tool_calls or ():
            assert call.function is not None
            name_and_arguments = found.setdefault(call.index, ["", ""])
            name_and_arguments[0] += call.function.name or ""
            name_and_arguments[1] += call.function.arguments or ""
    return [(index, name, arguments) for index, (name, arguments) in found.items()]


def test_a_named_tool_is_called_once_with_the_arguments_told_to_the_letter(client: OpenAI) -> None:
    arguments = '{"city":  "x > y"}'
    messages: list[Any] = [user(f"Go. [[sim: tool=get_weather arguments='{arguments}']]")]
    answer = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[TIME, WEATHER])
    (call,) = function_calls(answer.choices[0].message)
    assert (call.function.name, call.function.arguments) == ("get_weather", arguments)
    messages += [answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    ended = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[TIME, WEATHER])
    assert ended.choices[0].finish_reason == "stop"


def test_parallel_tool_calls_stream_under_their_own_indexes(client: OpenAI) -> None:
    assert parallel_calls(client) == [
        (0, "get_weather", '{"city":"Paris"}'),
        (1, "get_time", '{"zone":"UTC","hours":3}'),
    ]


def test_without_parallel_tool_calls_one_is_made(client: OpenAI) -> None:
    assert parallel_calls(client, parallel_tool_calls=False) == [(0, "get_weather", '{"city":"Paris"}')]


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", []),
        ("required", ["get_weather"]),
        ({"type": "function", "function": {"name": "get_time"}}, ["get_time"]),
    ],
)
def test_tool_choice_decides_what_is_called(client: OpenAI, choice: Any, called: list[str]) -> None:
    answer = client.chat.completions.create(
        model="gpt-4o", messages=[user("Hello")], tools=[WEATHER, TIME], tool_choice=choice
    )
    assert [call.function.name for call in function_calls(answer.choices[0].message)] == called


def test_a_tool_result_is_cited(client: OpenAI) -> None:
    turns: list[Any] = [user("What is the weather in Paris?")]
    first = client.chat.completions.create(model="gpt-4o", messages=turns, tools=[WEATHER])
    (call,) = function_calls(first.choices[0].message)
    turns += [first.choices[0].message.model_dump(exclude_none=True)]
    turns += [{"role": "tool", "tool_call_id": call.id, "content": "18 degrees, rain"}]
    second = client.chat.completions.create(model="gpt-4o", messages=turns, tools=[WEATHER])
    assert "18 degrees, rain" in (second.choices[0].message.content or "")
    assert second.choices[0].finish_reason == "stop"


class Address(BaseModel):
    street: str
    number: int


class Person(BaseModel):
    name: str
    kind: Literal["friend", "foe"]
    address: Address | None
    tags: list[str]


def test_structured_output_fits_its_schema(client: OpenAI) -> None:
    answer = client.chat.completions.parse(
        model="gpt-4o", messages=[user("I met Ada Lovelace at number 12.")], response_format=Person
    )
    person = answer.choices[0].message.parsed
    assert person is not None
    assert person.address is not None
    assert (person.name, person.kind, person.address.number) == ("Ada Lovelace", "friend", 12)


def test_json_mode_answers_json(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="gpt-4o", messages=[user("Answer in json: why?")], response_format={"type": "json_object"}
    )
    assert list(orjson.loads(answer.choices[0].message.content or "")) == ["answer"]


def test_an_open_schema_is_filled_as_it_says(client: OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {
            "when": {"type": "string", "format": "date-time"},
            "n": {"type": "number", "minimum": 7},
        },
        "required": ["when", "n"],
    }
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "event", "schema": schema}}
    answer = client.chat.completions.create(model="gpt-4o", messages=[user("Hm")], response_format=wanted)
    jsonschema_rs.validate(schema, orjson.loads(answer.choices[0].message.content or ""))


def test_images_are_seen_and_counted(client: OpenAI) -> None:
    words: Any = {"type": "text", "text": "What is this?"}
    image: Any = {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}
    plain, seeing = (
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": content}])
        for content in ([words], [words, image, image])
    )
    assert plain.usage is not None
    assert seeing.usage is not None
    assert seeing.usage.prompt_tokens == plain.usage.prompt_tokens + 2 * 85
    assert "2 images" in (seeing.choices[0].message.content or "")


def test_reasoning_models_report_the_tokens_they_thought(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="o4-mini", messages=[user("Hello")], reasoning_effort="low", max_completion_tokens=500
    )
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    said = tokens.count(answer.choices[0].message.content or "")
    assert answer.usage.completion_tokens_details.reasoning_tokens == 64
    assert answer.usage.completion_tokens == 64 + said


def test_a_prefix_seen_before_is_cached_in_steps_of_128(client: OpenAI) -> None:
    article = " ".join(f"unique{i}" for i in range(700))
    for question, cached in (("Sum it up.", 0), ("Now in French.", 1280)):
        answer = client.chat.completions.create(model="gpt-4o", messages=[user(article + question)])
        assert answer.usage is not None
        assert answer.usage.prompt_tokens_details is not None
        assert answer.usage.prompt_tokens_details.cached_tokens == cached


def test_reported_usage_follows_the_directive(client: OpenAI) -> None:
    directive = "[[sim: prompt_tokens=5000 cached=2048 reasoning=300]]"
    answer = client.chat.completions.create(model="gpt-5", messages=[user(directive)])
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.prompt_tokens == 5000
    assert answer.usage.prompt_tokens_details.cached_tokens == 2048
    assert answer.usage.completion_tokens_details.reasoning_tokens == 300


def test_a_refusal_stands_apart_from_the_content(client: OpenAI) -> None:
    message = client.chat.completions.create(model="gpt-4o", messages=[user("[[sim: refuse]]")]).choices[0].message
    assert (message.content, message.refusal) == (None, "I'm sorry, but I can't help with that.")


def test_models_are_listed(client: OpenAI) -> None:
    assert {"gpt-4o", "o4-mini"} <= {model.id for model in client.models.list()}


@pytest.mark.parametrize(
    ("wrong", "error", "code", "param"),
    [
        ({"model": "claude-3"}, openai.NotFoundError, "model_not_found", None),
        ({"model": "o1-pro"}, openai.NotFoundError, None, "model"),
        ({"model": "gpt-5.1-codex-mini"}, openai.NotFoundError, None, "model"),
        ({"messages": []}, openai.BadRequestError, "empty_array", "messages"),
        ({"temperature": 3}, openai.BadRequestError, "decimal_above_max_value", "temperature"),
        ({"temperature": "hot"}, openai.BadRequestError, "invalid_type", "temperature"),
        ({"n": 0}, openai.BadRequestError, "integer_below_min_value", "n"),
        (
            {"messages": [{"role": "bard", "content": ""}]},
            openai.BadRequestError,
            "invalid_value",
            "messages[0].role",
        ),
        ({"tool_choice": "auto"}, openai.BadRequestError, None, "tool_choice"),
        ({"model": "o3", "max_tokens": 9}, openai.BadRequestError, "unsupported_parameter", "max_tokens"),
        ({"extra_body": {"models": ["gpt-4o"]}}, openai.BadRequestError, "unknown_parameter", "models"),
        (
            {"messages": [{"role": "tool", "tool_call_id": "x", "content": ""}]},
            openai.BadRequestError,
            None,
            "messages.[0].role",
        ),
        (
            {"tools": [WEATHER | {"function": WEATHER["function"] | {"strict": True}}]},
            openai.BadRequestError,
            "invalid_function_parameters",
            "tools[0].function.parameters",
        ),
    ],
)  # fmt: skip
def test_a_bad_request_is_refused_as_openai_refuses_it(
    client: OpenAI, wrong: Any, error: type[openai.APIStatusError], code: str | None, param: str | None
) -> None:
    good: dict[str, Any] = {"model": "gpt-4o", "messages": [user("Hello")]}
    with pytest.raises(error) as caught:
        client.chat.completions.create(**(good | wrong))
    assert (caught.value.code, caught.value.param) == (code, param)
    assert caught.value.type == "invalid_request_error"


def test_unanswered_tool_calls_are_refused(client: OpenAI) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    turns: list[Any] = [user("Hi"), {"role": "assistant", "tool_calls": [call]}, user("And?")]
    with pytest.raises(openai.BadRequestError, match="did not have response messages: call_1"):
        client.chat.completions.create(model="gpt-4o", messages=turns)


def test_a_wrong_key_is_an_authentication_error(client: OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        client.with_options(api_key="sk-wrong").chat.completions.create(model="gpt-4o", messages=[user("Hi")])
    assert caught.value.code == "invalid_api_key"


def test_deepseek_shows_its_reasoning_beside_the_content(rows: Any) -> None:
    with OpenAI(**rows["deepseek"], max_retries=0) as client:
        whole = client.chat.completions.create(model="deepseek-reasoner", messages=[user("Hello")])
        parts = chunks(client, model="deepseek-reasoner", messages=[user("Hello")])
    thought = whole.choices[0].message.model_extra or {}
    streamed = "".join((part.choices[0].delta.model_extra or {}).get("reasoning_content", "") for part in parts)
    assert tokens.count(thought["reasoning_content"]) == 128
    assert streamed == thought["reasoning_content"]
