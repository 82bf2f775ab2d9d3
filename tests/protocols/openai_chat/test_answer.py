"""Tests of whole answers: read, forwarded and built from events."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.canonical.parts import Citation, Opaque, Part, Refusal, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice, Extension, FinishReason, Stamp
from gateway.canonical.tries import Tried
from gateway.canonical.usage import Usage
from gateway.errors import InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.protocols.openai_chat import CLIENT, UPSTREAM
from gateway.protocols.openai_chat.encode_answer import encode_citations

ANSWER = (Path(__file__).parents[2] / "golden" / "openai_chat" / "answer.json").read_bytes()
STAMP = Stamp(response_id="chatcmpl-nxn-1", model="nexevo/fast", created_s=5)
EXTENSION = Extension("gen-nxn-1", "gpt-5", (Tried("gpt-5", "p", "served"),), "miss", "0.001")
CITATION = (
    '{"type":"url_citation","url_citation":{"start_index":0,"end_index":3,"title":"t","url":"https://example.com"}}'
)
MEANING = ChatResponse(
    upstream_id="chatcmpl-up",
    model="gpt-up",
    created_s=1700000000,
    choices=(
        Choice(
            0,
            (
                Thinking("hm"),
                Text("See here", citations=(Citation("openai_chat", CITATION),)),
                ToolCall("call_1", "weather", '{"city": 1}'),
                ToolCall("call_2", "sql", "SELECT 1", custom=True),
            ),
            FinishReason.TOOL_CALLS,
        ),
    ),
    usage=Usage(input=100, output=20, reasoning=5),
)


def answer(message: object, finish: str = "stop", usage: object = None) -> ChatResponse:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return UPSTREAM.decode_response(orjson.dumps({"id": "x", "model": "m", "choices": [choice], "usage": usage}), "n1")


def parts(message: object) -> tuple[Part, ...]:
    return answer(message).choices[0].parts


def usage(**members: object) -> Usage | None:
    return answer({"content": "x"}, usage=members).usage


def test_a_golden_answer_means_its_parts() -> None:
    assert UPSTREAM.decode_response(ANSWER) == MEANING


def test_a_forwarded_answer_keeps_all_bytes_but_the_names() -> None:
    forwarded = CLIENT.forward_response(ANSWER, STAMP, EXTENSION)
    expected = ANSWER.replace(b'"id": "chatcmpl-up"', b'"id": "chatcmpl-nxn-1"')
    expected = expected.replace(b'"model": "gpt-up"', b'"model": "nexevo/fast"').removesuffix(b"}\n")
    assert forwarded == expected + b',"nexevo":' + orjson.dumps(EXTENSION.as_json()) + b"}\n"


def test_an_answer_made_anew_reads_as_it_did() -> None:
    encoded = CLIENT.encode_response(MEANING, STAMP, EXTENSION)
    again = UPSTREAM.decode_response(encoded)
    assert (again.choices, again.usage) == (MEANING.choices, MEANING.usage)
    assert (again.upstream_id, again.model, again.created_s) == ("chatcmpl-nxn-1", "nexevo/fast", 5)
    assert orjson.loads(encoded)["nexevo"] == EXTENSION.as_json()


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (FinishReason.STOP, "stop"),
        (FinishReason.STOP_SEQUENCE, "stop"),
        (FinishReason.LENGTH, "length"),
        (FinishReason.CONTENT_FILTER, "content_filter"),
        (FinishReason.REFUSAL, "content_filter"),
        (FinishReason.PAUSE, "stop"),
        (None, "stop"),
    ],
)
def test_every_finish_reason_has_a_word(reason: FinishReason | None, word: str) -> None:
    response = ChatResponse("u", "m", None, (Choice(0, (Text("x"),), reason),), None)
    encoded = orjson.loads(CLIENT.encode_response(response, STAMP, EXTENSION))
    assert encoded["choices"][0]["finish_reason"] == word
    assert "usage" not in encoded


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (None, ()),
        ({"content": None, "refusal": "no"}, (Refusal("no"),)),
        ({"content": "x", "reasoning": "hm"}, (Thinking("hm"), Text("x"))),
        ({"content": None, "function_call": {"name": "f", "arguments": "{}"}}, (ToolCall("call_n1_0", "f", "{}"),)),
        (
            {"content": None, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}]},
            (ToolCall("c", "f", '{"a":1}'),),
        ),
        ({"content": None, "audio": {"id": "a"}}, (Opaque("openai_chat", '{"audio":{"id":"a"}}'),)),
        (
            {"content": [{"type": "thinking", "thinking": [{"text": "hm"}]}, {"type": "text", "text": "x"}]},
            (Thinking("hm"), Text("x")),
        ),
    ],
)
def test_a_message_of_any_dialect_has_its_parts(message: object, expected: tuple[Part, ...]) -> None:
    assert parts(message) == expected


def test_a_stop_with_tool_calls_is_a_tool_call() -> None:
    response = answer({"content": None, "tool_calls": [{"id": "c", "function": {"name": "f"}}]}, finish="stop")
    assert response.choices[0].finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 2}, Usage(input=10, output=2)),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 3},
            },
            Usage(input=6, cache_read=4, output=2, audio_input=3),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 5},
            },
            Usage(input=1, cache_read=4, cache_write_5m=5, output=2),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 2, "prompt_cache_hit_tokens": 8},
            Usage(input=2, cache_read=8, output=2),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 2,
                "total_tokens": 17,
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            Usage(input=10, output=7, reasoning=5),
        ),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Usage()),
        ({"total_tokens": 5}, None),
    ],
)
def test_usage_is_counted_once_in_disjoint_classes(members: dict[str, object], expected: Usage | None) -> None:
    assert usage(**members) == expected


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"choices":[]}', b'{"choices":[{"message":3}]}'])
def test_an_answer_that_cannot_be_read_is_an_upstream_error(body: bytes) -> None:
    with pytest.raises(UpstreamError, match="cannot be read"):
        UPSTREAM.decode_response(body)


@pytest.mark.parametrize(
    ("error", "kind"),
    [({"status": 400, "message": "filtered"}, InvalidRequest), ({"code": 429, "message": "m"}, UpstreamOverloaded)],
)
def test_an_error_in_the_place_of_an_answer_is_that_error(error: object, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        UPSTREAM.decode_response(orjson.dumps({"error": error}))


WEB_PAGE = {"start_index": 0, "end_index": 3, "title": "t", "url": "https://example.com"}
NESTED_PAGE = {"type": "url_citation", "url_citation": WEB_PAGE}


@pytest.mark.parametrize(
    ("protocol", "source", "annotations"),
    [
        ("openai_chat", {"type": "new", "a": 1}, [{"type": "new", "a": 1}]),
        ("openai_responses", {"type": "url_citation", **WEB_PAGE}, [NESTED_PAGE]),
        ("openai_responses", {"type": "file_citation", "file_id": "f"}, []),
        ("anthropic_messages", {"type": "char_location", "cited_text": "x"}, []),
    ],
)
def test_a_web_page_of_the_responses_wire_is_a_source_here(protocol: str, source: object, annotations: object) -> None:
    assert encode_citations((Citation(protocol, orjson.dumps(source).decode()),)) == annotations


def test_an_answer_without_calls_says_that_there_are_none() -> None:
    body = b'{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"x"}}]}'
    made = orjson.loads(CLIENT.encode_response(UPSTREAM.decode_response(body), STAMP, EXTENSION))
    assert made["choices"][0]["message"]["tool_calls"] is None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b'{ "content": 1.0e1 }', b'{ "content": 1.0e1 ,"tool_calls":null}'),
        (b"{}", b'{"tool_calls":null}'),
        (b'{"tool_calls" : null}', b'{"tool_calls" : null}'),
        (b'{"tool_calls": [ {"id":"c", "n": 1.0} ]}', b'{"tool_calls": [ {"id":"c", "n": 1.0} ]}'),
        (b'{"tool_calls": [ {"id":"", "n": 1.0} ]}', b'{"tool_calls": [ {"id":"call_1_0", "n": 1.0} ]}'),
        (b"null", b"null"),
    ],
)
def test_a_forwarded_message_says_whether_it_has_calls_and_keeps_its_other_bytes(
    message: bytes, expected: bytes
) -> None:
    def body(said: bytes) -> bytes:
        return b'{"id":"chatcmpl-nxn-1","model":"nexevo/fast","choices": [ {"index":0, "message": %b } ]' % said

    extension = b',"nexevo":' + orjson.dumps(EXTENSION.as_json())
    assert CLIENT.forward_response(body(message) + b"}", STAMP, EXTENSION) == body(expected) + extension + b"}"


@pytest.mark.parametrize("elsewhere", [{}, {"usage": None}, {"usage": {"prompt_tokens": 1}}])
def test_usage_that_stands_elsewhere_is_forwarded_in_its_place(elsewhere: dict[str, Any]) -> None:
    body = {"choices": [{"message": {}}], "x_groq": {"usage": {"prompt_tokens": 7}}, **elsewhere}
    forwarded = orjson.loads(CLIENT.forward_response(orjson.dumps(body), STAMP, EXTENSION))
    assert forwarded["usage"] == {"prompt_tokens": 1 if elsewhere.get("usage") else 7}
