"""Tests that the requested faults happen on the socket, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import orjson
import pytest
from openai import OpenAI

from local.providers import delivery
from local.providers.delivery import Stall, Wait
from local.providers.event_stream import message
from local.providers.faults import Fault, UnknownWord, directives, merged, parse, without_directives
from local.providers.oddities import spelt_oddly
from local.providers.wire import Frame, FrameKind, Reply, sse
from tests.hangs import HANGS_AFTER_S, comes_true


@pytest.fixture(scope="module")
def client(rows: Any) -> Iterator[OpenAI]:
    with OpenAI(**rows["openai"], max_retries=0, timeout=HANGS_AFTER_S) as client:
        yield client


def ask(client: OpenAI, text: str, model: str = "gpt-4o") -> str:
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])
    return answer.choices[0].message.content or ""


def stream(client: OpenAI, text: str) -> Iterator[Any]:
    return iter(
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}], stream=True)
    )


FRAMES = [
    Frame(FrameKind.STRUCTURE, b"p"),
    *(Frame(FrameKind.CONTENT, bytes([c])) for c in b"abc"),
    Frame(FrameKind.CLOSING, b"z"),
    Frame(FrameKind.DONE, b"."),
]


def shaped(fault: Fault) -> list[Any]:
    return ["stall" if isinstance(s, Stall) else s for s in delivery.steps(iter(FRAMES), fault, b"E", b"G")]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(), [b"p", b"a", b"b", b"c", b"z", b"."]),
        (Fault(no_done=True), [b"p", b"a", b"b", b"c", b"z"]),
        (Fault(stall_after=0), [b"p", "stall"]),
        (Fault(stall_after=3), [b"p", b"a", b"b", b"c", "stall"]),
        (Fault(error_after=2), [b"p", b"a", b"b", b"E"]),
        (Fault(garbage_after=1), [b"p", b"a", b"G", b"b", b"c", b"z", b"."]),
        (Fault(chunk_ms=7), [b"p", b"a", Wait(7), b"b", Wait(7), b"c", b"z", b"."]),
        (Fault(first_token_delay_ms=9), [b"p", Wait(9), b"a", b"b", b"c", b"z", b"."]),
    ],
)
def test_a_stream_is_spoiled_where_the_fault_says(fault: Fault, expected: list[Any]) -> None:
    assert shaped(fault) == expected


def test_a_directive_is_read_from_the_prompt_and_taken_out_of_it() -> None:
    prompt = 'Hello [[sim: status=429 retry_after=2]] there [[sim: no_done code="a b"]]'
    assert merged(directives(prompt)) == Fault(status=429, retry_after="2", no_done=True, code="a b")
    assert without_directives("Hello [[sim: status=429]]") == "Hello"


def test_a_value_in_single_quotes_may_hold_double_ones() -> None:
    (fault,) = directives("""[[sim: tool=shell arguments='{"cmd": "echo hi"}']]""")
    assert fault == Fault(tool="shell", arguments='{"cmd": "echo hi"}')


def test_the_model_says_a_given_text_to_the_letter(client: OpenAI) -> None:
    text = "hello.txt\n```\nhello\n```\n"
    assert ask(client, f"Write a file. [[sim: text='{text}']]") == text


@pytest.mark.parametrize("words", [{"statsu": "500"}, {"status": "many"}, {"no_done": "perhaps"}])
def test_a_word_that_is_not_known_is_an_error(words: dict[str, str]) -> None:
    with pytest.raises(UnknownWord):
        parse(words)


def test_a_misspelt_directive_is_a_bad_request(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "[[sim: statsu=500]]")
    assert caught.value.code == "unknown_simulator_word"


@pytest.mark.parametrize(
    ("directive", "error"),
    [
        ("status=500", openai.InternalServerError),
        ("status=503", openai.InternalServerError),
        ("status=429", openai.RateLimitError),
        ("status=403", openai.PermissionDeniedError),
        ("status=409", openai.ConflictError),
    ],
)
def test_a_status_is_the_sdks_own_error(client: OpenAI, directive: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        ask(client, f"[[sim: {directive}]]")


def test_retry_after_is_sent(client: OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client, "[[sim: status=429 retry_after=2]]")
    assert caught.value.response.headers["retry-after"] == "2"


def test_the_first_tries_of_an_id_fail_and_then_it_succeeds(client: OpenAI) -> None:
    question = "Up again? [[sim: status=500 times=2 id=first-tries]]"
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            ask(client, question)
    assert "Up again?" in ask(client, question)


def test_a_fault_for_one_model_spares_the_others(client: OpenAI) -> None:
    with pytest.raises(openai.InternalServerError):
        ask(client, "Hi [[sim: status=500 model=gpt-4o]]", model="gpt-4o")
    assert "Hi" in ask(client, "Hi [[sim: status=500 model=gpt-4o]]", model="gpt-4.1")


def test_a_cut_ends_a_stream_without_its_end(client: OpenAI, control: Any) -> None:
    with pytest.raises(openai.APIConnectionError):
        list(stream(client, "Hi [[sim: cut_after=700]]"))
    assert control.last()["outcome"] == "cut"


def test_a_cut_ends_a_body_before_its_length(control: Any, rows: Any) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "[[sim: cut_after=20]]"}]}
    headers = {"authorization": f"Bearer {rows['openai']['api_key']}"}
    with pytest.raises(Exception, match="IncompleteRead\\(20 bytes read"):
        control.send("POST", "/openai/v1/chat/completions", body, headers)


def test_hanging_up_is_a_connection_error(client: OpenAI) -> None:
    with pytest.raises(openai.APIConnectionError):
        ask(client, "[[sim: hang_ms=10]]")


def test_garbage_is_not_json(control: Any, rows: Any) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "[[sim: status=200 garbage]]"}]}
    headers = {"authorization": f"Bearer {rows['openai']['api_key']}"}
    status, _, answer = control.send("POST", "/openai/v1/chat/completions", body, headers)
    assert (status, answer[:6]) == (200, b"<html>")


def test_a_garbage_chunk_cannot_be_read(client: OpenAI) -> None:
    with pytest.raises(ValueError, match="line 1"):
        list(stream(client, "[[sim: garbage_after=1]]"))


def test_an_error_in_the_stream_is_the_sdks_error(client: OpenAI) -> None:
    with pytest.raises(openai.APIError, match="server had an error"):
        list(stream(client, "[[sim: error_after=1]]"))


def test_a_stall_falls_silent_and_the_client_leaving_is_seen(client: OpenAI, control: Any) -> None:
    with pytest.raises(openai.APITimeoutError):
        list(stream(client.with_options(timeout=0.3), "[[sim: stall_after=1]]"))
    assert comes_true(lambda: control.last()["outcome"] != "open")
    assert control.last()["outcome"] == "disconnected"


def test_a_slow_drip_is_still_open_when_a_later_stream_has_ended(client: OpenAI, control: Any) -> None:
    slow = iter(stream(client, "[[sim: chunks=4 chunk_ms=600000]]"))
    first = [next(slow), next(slow)]
    assert len(list(stream(client, "[[sim: chunks=4]]"))) == 6
    requests = control.call("GET", "/_sim/requests")["requests"]
    assert [request["outcome"] for request in requests[-2:]] == ["open", "sent"]
    control.call("POST", "/_sim/hurry")
    assert len(first) + len(list(slow)) == 6


def test_streams_that_run_can_be_hurried_to_their_end(client: OpenAI, control: Any) -> None:
    parts = iter(stream(client, "[[sim: chunks=4 chunk_ms=600000]]"))
    first = [next(parts), next(parts)]
    control.call("POST", "/_sim/hurry")
    assert len(first) + len(list(parts)) == 6


def test_comments_do_not_disturb_the_sdk(client: OpenAI) -> None:
    parts = [part.choices[0].delta.content for part in stream(client, "[[sim: comments chunks=3]]")]
    assert len(parts) == 5


def test_usage_can_be_left_out(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "[[sim: no_usage]]"}])
    assert answer.usage is None


def test_the_control_api_injects_a_fault_for_matching_requests(client: OpenAI, control: Any) -> None:
    control.call("POST", "/_sim/faults", {"match": {"contains": "cursed"}, "fault": {"status": 503}, "times": 1})
    assert "blessed" in ask(client, "blessed")
    with pytest.raises(openai.InternalServerError):
        ask(client, "cursed")
    assert "cursed" in ask(client, "cursed")


def test_an_injected_fault_is_for_requests_about_its_text(client: OpenAI, control: Any) -> None:
    control.call("POST", "/_sim/faults", {"match": {}, "fault": {"status": 503, "about": "cursed"}})
    assert "blessed" in ask(client, "blessed [[sim: id='cursed']]")
    with pytest.raises(openai.InternalServerError):
        ask(client, "cursed")


def test_the_control_api_refuses_what_it_does_not_know(control: Any) -> None:
    status, _, _ = control.send("POST", "/_sim/faults", {"match": {"moddel": "x"}, "fault": {"status": 503}})
    assert status == 400


def test_what_was_received_is_recorded_without_the_key(client: OpenAI, control: Any) -> None:
    ask(client, "Remember me")
    entry = control.last()
    assert entry["body"]["messages"] == [{"role": "user", "content": "Remember me"}]
    assert (entry["provider"], entry["model"], entry["status"]) == ("openai", "gpt-4o", 200)
    assert entry["headers"]["authorization"] == "***0001"


def test_the_record_is_read_from_an_index_on(client: OpenAI, control: Any) -> None:
    seen = control.call("GET", "/_sim/requests")["next"]
    ask(client, "one")
    ask(client, "two")
    later = control.call("GET", f"/_sim/requests?since={seen + 1}")["requests"]
    assert [entry["body"]["messages"][0]["content"] for entry in later] == ["two"]


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}


def oddly(contents: list[bytes], odd: str) -> list[bytes]:
    frames = spelt_oddly(Reply(200, (), (Frame(FrameKind.CONTENT, data) for data in contents)), Fault(odd=odd)).body
    return [frame.data for frame in frames if isinstance(frame, Frame)]


DETAIL = {"type": "reasoning.text", "text": "hm"}
UNNAMED = {name: value for name, value in CALL.items() if name != "id"}


@pytest.mark.parametrize(
    ("odd", "body", "expected"),
    [
        ("empty_finish", {"choices": [{"finish_reason": None}]}, {"choices": [{"finish_reason": ""}]}),
        ("no_call_ids", {"id": "r", "tool_calls": [CALL]}, {"id": "r", "tool_calls": [UNNAMED]}),
        ("object_arguments", CALL["function"], {"name": "f", "arguments": {"a": 1}}),
        ("double_arguments", CALL["function"], {"name": "f", "arguments": '"{\\"a\\":1}"'}),
        ("double_arguments", {"name": "f", "input": {"a": 1}}, {"name": "f", "input": '{"a":1}'}),
        ("content_object", {"role": "m", "content": "x"}, {"role": "m", "content": {"type": "text", "text": "x"}}),
        ("content_object", {"parts": [{"text": "x"}]}, {"parts": {"text": "x"}}),
        (
            "details_alone",
            {"reasoning_content": "hm"},
            {"reasoning_details": [DETAIL]},
        ),
        (
            "empty_calls",
            {"tool_calls": [{"id": "c"}]},
            {"tool_calls": [{"id": "c", "custom": {}}], "function_call": {"name": "", "arguments": ""}},
        ),
        (
            "moved_text",
            {"type": "response.output_text.delta", "content_index": 0},
            {"type": "response.output_text.delta", "content_index": 1},
        ),
        ("unexpected_call", {"finishReason": "STOP"}, {"finishReason": "UNEXPECTED_TOOL_CALL"}),
        (
            "unfitting_usage",
            {"usage": {"prompt_tokens": 1}},
            {"usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 10}}},
        ),
        ("unfitting_usage", {"promptTokenCount": 1}, {"promptTokenCount": 1, "cachedContentTokenCount": 10}),
        ("usage_beside", {"choices": [], "usage": {"a": 1}}, {"choices": [], "x_groq": {"usage": {"a": 1}}}),
        ("text_fields", {"stopReason": "x"}, {"stopReason": "x", "additionalModelResponseFields": "none"}),
    ],
)
def test_an_oddity_changes_whole_answers_and_events_alike(odd: str, body: Any, expected: Any) -> None:
    whole = spelt_oddly(Reply(200, (), orjson.dumps(body)), Fault(odd=odd)).body
    assert isinstance(whole, bytes)
    assert orjson.loads(whole) == expected
    assert oddly([sse(body)], odd) == [sse(expected)]
    headers = {"a": "b", "cd": "e"}
    assert oddly([message(headers, orjson.dumps(body))], odd) == [message(headers, orjson.dumps(expected))]


def test_a_named_frame_goes_ahead_of_each_content_event() -> None:
    said = oddly([b"a", b"b"], "named_frames")
    assert [data[:11] for data in said] == [b"event: tool", b"a", b"event: tool", b"b"]


def test_an_unknown_oddity_is_refused(control: Any, rows: Any) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "[[sim: odd=strange]]"}]}
    key = {"authorization": f"Bearer {rows['openai']['api_key']}"}
    status, _, answer = control.send("POST", "/openai/v1/chat/completions", body, key)
    assert (status, b"unknown oddities: strange" in answer) == (400, True)
