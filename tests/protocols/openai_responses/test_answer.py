"""Tests of whole answers, both ways."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace
from openai.types.responses import Response

from gateway.canonical.parts import (
    Citation,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from gateway.canonical.response import ChatResponse, Choice, Extension, FinishReason, Stamp
from gateway.canonical.tries import Tried
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError, InvalidRequest, UnreadableAnswer, UpstreamError
from gateway.protocols.openai_responses import CLIENT, UPSTREAM

GOLDEN = Path(__file__).parents[2] / "golden" / "openai_responses"
OWN = "openai_responses"
STAMP = Stamp(response_id="resp_nxn-1", model="nexevo/fast", created_s=5)
EXTENSION = Extension("gen-nxn-1", "gpt-5", (Tried("gpt-5", "p", "served"),), "miss", "0.001")
SEARCHED = (("web_search", 1),)
USAGE = Usage(input=50, cache_read=30, cache_write_5m=15, cache_write_1h=5, output=50, reasoning=10, uses=SEARCHED)


def encoded(*parts: Part, reason: FinishReason | None = FinishReason.STOP, **members: Any) -> dict[str, Any]:
    choice = Choice(0, parts, reason, logprobs=members.pop("logprobs", None))
    response = ChatResponse("up", "gpt-up", 1, (choice,), members.pop("usage", Usage(input=1)))
    stamp = Stamp("resp_nxn-1", "nexevo/fast", 5, echo=members.pop("echo", {}))
    body: dict[str, Any] = orjson.loads(CLIENT.encode_response(response, stamp, EXTENSION))
    return body


def output(*parts: Part, **members: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = encoded(*parts, **members)["output"]
    return found


def decoded(**members: Any) -> ChatResponse:
    return UPSTREAM.decode_response(orjson.dumps({"id": "r", "status": "completed", "output": []} | members))


def test_the_golden_answer_is_one_choice_of_all_its_items() -> None:
    cited = {
        "type": "url_citation",
        "start_index": 5,
        "end_index": 8,
        "title": "Oslo",
        "url": "https://example.com/oslo",
    }
    entry = {"token": "Oslo", "bytes": [79, 115, 108, 111], "logprob": -0.5}
    search = {
        "id": "ws_5",
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": "oslo"},
    }
    assert UPSTREAM.decode_response((GOLDEN / "answer.json").read_bytes()) == ChatResponse(
        upstream_id="resp_up",
        model="gpt-up",
        created_s=1700000000,
        choices=(
            Choice(
                index=0,
                parts=(
                    Thinking("Think.", "gAAAAenc", OWN),
                    Text("Let me see. "),
                    Text("Oslo [1]", citations=(Citation(OWN, orjson.dumps(cited).decode()),)),
                    Refusal("No more."),
                    ToolCall("call_a", "weather", '{"a":1}'),
                    ToolCall("call_b", "sql", "SELECT 1", custom=True),
                    Opaque(OWN, orjson.dumps(search).decode()),
                ),
                finish_reason=FinishReason.TOOL_CALLS,
                logprobs={"content": [entry | {"top_logprobs": [entry]}], "refusal": None},
            ),
        ),
        usage=USAGE,
        uses=SEARCHED,
    )


def test_the_golden_answer_is_forwarded_under_our_names() -> None:
    body = (GOLDEN / "answer.json").read_bytes()
    expected = body.replace(b'"resp_up"', b'"resp_nxn-1"').replace(b'"gpt-up"', b'"nexevo/fast"')
    expected = re.sub(rb'"id": "([a-z]+)_(\d)"', rb'"id": "\1_nxn-\2"', expected)
    expected = expected.replace(b'"store": false', b'"store": true')
    extension = b',"nexevo":' + orjson.dumps(EXTENSION.as_json()) + b"}"
    assert CLIENT.forward_response(body, STAMP, EXTENSION) == expected.removesuffix(b"}") + extension


@pytest.mark.parametrize(
    ("members", "store", "previous"),
    [
        ({}, True, None),
        ({"store": False}, False, None),
        ({"nexevo": {"previous_response_id": "resp_nxn-0"}}, True, "resp_nxn-0"),
    ],
)
def test_a_forwarded_answer_says_what_the_caller_asked_to_keep(
    members: dict[str, Any], store: bool, previous: str | None
) -> None:
    request = CLIENT.decode_request(orjson.dumps({"model": "m", "input": "hi"} | members))
    told = CLIENT.forward_response((GOLDEN / "answer.json").read_bytes(), replace(STAMP, echo=request.echo), EXTENSION)
    response = orjson.loads(told)
    assert (response["store"], response["previous_response_id"]) == (store, previous)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, FinishReason.STOP),
        ({"status": "queued"}, None),
        ({"status": "in_progress"}, None),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, FinishReason.LENGTH),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, FinishReason.CONTENT_FILTER),
        ({"status": "incomplete", "incomplete_details": {"reason": "steered"}}, FinishReason.PAUSE),
        (
            {"output": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}]},
            FinishReason.TOOL_CALLS,
        ),
        ({"output": [{"type": "web_search_call"}]}, FinishReason.STOP),
    ],
)
def test_a_status_is_a_finish_reason(members: dict[str, Any], reason: FinishReason | None) -> None:
    assert decoded(**members).choices[0].finish_reason == reason


def test_usage_that_was_not_reported_is_none_and_zero_is_data() -> None:
    zeroes = {"input_tokens": 0, "output_tokens": 0, "input_tokens_details": {"cached_tokens": 0}}
    assert (decoded().usage, decoded(usage=zeroes).usage) == (None, Usage())


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"nonsense", UnreadableAnswer),
        (b"[]", UnreadableAnswer),
        (b'{"id": "x"}', UnreadableAnswer),
        (b'{"output": {}}', UnreadableAnswer),
        (b'{"output": [{"type": "message", "content": [{"type": "output_text", "text": 5}]}]}', UnreadableAnswer),
        (b'{"status": "cancelled", "output": []}', UpstreamError),
        (b'{"status": "failed", "error": {"code": "server_error", "message": "x"}, "output": []}', UpstreamError),
        (b'{"status": "failed", "error": {"code": "invalid_prompt", "message": "x"}}', InvalidRequest),
    ],
)
def test_an_answer_that_is_none_raises_what_it_means(body: bytes, kind: type[GatewayError]) -> None:
    with pytest.raises(GatewayError) as caught:
        UPSTREAM.decode_response(body)
    assert type(caught.value) is kind


def test_the_golden_answer_made_anew_says_the_same() -> None:
    response = UPSTREAM.decode_response((GOLDEN / "answer.json").read_bytes())
    again = UPSTREAM.decode_response(CLIENT.encode_response(response, STAMP, EXTENSION))
    assert (again.choices[0].finish_reason, again.usage) == (
        FinishReason.TOOL_CALLS,
        Usage(50, 30, 20, 0, 50, 10, uses=SEARCHED),
    )
    assert again.choices[0].parts == response.choices[0].parts


def test_an_answer_made_anew_is_whole_and_of_the_sdks_type() -> None:
    body = encoded(Text("Hi"), usage=USAGE, echo={"instructions": "Be brief.", "tools": [], "store": False})
    Response.model_validate(body)
    assert body == {
        "id": "resp_nxn-1",
        "object": "response",
        "created_at": 5,
        "model": "nexevo/fast",
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "output": [
            {
                "id": "msg_nxn-1-0",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}],
            }
        ],
        "usage": {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 20},
            "output_tokens": 50,
            "output_tokens_details": {"reasoning_tokens": 10},
            "total_tokens": 150,
        },
        "background": False,
        "instructions": "Be brief.",
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
        "nexevo": EXTENSION.as_json(),
    }


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        (None, "completed", None),
        (FinishReason.STOP_SEQUENCE, "completed", None),
        (FinishReason.TOOL_CALLS, "completed", None),
        (FinishReason.PAUSE, "completed", None),
        (FinishReason.LENGTH, "incomplete", {"reason": "max_output_tokens"}),
        (FinishReason.CONTENT_FILTER, "incomplete", {"reason": "content_filter"}),
        (FinishReason.REFUSAL, "incomplete", {"reason": "content_filter"}),
        (FinishReason.ERROR, "failed", None),
        (FinishReason.MALFORMED_TOOL_CALL, "failed", None),
        (FinishReason.MALFORMED_ANSWER, "failed", None),
    ],
)
def test_a_finish_reason_is_a_status(reason: FinishReason | None, status: str, details: Any) -> None:
    body = encoded(Text("Hi"), reason=reason)
    assert (body["status"], body["incomplete_details"]) == (status, details)
    assert (body["error"] is None) == (status != "failed")
    assert body["output"][0]["status"] == ("completed" if status == "completed" else "incomplete")


def test_thoughts_are_items_of_their_own_that_bear_their_issuers_name() -> None:
    found = output(
        Thinking("a"),
        Thinking("b", "s1", "anthropic_messages"),
        Thinking("c", "s2", "anthropic_messages"),
        Thinking("", "s3", "gemini"),
        RedactedThinking("d", "anthropic_messages"),
        Thinking("e", "gA", OWN),
        Text("42"),
    )
    assert [item.get("encrypted_content") for item in found] == [
        "nxn:anthropic_messages:s1",
        "nxn:anthropic_messages:s2",
        "nxn:gemini:s3",
        "nxn-redacted:anthropic_messages:d",
        "gA",
        None,
    ]
    assert [[part["text"] for part in item["summary"]] for item in found[:-1]] == [["a", "b"], ["c"], [], [], ["e"]]
    assert found[-1]["content"][0]["text"] == "42"


def test_an_answer_that_its_provider_split_over_choices_is_joined() -> None:
    choices = (
        Choice(0, (ToolCall("c1", "f", "{}"),), FinishReason.TOOL_CALLS),
        Choice(1, (Text("Hi"), ToolCall("c2", "g", "[]")), FinishReason.STOP),
    )
    response = ChatResponse("up", "gpt-up", 1, choices, None)
    again = UPSTREAM.decode_response(CLIENT.encode_response(response, STAMP, EXTENSION)).choices
    parts = (ToolCall("c1", "f", "{}"), Text("Hi"), ToolCall("c2", "g", "[]"))
    assert again == (Choice(0, parts, FinishReason.TOOL_CALLS),)


def test_a_call_within_a_namespace_gets_its_two_names_back() -> None:
    tools = [{"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "find"}]}]
    namespaced, plain = output(ToolCall("c1", "crm__find", "{}"), ToolCall("c2", "f__x", ""), echo={"tools": tools})
    assert (namespaced["namespace"], namespaced["name"]) == ("crm", "find")
    assert (plain.get("namespace"), plain["name"]) == (None, "f__x")


def test_citations_of_openais_wires_are_annotations_and_others_are_left_out() -> None:
    own, chat = {"type": "url_citation", "url": "https://a"}, {"type": "url_citation", "url_citation": {"url": "b"}}
    citations = (
        Citation(OWN, orjson.dumps(own).decode()),
        Citation("openai_chat", orjson.dumps(chat).decode()),
        Citation("anthropic_messages", '{"type": "char_location"}'),
    )
    (message,) = output(Text("x", citations=citations))
    assert message["content"][0]["annotations"] == [own, {"type": "url_citation", "url": "b"}]


def test_log_probabilities_stand_with_the_first_text() -> None:
    (message,) = output(Text("a"), Text("b"), logprobs={"content": [{"token": "a"}], "refusal": None})
    assert [part["logprobs"] for part in message["content"]] == [[{"token": "a"}], []]


def test_what_the_wire_has_no_item_for_is_left_out() -> None:
    assert output(Opaque("gemini", "{}"), ToolResult("c", ())) == []
