"""Tests of the official OpenAI SDK, unmodified, over a socket: only base URL, key and model name are ours."""

import json
import os
import signal
from collections.abc import Iterator
from itertools import islice
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from tests.stack.conftest import Stack

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello!"}]
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather for a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)


@pytest.fixture
def client(stack: Stack) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=stack.base_url, api_key=stack.api_key, max_retries=0) as made:
        yield made


def sim(words: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": f"Hello! [[sim: {words}]]"}]


def test_an_answer_has_text_usage_and_the_asked_models_name(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert answer.choices[0].message.content
    assert answer.id.startswith("chatcmpl-nxn-")
    assert answer.model == "gpt-4o"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.model_extra is not None
    assert answer.model_extra["nexevo"]["model_used"] == "gpt-4o"


def test_a_stream_says_the_same_as_an_answer_and_counts_the_same(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="gpt-4o", messages=HELLO, seed=1)
    with client.chat.completions.create(
        model="gpt-4o", messages=HELLO, seed=1, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage


@pytest.mark.parametrize("sent", [1, 2, 15])
def test_each_chunk_arrives_when_it_is_sent(client: openai.OpenAI, sent: int) -> None:
    # The provider never sends another one, nor an end.
    words = sim(f"chunks=20 stall_after={sent}")
    with client.chat.completions.create(model="gpt-4o", messages=words, stream=True) as stream:
        texts = (chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content)
        assert len(list(islice(texts, sent))) == sent


def test_silence_is_filled_with_comments_that_the_sdk_does_not_mind(client: openai.OpenAI) -> None:
    # The provider never sends a token.
    with client.chat.completions.with_streaming_response.create(
        model="gpt-4o", messages=sim("stall_after=0"), stream=True
    ) as response:
        before = list(islice((line for line in response.iter_lines() if line), 10))
    assert before == [": NX"] * 10
    with client.chat.completions.create(
        model="gpt-4o", messages=sim("first_token_delay_ms=700 chunk_ms=400"), stream=True
    ) as stream:
        assert all(chunk.object == "chat.completion.chunk" for chunk in stream)


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_loop_completes(client: openai.OpenAI, stream: bool) -> None:
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is the weather in Tokyo?"}]
    if stream:
        with client.chat.completions.stream(model="gpt-4o", messages=asked, tools=[WEATHER]) as events:
            calls: list[Any] = [*(events.get_final_completion().choices[0].message.tool_calls or ())]
    else:
        answer = client.chat.completions.create(model="gpt-4o", messages=asked, tools=[WEATHER])
        calls = list(answer.choices[0].message.tool_calls or [])
    call = calls[0]
    assert call.type == "function"
    assert set(json.loads(call.function.arguments)) == {"city"}
    answer = client.chat.completions.create(
        model="gpt-4o",
        messages=[
            *asked,
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.function.name, "arguments": call.function.arguments},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
        ],
        tools=[WEATHER],
    )
    assert "sunny" in (answer.choices[0].message.content or "")


class Person(BaseModel):
    name: str
    age: int


def test_structured_output_parses(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(model="gpt-4o", messages=HELLO, response_format=Person)
    assert isinstance(answer.choices[0].message.parsed, Person)


def test_a_picture_is_seen(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="gpt-4o",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": PIXEL}},
                ],
            }
        ],
    )
    assert answer.choices[0].message.content


def test_alternatives_and_log_probabilities_come_through(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=HELLO, n=2, logprobs=True, top_logprobs=2)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert answer.choices[0].logprobs is not None
    assert answer.choices[0].logprobs.content


@pytest.mark.parametrize("alias", ["nexevo/fast", "nexevo/balanced", "nexevo/auto", "nexevo/balanced:cheap"])
def test_routing_aliases_answer_under_their_own_name(client: openai.OpenAI, alias: str) -> None:
    answer = client.chat.completions.create(model=alias, messages=HELLO)
    assert answer.model == alias


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("status=500", openai.InternalServerError),
        ("status=503", openai.InternalServerError),
        ("status=429", openai.InternalServerError),
        ("status=400", openai.BadRequestError),
        ("garbage", openai.InternalServerError),
        ("cut_after=40", openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_failing_provider_raises_the_sdks_own_error(
    client: openai.OpenAI, words: str, kind: type[openai.APIStatusError], stream: bool
) -> None:
    with pytest.raises(kind) as failure:
        client.chat.completions.create(model="gpt-4o", messages=sim(words), stream=stream)
    assert failure.value.response.headers["x-trace-id"]


def test_a_stream_that_breaks_raises_after_what_came(client: openai.OpenAI) -> None:
    words = sim("chunks=20 chunk_ms=20 error_after=5")
    text: list[str] = []
    stream = client.chat.completions.create(model="gpt-4o", messages=words, stream=True)
    with pytest.raises(openai.APIError), stream:
        text.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "".join(text)


def test_bad_keys_models_and_bodies_raise_the_sdks_own_errors(stack: Stack, client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError), openai.OpenAI(base_url=stack.base_url, api_key="sk-no") as stranger:
        stranger.chat.completions.create(model="gpt-4o", messages=HELLO)
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="gpt-nothing", messages=HELLO)
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as bad:
        client.chat.completions.create(model="gpt-4o", messages=HELLO, temperature=9)
    assert bad.value.param == "temperature"


def test_a_body_over_the_platforms_limit_is_a_413_that_names_the_way(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "x" * 11_000_000}])
    assert refused.value.status_code == 413
    assert "/v1/files/presign" in refused.value.message


def test_the_sdks_own_retries_succeed_and_pay_once(stack: Stack) -> None:
    words = "status=500 times=4 id=retries"
    with openai.OpenAI(base_url=stack.base_url, api_key=stack.api_key, max_retries=2) as patient:
        answer = patient.chat.completions.create(model="gpt-4o", messages=sim(words))
    assert answer.choices[0].message.content


def test_models_are_listed_and_found_by_ids_with_slashes(client: openai.OpenAI) -> None:
    ids = [model.id for model in client.models.list()]
    assert {"gpt-4o", "gpt-5", "o1", "nexevo/fast"} <= set(ids)
    found = client.models.retrieve("nexevo/fast")
    assert (found.id, found.owned_by) == ("nexevo/fast", "nexevo")
    assert found.model_extra is not None
    assert found.model_extra["simulated"] is True
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing/here")


def test_a_killed_process_ends_its_stream_with_an_error_and_the_next_request_is_served(
    stack: Stack, client: openai.OpenAI
) -> None:
    words = sim("chunk_ms=50 chunks=200")
    with client.chat.completions.create(model="gpt-4o", messages=words, stream=True) as stream:
        assert next(stream).choices
        for pid in stack.processes("chat"):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(openai.APIConnectionError):
            assert len(list(stream)) < 200
    assert client.chat.completions.create(model="gpt-4o", messages=HELLO).choices[0].message.content


def test_moderations_are_judged_for_each_text(client: openai.OpenAI) -> None:
    found = client.moderations.create(input=["Hello!", "I plan violence."])
    assert [one.flagged for one in found.results] == [False, True]
    assert (found.model, found.id.startswith("modr-nxn-")) == ("omni-moderation-latest", True)
