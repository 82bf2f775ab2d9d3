"""Tests of whole answers and errors as callers of this wire read them."""

from typing import Any

import orjson
import pytest

from gateway.canonical.parts import Opaque, Part, RedactedThinking, Refusal, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice, Extension, FinishReason, Stamp
from gateway.canonical.tries import Tried
from gateway.canonical.usage import Usage
from gateway.errors import InvalidRequest, RequestTimeout, UpstreamError
from gateway.protocols.openai_completions import CLIENT

STAMP = Stamp(response_id="cmpl-nxn-1", model="nexevo/fast", created_s=5)
ECHOING = Stamp(response_id="cmpl-nxn-1", model="nexevo/fast", created_s=5, echo={"prompts": ["Once upon"] * 2})
EXTENSION = Extension("gen-nxn-1", "gpt-5", (Tried("gpt-5", "p", "served"),), "miss", "0.001")


def encoded(*choices: Choice, stamp: Stamp = STAMP, usage: Usage | None = None) -> Any:
    return orjson.loads(CLIENT.encode_response(ChatResponse("up", "gpt-up", 1, choices, usage), stamp, EXTENSION))


def said(*parts: Part, logprobs: object = None) -> Any:
    (choice,) = encoded(Choice(0, parts, FinishReason.STOP, logprobs=logprobs))["choices"]
    return choice


def scored(token: str, logprob: float, *others: tuple[str, float], spelt: list[int] | None = None) -> Any:
    top = [{"token": other, "logprob": weight, "bytes": None} for other, weight in others]
    return {"token": token, "logprob": logprob, "bytes": spelt, "top_logprobs": top}


def test_an_answer_is_a_text_completion_under_our_names() -> None:
    usage = Usage(input=3, cache_read=2, cache_write_5m=1, output=4, reasoning=1)
    assert encoded(Choice(0, (Text(" a time"),), FinishReason.STOP), usage=usage) == {
        "id": "cmpl-nxn-1",
        "object": "text_completion",
        "created": 5,
        "model": "nexevo/fast",
        "choices": [{"text": " a time", "index": 0, "logprobs": None, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 6,
            "completion_tokens": 4,
            "total_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 1},
        },
        "nexevo": EXTENSION.as_json(),
    }


def test_no_usage_is_made_up() -> None:
    assert "usage" not in encoded(Choice(0, (Text("x"),), FinishReason.STOP))


def test_an_echo_comes_before_the_text_of_every_choice() -> None:
    choices = [Choice(index, (Text(text),), FinishReason.STOP) for index, text in enumerate((" a time", " us"))]
    answer = encoded(*choices, stamp=ECHOING)
    assert [choice["text"] for choice in answer["choices"]] == ["Once upon a time", "Once upon us"]


def test_reasoning_calls_and_what_only_other_wires_know_are_not_in_the_text() -> None:
    parts = (Thinking("hm"), RedactedThinking("zzz"), Text("a"), ToolCall("c", "f", "{}"), Opaque("gemini", "{}"))
    assert said(*parts, Text("b"))["text"] == "ab"


def test_a_refusal_is_text_for_its_reader() -> None:
    assert said(Refusal("I cannot."))["text"] == "I cannot."


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (FinishReason.STOP, "stop"),
        (FinishReason.STOP_SEQUENCE, "stop"),
        (FinishReason.LENGTH, "length"),
        (FinishReason.CONTENT_FILTER, "content_filter"),
        (FinishReason.REFUSAL, "content_filter"),
        (FinishReason.TOOL_CALLS, "stop"),
        (FinishReason.PAUSE, "stop"),
        (FinishReason.ERROR, "stop"),
        (None, "stop"),
    ],
)
def test_every_finish_reason_has_a_word(reason: FinishReason | None, word: str) -> None:
    (choice,) = encoded(Choice(0, (Text("x"),), reason))["choices"]
    assert choice["finish_reason"] == word


def test_log_probabilities_are_parallel_arrays() -> None:
    content = [scored("Hi", -0.5, ("Hi", -0.5), ("Ho", -1.5)), scored(" you", -2.5, ("!", -0.1), (".", -0.2))]
    assert said(Text("Hi you"), logprobs={"content": content, "refusal": None})["logprobs"] == {
        "tokens": ["Hi", " you"],
        "token_logprobs": [-0.5, -2.5],
        "top_logprobs": [{"Hi": -0.5, "Ho": -1.5}, {"!": -0.1, ".": -0.2, " you": -2.5}],
        "text_offset": [0, 2],
    }


def test_without_alternatives_only_the_drawn_tokens_are_weighed() -> None:
    found = said(Text("Hi"), logprobs={"content": [scored("Hi", -0.5)]})["logprobs"]
    assert (found["token_logprobs"], found["top_logprobs"]) == ([-0.5], None)


def test_offsets_count_characters_though_a_token_may_be_part_of_one() -> None:
    sign = list("€".encode())
    content = [
        scored("é", -1.0, spelt=list("é".encode())),
        scored("\\xe2\\x82", -1.0, spelt=sign[:2]),
        scored("\\xac", -1.0, spelt=sign[2:]),
        scored("5", -1.0),
    ]
    assert said(Text("é€5"), logprobs={"content": content})["logprobs"]["text_offset"] == [0, 1, 1, 2]


@pytest.mark.parametrize("logprobs", [None, {"content": None, "refusal": []}, {"content": []}])
def test_log_probabilities_of_nothing_are_null(logprobs: object) -> None:
    assert said(Text("x"), logprobs=logprobs)["logprobs"] is None


@pytest.mark.parametrize("spelt", ["Hi", [300], ["H"], 2])
def test_a_token_that_is_garbage_is_the_providers_failure(spelt: Any) -> None:
    with pytest.raises(UpstreamError):
        said(Text("Hi"), logprobs={"content": [scored("Hi", -0.5, spelt=spelt)]})


def test_an_error_has_the_shape_of_openais_other_wires() -> None:
    refused = InvalidRequest("No.", param="prompt", code="unsupported_value")
    assert orjson.loads(CLIENT.encode_error(refused, "req-1")) == {
        "error": {
            "message": "No.",
            "type": "invalid_request_error",
            "param": "prompt",
            "code": "unsupported_value",
        }
    }


def test_what_took_too_long_says_so_beside_the_error() -> None:
    body = orjson.loads(CLIENT.encode_error(RequestTimeout("Late."), "req-1"))
    assert (body["error"]["type"], body["detail"]) == ("timeout_error", {"type": "timeout_error", "message": "Late."})


def test_nothing_is_forwarded_since_no_provider_speaks_this_wire() -> None:
    with pytest.raises(NotImplementedError):
        CLIENT.forward_response(b"{}", STAMP, EXTENSION)
