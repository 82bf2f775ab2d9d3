"""Tests of whole answers of Converse."""

from typing import Any

import orjson
import pytest

from gateway.canonical.parts import Citation, Opaque, RedactedThinking, Text, Thinking, ToolCall
from gateway.canonical.response import FinishReason
from gateway.canonical.usage import Usage
from gateway.errors import UpstreamError
from gateway.protocols.bedrock_converse import UPSTREAM
from tests.protocols.bedrock_converse.streams import GOLDEN

WIRE = "bedrock_converse"


def answer(**members: Any) -> bytes:
    whole = {"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}, "stopReason": "end_turn"}
    return orjson.dumps(whole | members)


def test_every_kind_of_block_has_its_part() -> None:
    (choice,) = UPSTREAM.decode_response((GOLDEN / "answer.json").read_bytes()).choices
    source = '{"title":"policy","location":{"documentChar":{"documentIndex":0,"start":0,"end":58}}}'
    assert choice.parts == (
        Thinking("Two calls.", "EpYF+sig/==", WIRE),
        RedactedThinking("cmVkYWN0ZWQ=", WIRE),
        Text("According to it, "),
        Text("20 days.", citations=(Citation(WIRE, source),)),
        Opaque(WIRE, '{"guardContent":{"text":{"text":"guarded"}}}'),
        Opaque(
            WIRE,
            '{"toolUse":{"toolUseId":"srv_1","name":"nova_grounding","input":{"q":1},"type":"server_tool_use"}}',
        ),
        ToolCall("tooluse_a", "weather", '{"city":"Zürich","n":1.0}'),
        ToolCall("tooluse_b", "time", "{}"),
        Opaque(WIRE, '{"tomorrow":{"z":1}}'),
    )
    assert choice.finish_reason is FinishReason.TOOL_CALLS


def test_usage_counts_every_token_once() -> None:
    response = UPSTREAM.decode_response((GOLDEN / "answer.json").read_bytes())
    assert response.usage == Usage(input=10, cache_read=700, cache_write_1h=300, output=50)
    assert response.usage.total == 1060


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({}, None),
        ({"inputTokens": 0, "outputTokens": 0}, Usage()),
        ({"inputTokens": 1, "outputTokens": 2, "cacheWriteInputTokens": 7}, Usage(1, cache_write_5m=7, output=2)),
        (
            {"inputTokens": 1, "outputTokens": 2, "cacheDetails": [{"ttl": "1h", "inputTokens": 4}]},
            Usage(1, cache_write_1h=4, output=2),
        ),
    ],
)
def test_usage_is_what_was_reported(usage: Any, expected: Usage | None) -> None:
    assert UPSTREAM.decode_response(answer(usage=usage)).usage == expected


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("stop_sequence", FinishReason.STOP_SEQUENCE),
        ("guardrail_intervened", FinishReason.CONTENT_FILTER),
        ("content_filtered", FinishReason.CONTENT_FILTER),
        ("refusal", FinishReason.REFUSAL),
        ("malformed_tool_use", FinishReason.MALFORMED_TOOL_CALL),
        ("malformed_model_output", FinishReason.MALFORMED_ANSWER),
        ("something_new", FinishReason.STOP),
    ],
)
def test_every_reason_to_stop_has_its_word(word: str, reason: FinishReason) -> None:
    assert UPSTREAM.decode_response(answer(stopReason=word)).choices[0].finish_reason is reason


def test_the_sequence_that_stopped_the_model_is_told() -> None:
    body = answer(stopReason="stop_sequence", additionalModelResponseFields={"stop_sequence": "END"})
    assert UPSTREAM.decode_response(body).choices[0].stop_sequence == "END"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"output":{}}',
        b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}',
        answer(output={"message": {"content": [{"text": 7}]}}),
        answer(output={"message": {"content": "x"}}),
    ],
)
def test_what_cannot_be_read_is_the_providers_failure(body: bytes) -> None:
    with pytest.raises(UpstreamError, match="cannot be read"):
        UPSTREAM.decode_response(body)
