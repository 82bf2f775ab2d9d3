"""Tests of whole answers: read, forwarded and built from events."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.canonical.parts import Citation, Opaque, Part, RedactedThinking, Refusal, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice, Extension, FinishReason, Stamp
from gateway.canonical.tries import Tried
from gateway.canonical.usage import Usage
from gateway.errors import InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.protocols.gemini import CLIENT, UPSTREAM
from gateway.protocols.gemini.decode_contents import decode_contents
from gateway.protocols.shared.document import Node

ANSWER = (Path(__file__).parents[2] / "golden" / "gemini" / "answer.json").read_bytes()
STAMP = Stamp(response_id="nxn-1", model="nexevo/fast", created_s=5)
EXTENSION = Extension("gen-nxn-1", "gemini-2.5-flash", (Tried("gemini-2.5-flash", "p", "served"),), "miss", "0.001")
SOURCES = '{"citationMetadata":{"citations":[{"startIndex":0,"endIndex":3,"uri":"https://example.com"}]}}'
MEANING = ChatResponse(
    upstream_id="resp-up",
    model="gemini-up",
    created_s=None,
    choices=(
        Choice(
            0,
            (
                Thinking("Let me see.", signature="VGhpbms=", signed_by="gemini"),
                Text("See here.", citations=(Citation("gemini", SOURCES),), signature="VGV4dA=="),
                ToolCall("fc-1", "weather", '{"city":"Bern"}', signature="Q2FsbA=="),
                ToolCall("call_resp-up_1", "time", "{}"),
                Opaque("gemini", '{"inlineData":{"mimeType":"image/png","data":"QUJD"},"thoughtSignature":"SW1n"}'),
            ),
            FinishReason.TOOL_CALLS,
        ),
    ),
    usage=Usage(input=90, cache_read=40, output=38, reasoning=18, audio_input=15),
)


AUDIO = {"modality": "AUDIO", "tokenCount": 3}


def answer(*parts: Any, finish: str = "STOP", **members: Any) -> ChatResponse:
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": finish}
    return UPSTREAM.decode_response(orjson.dumps({"candidates": [candidate], "responseId": "r"} | members), "r")


def encoded(*parts: Part, reason: FinishReason | None = FinishReason.STOP) -> Any:
    response = ChatResponse("u", "m", None, (Choice(0, parts, reason),), None)
    body = orjson.loads(CLIENT.encode_response(response, STAMP, EXTENSION))
    return body["candidates"][0]


def test_a_golden_answer_means_its_parts() -> None:
    assert UPSTREAM.decode_response(ANSWER, "resp-up") == MEANING


def test_a_forwarded_answer_keeps_all_bytes_but_the_names() -> None:
    expected = ANSWER.replace(b'"resp-up"', b'"nxn-1"').replace(b'"gemini-up"', b'"nexevo/fast"').removesuffix(b"}\n")
    extension = b',"nexevo":' + orjson.dumps(EXTENSION.as_json()) + b"}\n"
    assert CLIENT.forward_response(ANSWER, STAMP, EXTENSION) == expected + extension


def test_an_answer_made_anew_reads_as_it_did() -> None:
    made = CLIENT.encode_response(MEANING, STAMP, EXTENSION)
    again = UPSTREAM.decode_response(made)
    assert (again.choices, again.usage) == (MEANING.choices, MEANING.usage)
    assert (again.upstream_id, again.model) == ("nxn-1", "nexevo/fast")
    assert orjson.loads(made)["nexevo"] == EXTENSION.as_json()


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("SAFETY", FinishReason.CONTENT_FILTER),
        ("RECITATION", FinishReason.CONTENT_FILTER),
        ("MODEL_ARMOR", FinishReason.CONTENT_FILTER),
        ("MALFORMED_FUNCTION_CALL", FinishReason.MALFORMED_TOOL_CALL),
        ("UNEXPECTED_TOOL_CALL", FinishReason.MALFORMED_TOOL_CALL),
        ("OTHER", FinishReason.MALFORMED_ANSWER),
        ("MALFORMED_RESPONSE", FinishReason.MALFORMED_ANSWER),
        ("NO_IMAGE", FinishReason.ERROR),
        ("FINISH_REASON_UNSPECIFIED", FinishReason.STOP),
        ("SOMETHING_NEW", FinishReason.STOP),
    ],
)
def test_every_word_has_a_finish_reason(word: str, reason: FinishReason) -> None:
    assert answer({"text": "x"}, finish=word).choices[0].finish_reason is reason


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (FinishReason.STOP, "STOP"),
        (FinishReason.STOP_SEQUENCE, "STOP"),
        (FinishReason.TOOL_CALLS, "STOP"),
        (FinishReason.PAUSE, "STOP"),
        (FinishReason.LENGTH, "MAX_TOKENS"),
        (FinishReason.CONTENT_FILTER, "SAFETY"),
        (FinishReason.REFUSAL, "SAFETY"),
        (FinishReason.MALFORMED_TOOL_CALL, "MALFORMED_FUNCTION_CALL"),
        (FinishReason.MALFORMED_ANSWER, "OTHER"),
        (FinishReason.ERROR, "OTHER"),
        (None, "STOP"),
    ],
)
def test_every_finish_reason_has_a_word(reason: FinishReason | None, word: str) -> None:
    assert encoded(Text("x"), reason=reason)["finishReason"] == word


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"text": "x"}, (Text("x"),)),
        ({"text": ""}, ()),
        ({"text": "", "thoughtSignature": "QQ=="}, (Text("", signature="QQ=="),)),
        ({"thoughtSignature": "QQ=="}, (Text("", signature="QQ=="),)),
        ({"text": "hm", "thought": True}, (Thinking("hm"),)),
        ({"functionCall": {"name": "f"}}, (ToolCall("call_r_0", "f", "{}"),)),
        ({"executableCode": {"code": "1"}}, (Opaque("gemini", '{"executableCode":{"code":"1"}}'),)),
    ],
)
def test_a_part_is_read_for_what_it_is(part: Any, expected: tuple[Part, ...]) -> None:
    assert answer(part).choices[0].parts == expected


def test_a_blocked_prompt_is_a_filtered_answer() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "r", "usageMetadata": {"trafficType": "X"}}
    response = UPSTREAM.decode_response(orjson.dumps(blocked))
    assert (response.choices, response.usage) == ((Choice(0, (), FinishReason.CONTENT_FILTER),), None)


def test_log_probabilities_go_there_and_back() -> None:
    tokens = [{"token": "é", "logProbability": -0.5}]
    result = {"chosenCandidates": tokens, "topCandidates": [{"candidates": tokens}]}
    candidate = {"content": {"parts": [{"text": "é"}]}, "finishReason": "STOP", "logprobsResult": result}
    response = UPSTREAM.decode_response(orjson.dumps({"candidates": [candidate]}))
    scored = {"token": "é", "logprob": -0.5, "bytes": [195, 169]}
    assert response.choices[0].logprobs == {"content": [scored | {"top_logprobs": [scored]}], "refusal": None}
    made = orjson.loads(CLIENT.encode_response(response, STAMP, EXTENSION))
    assert made["candidates"][0]["logprobsResult"] == result


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"promptTokenCount": 10, "candidatesTokenCount": 2}, Usage(input=10, output=2)),
        ({"promptTokenCount": 10, "cachedContentTokenCount": 4}, Usage(input=6, cache_read=4)),
        (
            {"promptTokenCount": 10, "candidatesTokenCount": 2, "thoughtsTokenCount": 5, "totalTokenCount": 17},
            Usage(input=10, output=7, reasoning=5),
        ),
        (
            {"promptTokenCount": 10, "candidatesTokenCount": 7, "thoughtsTokenCount": 5, "totalTokenCount": 17},
            Usage(input=10, output=7, reasoning=5),
        ),
        ({"promptTokenCount": 10, "toolUsePromptTokenCount": 3}, Usage(input=13)),
        (
            {"promptTokenCount": 9, "candidatesTokenCount": 3, "candidatesTokensDetails": [AUDIO]},
            Usage(input=9, output=3, audio_output=3),
        ),
        ({"promptTokenCount": 0, "candidatesTokenCount": 0}, Usage()),
        ({"trafficType": "ON_DEMAND"}, None),
    ],
)
def test_usage_is_counted_once_in_disjoint_classes(members: dict[str, Any], expected: Usage | None) -> None:
    assert answer({"text": "x"}, usageMetadata=members).usage == expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Refusal("no"), [{"text": "no"}]),
        (Thinking("hm"), [{"text": "hm", "thought": True}]),
        (ToolCall("c", "f", ""), [{"functionCall": {"id": "c", "name": "f", "args": {}}}]),
        (
            ToolCall("c", "f", "SELECT", custom=True),
            [{"functionCall": {"id": "c", "name": "f", "args": {"input": "SELECT"}}}],
        ),
        (Opaque("anthropic_messages", "{}"), [{"text": ""}]),
    ],
)
def test_a_part_of_another_wire_takes_this_wires_form(part: Part, expected: Any) -> None:
    assert encoded(part)["content"] == {"parts": expected, "role": "model"}


def test_a_call_that_cannot_be_run_is_a_malformed_one() -> None:
    candidate = encoded(ToolCall("c", "f", '{"a":'), reason=FinishReason.TOOL_CALLS)
    assert candidate == {
        "content": {"parts": [{"text": ""}], "role": "model"},
        "finishReason": "MALFORMED_FUNCTION_CALL",
        "index": 0,
        "finishMessage": 'Malformed function call: f({"a":)',
    }


@pytest.mark.parametrize(
    "part",
    [
        Thinking("hm", signature="EqoB+/==", signed_by="anthropic_messages"),
        Thinking("hm", signature="VGhpbms=", signed_by="gemini"),
        RedactedThinking("zzz+/", signed_by="anthropic_messages"),
    ],
)
def test_a_signed_thought_comes_back_in_the_next_request_as_it_was(part: Part) -> None:
    turn = {"role": "model", "parts": encoded(part)["content"]["parts"]}
    (message,), _ = decode_contents(Node([turn]))
    assert message.parts == (part,)


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"[]", b"{}", b'{"candidates":[]}', b'{"candidates":[3]}'])
def test_an_answer_that_cannot_be_read_is_an_upstream_error(body: bytes) -> None:
    with pytest.raises(UpstreamError, match="cannot be read"):
        UPSTREAM.decode_response(body)


def test_an_answer_nested_beyond_writing_is_an_upstream_error() -> None:
    deep = b"[" * 300 + b"]" * 300
    with pytest.raises(UpstreamError, match="cannot be read"):
        UPSTREAM.decode_response(b'{"candidates":[{"content":{"parts":[{"executableCode":%b}]}}]}' % deep)


@pytest.mark.parametrize(
    ("error", "kind"),
    [({"code": 400, "message": "bad"}, InvalidRequest), ({"code": 429, "message": "m"}, UpstreamOverloaded)],
)
def test_an_error_in_the_place_of_an_answer_is_that_error(error: object, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        UPSTREAM.decode_response(orjson.dumps({"error": error}))
