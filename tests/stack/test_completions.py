"""Tests of legacy completions with the official OpenAI SDK, unmodified, over one model of each provider."""

from typing import Any

import openai
import pytest

from tests.stack.conftest import Stack

PROMPT = "Once upon a time"
MODELS = [
    "gpt-4o",
    "gpt-5",
    "claude-haiku-4-5",
    "gemini-2.5-flash",
    "aws/claude-haiku-4-5",
    "deepseek-chat",
    "nexevo/fast",
]


def sim(words: str) -> str:
    return f"{PROMPT} [[sim: {words}]]"


def streamed(sdk: openai.OpenAI, **asked: Any) -> list[Any]:
    with sdk.completions.create(**asked, stream=True) as stream:
        return list(stream)


def text_of(chunks: list[Any], index: int = 0) -> str:
    return "".join(choice.text for chunk in chunks for choice in chunk.choices if choice.index == index)


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_says_and_counts_the_same_as_an_answer(sdk: openai.OpenAI, model: str) -> None:
    asked: dict[str, Any] = {"model": model, "prompt": PROMPT, "max_tokens": 500}
    whole = sdk.completions.create(**asked)
    chunks = streamed(sdk, **asked, stream_options={"include_usage": True})
    assert whole.choices[0].text
    assert text_of(chunks) == whole.choices[0].text
    assert whole.usage is not None
    assert chunks[-1].usage == whole.usage
    assert (whole.object, whole.model, whole.choices[0].finish_reason) == ("text_completion", model, "stop")


def test_an_answer_has_our_names_and_what_it_cost(sdk: openai.OpenAI) -> None:
    answer = sdk.completions.create(model="gpt-4o", prompt=[PROMPT])
    assert answer.id.startswith("cmpl-nxn-")
    assert answer.model_extra is not None
    assert (answer.model_extra["nexevo"]["model_used"], answer.model_extra["nexevo"]["cache"]) == ("gpt-4o", "miss")
    assert float(answer.model_extra["nexevo"]["cost_usd"]) > 0


def test_a_prompt_is_answered_as_the_one_turn_of_a_chat(sdk: openai.OpenAI) -> None:
    completion = sdk.completions.create(model="gpt-4o", prompt=PROMPT, seed=1)
    chat = sdk.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": PROMPT}], seed=1)
    assert completion.choices[0].text == chat.choices[0].message.content
    assert completion.usage is not None
    assert chat.usage is not None
    assert completion.usage.total_tokens == chat.usage.total_tokens


def test_a_stream_ends_with_the_bill_and_shows_no_usage_unasked(sdk: openai.OpenAI) -> None:
    chunks = streamed(sdk, model="gpt-4o", prompt=PROMPT)
    assert (chunks[-1].choices[0].finish_reason, chunks[-1].model_extra["nexevo"]["model_used"]) == ("stop", "gpt-4o")
    assert [chunk.usage for chunk in chunks if chunk.usage] == []


@pytest.mark.parametrize("stream", [False, True])
def test_an_echo_comes_before_every_alternative(sdk: openai.OpenAI, stream: bool) -> None:
    asked: dict[str, Any] = {"model": "gpt-4o", "prompt": PROMPT, "n": 2, "seed": 1}
    plain = [choice.text for choice in sdk.completions.create(**asked).choices]
    if stream:
        chunks = streamed(sdk, **asked, echo=True)
        texts = [text_of(chunks, index) for index in (0, 1)]
    else:
        texts = [choice.text for choice in sdk.completions.create(**asked, echo=True).choices]
    assert texts == [PROMPT + text for text in plain]


@pytest.mark.parametrize("stream", [False, True])
def test_log_probabilities_stand_where_their_tokens_do(sdk: openai.OpenAI, stream: bool) -> None:
    asked: dict[str, Any] = {"model": "gpt-4o", "prompt": PROMPT, "logprobs": 2}
    answers = streamed(sdk, **asked) if stream else [sdk.completions.create(**asked)]
    text = text_of(answers)
    found = [choice.logprobs for answer in answers for choice in answer.choices if choice.logprobs]
    placed = [place for log in found for place in zip(log.text_offset, log.tokens, strict=True)]
    assert "".join(token for _, token in placed) == text
    assert [text[offset : offset + len(token)] for offset, token in placed] == [token for _, token in placed]
    tops = [top for log in found for top in log.top_logprobs]
    # Two alternatives, and the drawn token if it is neither of them.
    ranked = [token in top and len(top) in {2, 3} for (_, token), top in zip(placed, tops, strict=True)]
    assert ranked == [True] * len(placed)


def test_a_length_that_is_reached_is_said(sdk: openai.OpenAI) -> None:
    answer = sdk.completions.create(model="gpt-4o", prompt=PROMPT, max_tokens=2)
    assert answer.choices[0].finish_reason == "length"


def test_tokens_of_reasoning_are_counted_though_it_is_not_shown(sdk: openai.OpenAI) -> None:
    usage = sdk.completions.create(model="gpt-5", prompt=PROMPT).usage
    assert usage is not None
    assert usage.completion_tokens_details is not None
    assert 0 < (usage.completion_tokens_details.reasoning_tokens or 0) <= usage.completion_tokens


def test_several_prompts_are_answered_in_order_and_paid_together(sdk: openai.OpenAI) -> None:
    prompts = ["the first", "the second", "the third"]
    alone = [sdk.completions.create(model="gpt-4o", prompt=prompt, seed=1) for prompt in prompts]
    together = sdk.completions.create(model="gpt-4o", prompt=prompts, seed=1)
    assert [choice.index for choice in together.choices] == [0, 1, 2]
    assert [choice.text for choice in together.choices] == [one.choices[0].text for one in alone]
    assert together.usage is not None
    assert together.usage.total_tokens == sum(one.usage.total_tokens for one in alone if one.usage is not None)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"prompt": ["a"] * 21}, "prompt"),
        ({"prompt": [1, 2, 3]}, "prompt"),
        ({"prompt": [[1, 2, 3]]}, "prompt"),
        ({"suffix": "the end."}, "suffix"),
        ({"best_of": 3}, "best_of"),
        ({"echo": True, "logprobs": 1}, "logprobs"),
        ({"logprobs": 6}, "logprobs"),
        ({"temperature": 9}, "temperature"),
        ({"extra_body": {"guided_regex": "a+"}}, "guided_regex"),
        ({"model": "claude-haiku-4-5", "n": 2}, "n"),
        ({"model": "claude-haiku-4-5", "logprobs": 1}, "logprobs"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_done_is_a_400_that_names_it(
    sdk: openai.OpenAI, members: dict[str, Any], param: str, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.completions.create(**{"model": "gpt-4o", "prompt": PROMPT} | members, stream=stream)
    assert refused.value.param == param


def test_bad_keys_and_models_raise_the_sdks_own_errors(stack: Stack, sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError), openai.OpenAI(base_url=stack.base_url, api_key="sk-no") as stranger:
        stranger.completions.create(model="gpt-4o", prompt=PROMPT)
    with pytest.raises(openai.NotFoundError) as missing:
        sdk.completions.create(model="gpt-nothing", prompt=PROMPT)
    assert missing.value.code == "model_not_found"


@pytest.mark.parametrize("stream", [False, True])
def test_a_failing_provider_raises_the_sdks_own_error(sdk: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.InternalServerError):
        sdk.completions.create(model="gpt-4o", prompt=sim("status=500"), stream=stream)


def test_a_stream_that_breaks_raises_after_what_came(sdk: openai.OpenAI) -> None:
    words = sim("chunks=20 chunk_ms=20 error_after=5")
    came: list[str] = []
    stream = sdk.completions.create(model="gpt-4o", prompt=words, stream=True)
    with pytest.raises(openai.APIError), stream:
        came.extend(chunk.choices[0].text for chunk in stream)
    assert "".join(came)


def test_silence_is_filled_with_comments_that_the_sdk_does_not_mind(sdk: openai.OpenAI) -> None:
    chunks = streamed(sdk, model="gpt-4o", prompt=sim("first_token_delay_ms=700 chunk_ms=400 chunks=3"))
    assert {chunk.object for chunk in chunks} == {"text_completion"}
