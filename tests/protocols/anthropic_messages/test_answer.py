"""Tests of whole answers: read, forwarded and built from events."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.canonical.parts import (
    Citation,
    Image,
    InlineMedia,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from gateway.canonical.response import ChatResponse, Choice, Extension, FinishReason, Stamp
from gateway.canonical.tries import Tried
from gateway.canonical.usage import Usage
from gateway.errors import UpstreamError, UpstreamOverloaded
from gateway.protocols.anthropic_messages import CLIENT, UPSTREAM
from gateway.protocols.anthropic_messages.signatures import decode_signature, encode_signature

ANSWER = (Path(__file__).parents[2] / "golden" / "anthropic_messages" / "answer.json").read_bytes()
STAMP = Stamp(response_id="msg_nxn-1", model="nexevo/fast", created_s=5)
EXTENSION = Extension("gen-nxn-1", "gpt-5", (Tried("gpt-5", "p", "served"),), "miss", "0.001")
PROTOCOL = "anthropic_messages"
SOURCE = (
    '{"type":"char_location","cited_text":"x","document_index":0,"document_title":null,"start_char_index":0,'
    '"end_char_index":1}'
)
MEANING = ChatResponse(
    upstream_id="msg_up",
    model="claude-up",
    created_s=None,
    choices=(
        Choice(
            0,
            (
                Thinking("hm", "EqQB+/=", PROTOCOL),
                RedactedThinking("RW5j", PROTOCOL),
                Text("See here", citations=(Citation(PROTOCOL, SOURCE),)),
                ToolCall("toolu_1", "weather", '{"city":1}'),
                Opaque(PROTOCOL, '{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}'),
            ),
            FinishReason.TOOL_CALLS,
        ),
    ),
    usage=Usage(
        input=3,
        cache_read=5000,
        cache_write_5m=100,
        cache_write_1h=200,
        output=20,
        reasoning=5,
        uses=(("web_search", 1),),
    ),
    uses=(("web_search", 1),),
)


def encoded(*parts: Part, reason: FinishReason | None = FinishReason.STOP, usage: Usage | None = None) -> Any:
    response = ChatResponse("u", "m", None, (Choice(0, parts, reason),), usage)
    return orjson.loads(CLIENT.encode_response(response, STAMP, EXTENSION))


def usage(**counts: object) -> Usage | None:
    return UPSTREAM.decode_response(orjson.dumps({"content": [], "usage": counts})).usage


def test_a_golden_answer_means_its_parts() -> None:
    assert UPSTREAM.decode_response(ANSWER) == MEANING


def test_a_forwarded_answer_keeps_all_bytes_but_the_names() -> None:
    expected = ANSWER.replace(b'"id": "msg_up"', b'"id": "msg_nxn-1"')
    expected = expected.replace(b'"model": "claude-up"', b'"model": "nexevo/fast"').removesuffix(b"}\n")
    assert CLIENT.forward_response(ANSWER, STAMP, EXTENSION) == (
        expected + b',"nexevo":' + orjson.dumps(EXTENSION.as_json()) + b"}\n"
    )


def test_an_answer_made_anew_reads_as_it_did() -> None:
    again = UPSTREAM.decode_response(CLIENT.encode_response(MEANING, STAMP, EXTENSION))
    assert (again.choices, again.usage) == (MEANING.choices, MEANING.usage)
    assert (again.upstream_id, again.model) == ("msg_nxn-1", "nexevo/fast")


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (FinishReason.STOP, "end_turn"),
        (FinishReason.STOP_SEQUENCE, "stop_sequence"),
        (FinishReason.LENGTH, "max_tokens"),
        (FinishReason.TOOL_CALLS, "tool_use"),
        (FinishReason.PAUSE, "pause_turn"),
        (FinishReason.REFUSAL, "refusal"),
        (FinishReason.CONTENT_FILTER, "refusal"),
        (FinishReason.ERROR, "end_turn"),
        (FinishReason.MALFORMED_TOOL_CALL, "end_turn"),
        (FinishReason.MALFORMED_ANSWER, "end_turn"),
        (None, "end_turn"),
    ],
)
def test_every_finish_reason_has_a_word(reason: FinishReason | None, word: str) -> None:
    assert encoded(Text("x"), reason=reason)["stop_reason"] == word


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("compaction", FinishReason.PAUSE),
        ("not_known_yet", FinishReason.STOP),
        (None, FinishReason.STOP),
    ],
)
def test_every_word_has_a_finish_reason(word: str | None, reason: FinishReason | None) -> None:
    response = UPSTREAM.decode_response(orjson.dumps({"content": [], "stop_reason": word}))
    assert response.choices[0].finish_reason == reason


def test_usage_is_always_there_since_clients_insist_on_it() -> None:
    assert encoded(Text("x"))["usage"]["output_tokens"] == 0


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (ToolCall("c", "f", ""), {"type": "tool_use", "id": "c", "name": "f", "input": {}}),
        (ToolCall("c", "f", "{bad"), {"type": "tool_use", "id": "c", "name": "f", "input": {"arguments": "{bad"}}),
        (ToolCall("c", "f", "[1]"), {"type": "tool_use", "id": "c", "name": "f", "input": {"arguments": "[1]"}}),
        (ToolCall("c", "f", "x", custom=True), {"type": "tool_use", "id": "c", "name": "f", "input": {"input": "x"}}),
        (Refusal("no"), {"type": "text", "text": "no"}),
        (Thinking("hm"), {"type": "thinking", "thinking": "hm", "signature": ""}),
        (Thinking("", "s", "gemini"), {"type": "thinking", "thinking": "", "signature": "nxn:gemini:s"}),
        (
            RedactedThinking("d", "openai_responses"),
            {"type": "redacted_thinking", "data": "nxn:openai_responses:d"},
        ),
        (Text("x", citations=(Citation("openai_chat", "{}"),)), {"type": "text", "text": "x"}),
    ],
)
def test_a_part_of_another_wire_is_a_block_of_this_one(part: Part, block: object) -> None:
    assert encoded(part)["content"] == [block]


@pytest.mark.parametrize("part", [Text(""), Opaque("gemini", "{}"), Image(InlineMedia("QUJD", "image/png"))])
def test_what_the_wire_has_no_block_for_is_left_out(part: Part) -> None:
    assert encoded(part)["content"] == []


def test_an_answer_split_over_choices_is_joined() -> None:
    choices = (
        Choice(0, (ToolCall("c", "f", "{}"),), FinishReason.TOOL_CALLS),
        Choice(1, (Text("plan"),), FinishReason.STOP),
    )
    body = orjson.loads(CLIENT.encode_response(ChatResponse("u", "m", None, choices, None), STAMP, EXTENSION))
    assert [block["type"] for block in body["content"]] == ["tool_use", "text"]
    assert body["stop_reason"] == "tool_use"


@pytest.mark.parametrize("issuer", ["gemini", None, PROTOCOL])
def test_a_signature_survives_its_stay_with_the_client(issuer: str | None) -> None:
    assert decode_signature(encode_signature("a:b/c+==", issuer)) == ("a:b/c+==", issuer)


def test_an_empty_signature_is_no_vendors() -> None:
    assert decode_signature(encode_signature(None, None)) == (None, None)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"input_tokens": 10, "output_tokens": 2}, Usage(input=10, output=2)),
        ({"input_tokens": 0, "output_tokens": 0}, Usage()),
        (
            {"input_tokens": 10, "output_tokens": 2, "server_tool_use": {"web_search_requests": 3, "new_requests": 9}},
            Usage(input=10, output=2, uses=(("web_search", 3),)),
        ),
        ({"input_tokens": 10, "output_tokens": 2, "server_tool_use": {"web_search_requests": 0}}, Usage(10, output=2)),
        ({"input_tokens": 10, "output_tokens": 2, "server_tool_use": [7]}, Usage(10, output=2)),
        (
            {
                "input_tokens": 100,
                "output_tokens": 20,
                "iterations": [
                    {"type": "compaction", "input_tokens": 9_000, "output_tokens": 500, "cache_read_input_tokens": 7},
                    {"type": "message", "input_tokens": 100, "output_tokens": 20},
                    None,
                ],
            },
            Usage(input=9_100, cache_read=7, output=520),
        ),
        (
            {"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 4},
            Usage(input=1, cache_read=4, cache_write_5m=30, output=2),
        ),
        (
            {
                "input_tokens": 1,
                "output_tokens": 2,
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
            },
            Usage(input=1, cache_write_5m=10, cache_write_1h=20, output=2),
        ),
        ({"input_tokens": 1, "output_tokens": 9, "cache_read_input_tokens": None}, Usage(input=1, output=9)),
        ({"service_tier": "standard"}, None),
    ],
)
def test_usage_is_counted_once_in_disjoint_classes(counts: dict[str, object], expected: Usage | None) -> None:
    assert usage(**counts) == expected


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"content":{}}', b'{"content":[3]}', b'{"content":[{"type":3}]}']
)
def test_an_answer_that_cannot_be_read_is_an_upstream_error(body: bytes) -> None:
    with pytest.raises(UpstreamError, match="cannot be read"):
        UPSTREAM.decode_response(body)


def test_an_error_in_the_place_of_an_answer_is_that_error() -> None:
    with pytest.raises(UpstreamOverloaded):
        UPSTREAM.decode_response(b'{"type":"error","error":{"type":"overloaded_error","message":"m"}}')


def test_the_official_sdk_reads_an_answer_and_keeps_the_extension(served: Any) -> None:
    body = CLIENT.encode_response(MEANING, STAMP, EXTENSION)
    client = served(body, "application/json")
    message = client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
    assert [block.type for block in message.content] == [
        "thinking",
        "redacted_thinking",
        "text",
        "tool_use",
        "server_tool_use",
    ]
    assert (message.stop_reason, message.usage.cache_creation.ephemeral_1h_input_tokens) == ("tool_use", 200)
    assert message.to_dict()["nexevo"] == EXTENSION.as_json()
