"""Tests that completion requests become canonical, and that every refusal has the path of the wrong member."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from gateway.canonical.parts import Message, Text
from gateway.canonical.request import ChatRequest, PriceLimit, RoutingPreferences, Sampling
from gateway.errors import InvalidRequest
from gateway.protocols.openai_completions import CLIENT

SAID = (Message("user", (Text("Once upon"),)),)


def decode(**members: Any) -> ChatRequest:
    return CLIENT.decode_request(orjson.dumps({"model": "m", "prompt": "Once upon"} | members))


def refusal(**members: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        decode(**members)
    return caught.value


def test_the_least_request_is_one_user_turn_and_leaves_everything_else_unsaid() -> None:
    body = b'{"model":"m","prompt":"Once upon"}'
    assert CLIENT.decode_request(body) == ChatRequest("openai_completions", "m", SAID, body)


def test_every_parameter_has_its_place() -> None:
    members = {
        "model": "m",
        "prompt": ["Once upon"],
        "stream": True,
        "stream_options": {"include_usage": True},
        "n": 2,
        "best_of": 2,
        "max_tokens": 500,
        "temperature": 0.7,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["END", "STOP"],
        "presence_penalty": 0.5,
        "frequency_penalty": -0.5,
        "logit_bias": {"50256": -100},
        "logprobs": 3,
        "suffix": "",
        "echo": False,
        "user": "u1",
        "models": ["gpt-4o"],
        "provider": {"only": ["x"]},
        "max_price": {"prompt": 1.25},
    }
    body = orjson.dumps(members)
    assert CLIENT.decode_request(body) == ChatRequest(
        protocol="openai_completions",
        model="m",
        messages=SAID,
        source=body,
        stream=True,
        include_usage=True,
        choices=2,
        max_output_tokens=500,
        sampling=Sampling(
            temperature=0.7,
            top_p=0.9,
            seed=7,
            stop=("END", "STOP"),
            presence_penalty=0.5,
            frequency_penalty=-0.5,
            logit_bias={"50256": -100.0},
            logprobs=True,
            top_logprobs=3,
        ),
        user="u1",
        unread_bytes=86,
        routing=RoutingPreferences(
            fallback_models=("gpt-4o",), only=("x",), max_price=PriceLimit(prompt_usd=Decimal("1.25"))
        ),
    )


@pytest.mark.parametrize("prompt", ["Once upon", ["Once upon"]])
def test_an_array_of_one_prompt_is_that_prompt(prompt: Any) -> None:
    assert decode(prompt=prompt).messages == SAID


def test_the_members_of_langchains_llm_class_are_all_understood() -> None:
    defaults = {"best_of": None, "logprobs": None, "seed": None, "logit_bias": None, "suffix": None, "stop": None}
    sent = {"temperature": 0.7, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0, "n": 1, "max_tokens": 256}
    assert decode(**defaults, **sent).unmapped == {}


def test_an_echoed_prompt_is_kept_for_the_answer() -> None:
    assert decode(prompt=["Once upon"], echo=True).echo == {"prompts": ["Once upon"]}


def test_further_prompts_are_conversations_of_their_own() -> None:
    asked = decode(prompt=["a", "b", "c"])
    said = [(Message("user", (Text(text),)),) for text in "abc"]
    assert [asked.messages, *asked.batch] == said


def test_each_choice_of_each_prompt_is_echoed_its_own() -> None:
    assert decode(prompt=["a", "b"], n=2, echo=True).echo == {"prompts": ["a", "a", "b", "b"]}


@pytest.mark.parametrize(("logprobs", "wanted", "top"), [(None, False, None), (0, True, None), (5, True, 5)])
def test_log_probabilities_are_asked_for_with_as_many_alternatives(
    logprobs: int | None, wanted: bool, top: int | None
) -> None:
    sampling = decode(logprobs=logprobs).sampling
    assert (sampling.logprobs, sampling.top_logprobs) == (wanted, top)


def test_one_stop_is_a_list_of_one() -> None:
    assert decode(stop="END").sampling.stop == ("END",)


def test_unknown_members_are_kept_apart_under_their_names() -> None:
    assert decode(guided_regex="a+", tools=None).unmapped == {"guided_regex": "a+"}


@pytest.mark.parametrize("prompt", [[1], [1, 2, 3], [[1, 2]], [[1], [2]], [[]]])
def test_token_ids_are_refused_with_the_way_out(prompt: Any) -> None:
    refused = refusal(prompt=prompt)
    assert (refused.param, refused.code) == ("prompt", "unsupported_value")
    assert "send a string" in refused.message


def test_a_stream_of_several_prompts_is_refused_with_the_way_out() -> None:
    refused = refusal(prompt=["a", "b", "c"], stream=True)
    assert (refused.param, refused.code) == ("prompt", "unsupported_value")
    assert "got 3. Send a request for each prompt" in refused.message


def test_more_prompts_than_a_request_may_have_are_refused() -> None:
    assert refusal(prompt=["a"] * 21).param == "prompt"


@pytest.mark.parametrize("best_of", [1, 3])
def test_completions_are_not_ranked(best_of: int) -> None:
    refused = refusal(n=2, best_of=best_of)
    assert (refused.param, refused.code) == ("best_of", "unsupported_value")


def test_an_echoed_prompt_has_no_log_probabilities() -> None:
    refused = refusal(echo=True, logprobs=0)
    assert (refused.param, refused.code) == ("logprobs", "unsupported_value")


@pytest.mark.parametrize(
    ("members", "param", "code"),
    [
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"prompt": ""}, "prompt", "empty_string"),
        ({"prompt": []}, "prompt", "empty_array"),
        ({"prompt": [""]}, "prompt[0]", "empty_string"),
        ({"prompt": 5}, "prompt", "invalid_type"),
        ({"prompt": {"text": "x"}}, "prompt", "invalid_type"),
        ({"prompt": ["a", 1]}, "prompt[1]", "invalid_type"),
        ({"prompt": [True]}, "prompt[0]", "invalid_type"),
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": ""}, "model", "empty_string"),
        ({"suffix": "the end"}, "suffix", "unsupported_parameter"),
        ({"suffix": 1}, "suffix", "invalid_type"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"n": 129}, "n", "integer_above_max_value"),
        ({"n": 1, "best_of": 21}, "best_of", "integer_above_max_value"),
        ({"echo": "yes"}, "echo", "invalid_type"),
        ({"logprobs": 6}, "logprobs", "integer_above_max_value"),
        ({"logprobs": -1}, "logprobs", "integer_below_min_value"),
        ({"logprobs": True}, "logprobs", "invalid_type"),
        ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
        ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
        ({"top_p": -0.1}, "top_p", "decimal_below_min_value"),
        ({"presence_penalty": 3}, "presence_penalty", "decimal_above_max_value"),
        ({"frequency_penalty": -3}, "frequency_penalty", "decimal_below_min_value"),
        ({"seed": 1.5}, "seed", "invalid_type"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop", "array_above_max_length"),
        ({"stop": 1}, "stop", "invalid_type"),
        ({"logit_bias": {"x": 1}}, "logit_bias", "invalid_logit_bias"),
        ({"logit_bias": {"1": 101}}, "logit_bias.1", "decimal_above_max_value"),
        ({"logit_bias": {str(token): 1 for token in range(1025)}}, "logit_bias", "invalid_value"),
        ({"user": 1}, "user", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream_options": {"include_usage": True}}, "stream_options", None),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage", "invalid_type"),
        ({"api_base": "https://example.com"}, "api_base", "unknown_parameter"),
        ({"provider": {"sort": "luck"}}, "provider.sort", "invalid_value"),
    ],
)
def test_what_is_wrong_is_named(members: dict[str, Any], param: str, code: str | None) -> None:
    refused = refusal(**members)
    assert (refused.param, refused.code) == (param, code)


def test_a_body_that_is_no_object_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        CLIENT.decode_request(b"[]")
