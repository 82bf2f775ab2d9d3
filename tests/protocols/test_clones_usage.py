"""Tests with usage as vendors and clones really report it: odd counts never cost an answer, and parts fit in wholes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gateway.canonical.codec import UpstreamCodec
from gateway.canonical.events import Ended, Failed, UsageReported
from gateway.canonical.parts import Text
from gateway.canonical.usage import Usage
from gateway.framing.sse import sse_event
from gateway.protocols.anthropic_messages import UPSTREAM as MESSAGES
from gateway.protocols.bedrock_converse import UPSTREAM as CONVERSE
from gateway.protocols.gemini import UPSTREAM as GEMINI
from gateway.protocols.openai_chat import UPSTREAM as CHAT
from gateway.protocols.openai_responses import UPSTREAM as RESPONSES
from tests.protocols.bedrock_converse.streams import event as converse_event
from tests.protocols.clones import START, Json, chat, chunk, converse, events, gemini, named, read, responses

LONG = 123456789012345678901234


@pytest.mark.parametrize(
    ("codec", "body", "expected"),
    [
        (
            CHAT,
            chat(
                {"content": "x"},
                usage={
                    "prompt_tokens": 5,
                    "completion_tokens": 2,
                    "prompt_tokens_details": {"audio_tokens": 9, "cached_tokens": 4},
                    "completion_tokens_details": {"audio_tokens": 8, "reasoning_tokens": 7},
                },
            ),
            Usage(input=1, cache_read=4, output=2, reasoning=2, audio_input=1, audio_output=2),
        ),
        (
            RESPONSES,
            responses(
                usage={
                    "input_tokens": 5,
                    "output_tokens": 2,
                    "input_tokens_details": {"cached_tokens": 9},
                    "output_tokens_details": {"reasoning_tokens": 9},
                }
            ),
            Usage(input=0, cache_read=5, output=2, reasoning=2),
        ),
        (
            MESSAGES,
            {
                "content": [],
                "usage": {"input_tokens": 5, "output_tokens": 2, "output_tokens_details": {"thinking_tokens": 9}},
            },
            Usage(input=5, output=2, reasoning=2),
        ),
        (
            GEMINI,
            gemini(
                usageMetadata={
                    "promptTokenCount": 5,
                    "candidatesTokenCount": 2,
                    "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 9}],
                    "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 9}],
                }
            ),
            Usage(input=5, output=2, audio_input=5, audio_output=2),
        ),
    ],
)
def test_classes_that_do_not_fit_in_each_other_are_clamped(codec: UpstreamCodec, body: Json, expected: Usage) -> None:
    assert read(codec, body).usage == expected


@pytest.mark.parametrize("share", [-3, "x", 1.5, [], {}, True, orjson.Fragment(str(LONG))])
@pytest.mark.parametrize(
    ("codec", "body"),
    [
        (
            CHAT,
            lambda share: chat(
                {"content": "x"},
                usage={
                    "prompt_tokens": 5,
                    "completion_tokens": 2,
                    "prompt_tokens_details": {"cached_tokens": share},
                    "completion_tokens_details": share,
                },
            ),
        ),
        (
            RESPONSES,
            lambda share: responses(
                usage={
                    "input_tokens": 5,
                    "output_tokens": 2,
                    "input_tokens_details": {"cached_tokens": share},
                    "output_tokens_details": share,
                }
            ),
        ),
        (
            GEMINI,
            lambda share: gemini(
                usageMetadata={
                    "promptTokenCount": 5,
                    "candidatesTokenCount": 2,
                    "cachedContentTokenCount": share,
                    "promptTokensDetails": [share, {"modality": "AUDIO", "tokenCount": share}],
                    "candidatesTokensDetails": share,
                }
            ),
        ),
    ],
)
def test_a_class_that_is_no_count_leaves_its_tokens_in_the_whole(
    codec: UpstreamCodec, body: Callable[[Any], Json], share: Any
) -> None:
    assert read(codec, body(share)).usage == Usage(input=5, output=2)


def test_usage_that_stands_only_in_a_choice_is_read() -> None:
    told = {"usage": {"prompt_tokens": 3, "completion_tokens": 1}}
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"} | told]}
    assert UsageReported(Usage(input=3, output=1)) in events(CHAT, sse_event(orjson.dumps(last)))


def test_usage_that_stands_only_under_x_groq_is_read() -> None:
    told = {"x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 1}}}
    assert read(CHAT, chat({"content": "x"}, **told)).usage == Usage(input=3, output=1)
    assert UsageReported(Usage(input=3, output=1)) in events(CHAT, chunk({}, "stop", **told))


def counts(into: str, out: str, where: str = "usage") -> Callable[[Any], Json]:
    return lambda count: {where: {into: count, out: 2}}


WITH_USAGE: list[tuple[UpstreamCodec, Callable[[Any], Json]]] = [
    (CHAT, lambda count: chat({"content": "x"}, **counts("prompt_tokens", "completion_tokens")(count))),
    (
        RESPONSES,
        lambda count: responses({"type": "message", "content": "x"}, **counts("input_tokens", "output_tokens")(count)),
    ),
    (MESSAGES, lambda count: {"content": "x", **counts("input_tokens", "output_tokens")(count)}),
    (
        GEMINI,
        lambda count: gemini(
            {"text": "x"}, **counts("promptTokenCount", "candidatesTokenCount", "usageMetadata")(count)
        ),
    ),
    (CONVERSE, lambda count: converse({"text": "x"}, **counts("inputTokens", "outputTokens")(count))),
]


@pytest.mark.parametrize("count", [-1, 1.5, True, "many", [], orjson.Fragment(str(LONG)), 10**9 + 1])
@pytest.mark.parametrize(("codec", "body"), WITH_USAGE)
def test_usage_that_no_bill_can_rest_on_is_no_report_and_costs_no_answer(
    codec: UpstreamCodec, body: Callable[[Any], Json], count: Any
) -> None:
    answer = read(codec, body(count))
    assert (answer.choices[0].parts, answer.usage) == ((Text("x"),), None)


@pytest.mark.parametrize("count", [5, 5.0, "5"])
@pytest.mark.parametrize(("codec", "body"), WITH_USAGE)
def test_a_count_in_any_spelling_is_read(codec: UpstreamCodec, body: Callable[[Any], Json], count: Any) -> None:
    assert read(codec, body(count)).usage == Usage(input=5, output=2)


@pytest.mark.parametrize("told", [[], "none", 3])
@pytest.mark.parametrize(("codec", "body"), WITH_USAGE)
def test_usage_that_is_no_object_is_no_report(codec: UpstreamCodec, body: Callable[[Any], Json], told: Any) -> None:
    where = "usageMetadata" if codec is GEMINI else "usage"
    assert read(codec, body(5) | {where: told}).usage is None


ODD_COUNTS: list[tuple[UpstreamCodec, list[bytes]]] = [
    (CHAT, [chunk({}, "stop", usage={"prompt_tokens": 1, "completion_tokens": -1}), b"data: [DONE]\n\n"]),
    (
        RESPONSES,
        [named({"type": "response.completed", "response": responses(usage={"input_tokens": -1, "output_tokens": 1})})],
    ),
    (
        MESSAGES,
        [
            START,
            named({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": -4}}),
            named({"type": "message_stop"}),
        ],
    ),
    (
        GEMINI,
        [sse_event(orjson.dumps(gemini({"text": "x"}, usageMetadata={"promptTokenCount": -1})))],
    ),
    (
        CONVERSE,
        [
            converse_event("messageStop", {"stopReason": "end_turn"}),
            converse_event("metadata", {"usage": {"inputTokens": -1, "outputTokens": 1}}),
        ],
    ),
]


@pytest.mark.parametrize(("codec", "frames"), ODD_COUNTS)
def test_a_stream_whose_counts_are_odd_ends_well_and_reports_none(codec: UpstreamCodec, frames: list[bytes]) -> None:
    found = events(codec, *frames)
    assert found[-1] == Ended()
    assert not any(isinstance(event, Failed | UsageReported) for event in found)


@pytest.mark.parametrize(
    ("codec", "body", "expected"),
    [
        (
            GEMINI,
            gemini(
                usageMetadata={
                    "promptTokenCount": 5,
                    "candidatesTokenCount": 2,
                    "thoughtsTokenCount": -3,
                    "toolUsePromptTokenCount": -2,
                }
            ),
            Usage(input=5, output=2),
        ),
        (
            CONVERSE,
            converse([], usage={"inputTokens": 5, "outputTokens": 2, "cacheWriteInputTokens": -7, "cacheDetails": [3]}),
            Usage(input=5, output=2),
        ),
        (
            MESSAGES,
            {
                "content": [],
                "usage": {
                    "input_tokens": 5,
                    "output_tokens": 2,
                    "cache_read_input_tokens": -1,
                    "cache_creation_input_tokens": True,
                    "cache_creation": [],
                },
            },
            Usage(input=5, output=2),
        ),
    ],
)
def test_a_class_beside_the_whole_that_is_no_count_is_none(codec: UpstreamCodec, body: Json, expected: Usage) -> None:
    assert read(codec, body).usage == expected


@pytest.mark.parametrize(
    ("told", "five_minutes", "hour", "expected"),
    [
        (3, 10, 10, Usage(input=5, output=2, cache_write_1h=3)),
        (3, 10, 0, Usage(input=5, output=2, cache_write_5m=3)),
        (9, 1, 2, Usage(input=5, output=2, cache_write_5m=7, cache_write_1h=2)),
        (None, 1, 2, Usage(input=5, output=2, cache_write_5m=1, cache_write_1h=2)),
    ],
)
def test_cache_writes_by_lifetime_fit_in_their_whole(told: Any, five_minutes: int, hour: int, expected: Usage) -> None:
    lifetimes = {"ephemeral_5m_input_tokens": five_minutes, "ephemeral_1h_input_tokens": hour}
    usage = {"input_tokens": 5, "output_tokens": 2, "cache_creation_input_tokens": told, "cache_creation": lifetimes}
    details = [{"ttl": "5m", "inputTokens": five_minutes}, {"ttl": "1h", "inputTokens": hour}]
    counted = {"inputTokens": 5, "outputTokens": 2, "cacheWriteInputTokens": told, "cacheDetails": details}
    assert read(MESSAGES, {"content": [], "usage": usage}).usage == expected
    assert read(CONVERSE, converse([], usage=counted)).usage == expected
