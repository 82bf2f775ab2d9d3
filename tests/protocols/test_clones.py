"""Tests with answers as vendors and clones of their wires really send them: each is read on every wire that has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gateway.canonical.codec import ClientCodec, UpstreamCodec
from gateway.canonical.events import (
    Failed,
    Finished,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from gateway.canonical.parts import Text, Thinking, ToolCall
from gateway.canonical.response import Extension, FinishReason, Stamp
from gateway.canonical.tries import Tried
from gateway.canonical.usage import Usage
from gateway.errors import UnreadableAnswer
from gateway.framing.sse import sse_event
from gateway.protocols.anthropic_messages import CLIENT as MESSAGES_CLIENT
from gateway.protocols.anthropic_messages import UPSTREAM as MESSAGES
from gateway.protocols.bedrock_converse import UPSTREAM as CONVERSE
from gateway.protocols.gemini import UPSTREAM as GEMINI
from gateway.protocols.openai_chat import CLIENT as CHAT_CLIENT
from gateway.protocols.openai_chat import UPSTREAM as CHAT
from gateway.protocols.openai_responses import UPSTREAM as RESPONSES
from tests.protocols.bedrock_converse.streams import event as converse_event
from tests.protocols.clones import START, Json, chat, chunk, converse, events, forwarded, gemini, named, read, responses

STAMP = Stamp("chatcmpl-nxn-n1", "m", 5)
EXTENSION = Extension("gen-nxn-n1", "m", (Tried("m", "p", "served"),), "miss", "0")
LONG = 123456789012345678901234
USE = {"type": "tool_use", "name": "f", "input": {}}
WITHOUT_IDS: list[tuple[UpstreamCodec, Json]] = [
    (CHAT, chat({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}] * 2})),
    (RESPONSES, responses(*[{"type": "function_call", "id": "fc_1", "name": "f", "arguments": "{}"}] * 2)),
    (MESSAGES, {"content": [USE, USE], "stop_reason": "tool_use"}),
    (GEMINI, gemini(*[{"functionCall": {"name": "f", "args": {}}}] * 2)),
    (CONVERSE, converse([{"toolUse": {"name": "f", "input": {}}}] * 2)),
]
ITEM = {"type": "function_call", "id": "fc", "name": "f"}
STREAMED_WITHOUT_IDS: list[tuple[UpstreamCodec, list[bytes]]] = [
    (CHAT, [chunk({"tool_calls": [{"index": i, "function": {"name": "f"}}]}) for i in range(2)]),
    (
        RESPONSES,
        [named({"type": "response.output_item.added", "output_index": i, "item": ITEM}) for i in range(2)],
    ),
    (MESSAGES, [START, *[named({"type": "content_block_start", "index": i, "content_block": USE}) for i in range(2)]]),
    (GEMINI, [sse_event(orjson.dumps(gemini({"functionCall": {"name": "f"}}))) for _ in range(2)]),
    (
        CONVERSE,
        [
            converse_event("contentBlockStart", {"contentBlockIndex": i, "start": {"toolUse": {"name": "f"}}})
            for i in range(2)
        ],
    ),
]


@pytest.mark.parametrize(("codec", "body"), WITHOUT_IDS)
def test_calls_without_ids_get_ids_of_their_answer(codec: UpstreamCodec, body: Json) -> None:
    ids = [part.id for part in read(codec, body, "a-7").choices[0].parts if isinstance(part, ToolCall)]
    assert ids == ["call_a-7_0", "call_a-7_1"]


@pytest.mark.parametrize(("codec", "frames"), STREAMED_WITHOUT_IDS)
def test_streamed_calls_without_ids_get_ids_of_their_answer(codec: UpstreamCodec, frames: list[bytes]) -> None:
    ids = [event.id for event in events(codec, *frames) if isinstance(event, ToolCallStarted)]
    assert ids == ["call_n1_0", "call_n1_1"]


def test_an_id_that_two_calls_of_an_answer_have_is_the_first_ones() -> None:
    calls = [{"id": "x", "function": {"name": "f", "arguments": "{}"}}] * 2
    assert [
        part.id for part in read(CHAT, chat({"tool_calls": calls})).choices[0].parts if isinstance(part, ToolCall)
    ] == [
        "x",
        "call_n1_1",
    ]


@pytest.mark.parametrize(("codec", "frames"), [STREAMED_WITHOUT_IDS[0], STREAMED_WITHOUT_IDS[2]])
def test_a_call_without_an_id_gets_one_in_the_forwarded_frame(codec: UpstreamCodec, frames: list[bytes]) -> None:
    assert b'"id":"call_n1_0"' in b"".join(forwarded(codec, *frames))


@pytest.mark.parametrize(("client", "body"), [(CHAT_CLIENT, WITHOUT_IDS[0][1]), (MESSAGES_CLIENT, WITHOUT_IDS[2][1])])
def test_a_call_without_an_id_gets_one_in_the_forwarded_answer(client: ClientCodec, body: Json) -> None:
    forwarded_body = client.forward_response(orjson.dumps(body), STAMP, EXTENSION)
    assert [b'"id":"call_n1_%d"' % place in forwarded_body for place in range(3)] == [True, True, False]


def test_an_empty_finish_reason_is_none() -> None:
    found = events(CHAT, chunk({"content": "x"}, ""), chunk({"content": "y"}, ""), chunk({}, "length"))
    assert [event.reason for event in found if isinstance(event, Finished)] == [FinishReason.LENGTH]


def test_an_empty_finish_reason_is_forwarded_as_null() -> None:
    (frame,) = forwarded(CHAT, chunk({"content": "x"}, ""))
    assert orjson.loads(frame)["choices"][0]["finish_reason"] is None


def test_an_empty_stop_reason_is_none() -> None:
    delta = named({"type": "message_delta", "delta": {"stop_reason": ""}})
    last = named({"type": "message_delta", "delta": {"stop_reason": "max_tokens"}})
    assert [event.reason for event in events(MESSAGES, START, delta, last) if isinstance(event, Finished)] == [
        FinishReason.LENGTH
    ]


@pytest.mark.parametrize("arguments", [{"a": LONG}, f'{{"a":{LONG}}}'], ids=["as an object", "as text"])
def test_a_long_integer_keeps_its_digits_in_chat_arguments(arguments: Any) -> None:
    text = orjson.dumps({"a": orjson.Fragment(str(LONG))}) if isinstance(arguments, dict) else orjson.dumps(arguments)
    call = {"id": "c", "function": {"name": "f", "arguments": orjson.Fragment(text)}}
    (part,) = read(CHAT, chat({"tool_calls": [call]})).choices[0].parts
    assert isinstance(part, ToolCall)
    assert part.arguments == f'{{"a":{LONG}}}'


@pytest.mark.parametrize(
    ("codec", "body"),
    [
        (MESSAGES, {"content": [USE | {"input": {"a": orjson.Fragment(str(LONG))}}]}),
        (GEMINI, gemini({"functionCall": {"name": "f", "args": {"a": orjson.Fragment(str(LONG))}}})),
        (CONVERSE, converse([{"toolUse": {"name": "f", "input": {"a": orjson.Fragment(str(LONG))}}}])),
    ],
)
def test_a_long_integer_keeps_its_digits_in_an_input(codec: UpstreamCodec, body: Json) -> None:
    (part,) = read(codec, body).choices[0].parts
    assert isinstance(part, ToolCall)
    assert part.arguments == f'{{"a":{LONG}}}'


@pytest.mark.parametrize(("value", "text"), [(None, "{}"), ('{"a":1}', '{"a":1}'), ([], "[]"), (3, "3"), ("", "{}")])
@pytest.mark.parametrize(
    ("codec", "body"),
    [
        (MESSAGES, lambda value: {"content": [USE | {"input": value}]}),
        (GEMINI, lambda value: gemini({"functionCall": {"name": "f", "args": value}})),
        (CONVERSE, lambda value: converse([{"toolUse": {"name": "f", "input": value}}])),
    ],
)
def test_an_input_that_is_no_object_is_kept_as_it_is_written(
    codec: UpstreamCodec, body: Callable[[Any], Json], value: Any, text: str
) -> None:
    (part,) = read(codec, body(value)).choices[0].parts
    assert isinstance(part, ToolCall)
    assert part.arguments == text


@pytest.mark.parametrize("frame", [sse_event(b"{}", "ping"), sse_event(b'{"tool":"x"}', "tool.progress")])
@pytest.mark.parametrize(
    ("codec", "first"), [(CHAT, chunk({"content": "x"})), (MESSAGES, START), (GEMINI, sse_event(b'{"candidates":[]}'))]
)
def test_a_named_frame_of_a_servers_own_is_dropped(codec: UpstreamCodec, first: bytes, frame: bytes) -> None:
    assert forwarded(codec, first, frame) == forwarded(codec, first)
    assert not any(
        isinstance(event, Failed) and isinstance(event.error, UnreadableAnswer) for event in events(codec, first, frame)
    )


def test_a_named_frame_of_a_servers_own_is_dropped_from_responses() -> None:
    assert forwarded(RESPONSES, sse_event(b"{}", "ping")) == []


@pytest.mark.parametrize("data", [b'{"id":"x","model":"m"}', b"", b" "])
def test_a_frame_without_choices_usage_or_error_is_no_chunk(data: bytes) -> None:
    assert forwarded(CHAT, sse_event(data)) == []


def test_another_wires_end_is_no_chunk_of_gemini() -> None:
    whole = sse_event(orjson.dumps(gemini({"text": "x"})))
    assert events(GEMINI, whole, b"data: [DONE]\n\n") == events(GEMINI, whole)


DETAILS = [
    {"type": "reasoning.summary", "summary": "so "},
    {"type": "reasoning.text", "text": "hm", "signature": "s"},
    {"type": "reasoning.encrypted", "data": "QQ=="},
]


def test_reasoning_details_alone_are_thinking() -> None:
    assert read(CHAT, chat({"content": "x", "reasoning_details": DETAILS})).choices[0].parts == (
        Thinking("so hm"),
        Text("x"),
    )
    assert ThinkingDelta("so hm", 0) in events(CHAT, chunk({"reasoning_details": DETAILS}))


def test_reasoning_beside_its_details_is_said_once() -> None:
    delta = {"reasoning": "so hm", "reasoning_details": DETAILS}
    assert read(CHAT, chat(delta)).choices[0].parts == (Thinking("so hm"),)
    assert [event for event in events(CHAT, chunk(delta)) if isinstance(event, ThinkingDelta)] == [
        ThinkingDelta("so hm", 0)
    ]


CALL = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    "said",
    [
        {"tool_calls": [CALL], "function_call": {"name": "", "arguments": ""}},
        {"tool_calls": [CALL], "function_call": {"name": None, "arguments": None}},
        {"tool_calls": [CALL | {"custom": {"name": "", "input": ""}}]},
        {"tool_calls": [CALL | {"custom": {}}]},
    ],
)
def test_an_empty_call_beside_a_real_one_is_none(said: Json) -> None:
    assert read(CHAT, chat(said)).choices[0].parts == (ToolCall("c", "f", "{}"),)
    assert events(CHAT, chunk(said))[1:3] == [ToolCallStarted("c", "f", 0, 0), ToolCallDelta("{}", 0, 0)]


@pytest.mark.parametrize(
    ("codec", "body"),
    [
        (CHAT, chat({"content": {"type": "text", "text": "x"}})),
        (CHAT, chat({"content": ["x"]})),
        (RESPONSES, responses({"type": "message", "content": {"type": "output_text", "text": "x"}})),
        (RESPONSES, responses({"type": "message", "content": "x"})),
        (RESPONSES, responses({"type": "message", "content": [{"type": "text", "text": "x"}]})),
        (MESSAGES, {"content": {"type": "text", "text": "x"}}),
        (MESSAGES, {"content": "x"}),
        (GEMINI, {"candidates": [{"content": {"parts": {"text": "x"}}, "finishReason": "STOP"}]}),
        (CONVERSE, converse({"text": "x"})),
    ],
)
def test_content_that_is_no_list_of_parts_is_read(codec: UpstreamCodec, body: Json) -> None:
    assert read(codec, body).choices[0].parts == (Text("x"),)


def test_content_that_is_the_json_asked_for_is_its_text() -> None:
    assert read(CHAT, chat({"content": {"answer": 42}})).choices[0].parts == (Text('{"answer":42}'),)
    assert TextDelta("x", 0) in events(CHAT, chunk({"content": {"type": "text", "text": "x"}}))


@pytest.mark.parametrize("place", [1, 5])
def test_a_text_whose_place_changes_when_it_is_done_is_said_once(place: int) -> None:
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": place, "delta": "Hi"}
    item = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    found = events(RESPONSES, named(delta), named(done))
    assert [event for event in found if isinstance(event, TextDelta)] == [TextDelta("Hi", 0)]


def test_a_delta_that_names_its_item_alone_belongs_to_it() -> None:
    item = {"id": "i", "type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    frames: list[Json] = [
        {"type": "response.output_item.added", "output_index": 2, "item": item | {"content": []}},
        {"type": "response.output_text.delta", "item_id": "i", "delta": "Hi"},
        {"type": "response.output_item.done", "output_index": 2, "item": item},
    ]
    found = events(RESPONSES, *[named(frame) for frame in frames])
    assert [event for event in found if isinstance(event, TextDelta)] == [TextDelta("Hi", 0)]


def test_a_text_under_the_chat_wires_word_is_read_where_its_item_is_done() -> None:
    item = {"type": "message", "content": [{"type": "text", "text": "Hi"}]}
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    assert TextDelta("Hi", 0) in events(RESPONSES, named(done))


@pytest.mark.parametrize(("written", "text"), [({"a": 1}, '{"a":1}'), (True, "true")])
def test_arguments_that_are_json_are_forwarded_as_text(written: Any, text: str) -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": written}}
    (frame,) = forwarded(CHAT, chunk({"tool_calls": [call]}))
    body = CHAT_CLIENT.forward_response(orjson.dumps(chat({"tool_calls": [call]})), STAMP, EXTENSION)
    for said in (orjson.loads(frame)["choices"][0]["delta"], orjson.loads(body)["choices"][0]["message"]):
        assert said["tool_calls"][0]["function"]["arguments"] == text


@pytest.mark.parametrize("fields", [None, [], "x", 3, {"stop_sequence": None}, {"stop_sequence": 3}])
def test_additional_model_fields_of_any_type_are_read(fields: Any) -> None:
    body = converse([{"text": "x"}], additionalModelResponseFields=fields)
    assert read(CONVERSE, body).choices[0].stop_sequence is None
    stop = converse_event("messageStop", {"stopReason": "end_turn", "additionalModelResponseFields": fields})
    assert Finished(FinishReason.STOP) in events(CONVERSE, stop)


@pytest.mark.parametrize(
    ("codec", "body"),
    [
        (CHAT, {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}),
        (CHAT, chat({"content": 5}, usage={"prompt_tokens": 3, "completion_tokens": 1})),
        (RESPONSES, {"usage": {"input_tokens": 3, "output_tokens": 1}}),
        (MESSAGES, {"content": 5, "usage": {"input_tokens": 3, "output_tokens": 1}}),
        (GEMINI, {"candidates": 5, "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1}}),
        (CONVERSE, {"output": {}, "usage": {"inputTokens": 3, "outputTokens": 1}}),
    ],
)
def test_an_answer_that_cannot_be_read_tells_what_it_is_billed_for(codec: UpstreamCodec, body: Json) -> None:
    with pytest.raises(UnreadableAnswer) as caught:
        read(codec, body)
    assert caught.value.usage == Usage(input=3, output=1)


def test_an_answer_that_cannot_be_read_says_what_is_wrong_with_it() -> None:
    with pytest.raises(UnreadableAnswer, match="cannot be read: a string was expected where an integer stands"):
        read(MESSAGES, {"content": [{"type": "text", "text": 5}]})


@pytest.mark.parametrize("empty", [{}, None, {"name": "", "args": None}])
def test_a_gemini_call_that_says_nothing_is_none(empty: Any) -> None:
    body = gemini({"functionCall": {"name": "f"}}, {"functionCall": empty})
    assert [part.name for part in read(GEMINI, body).choices[0].parts if isinstance(part, ToolCall)] == ["f"]
    found = events(GEMINI, sse_event(orjson.dumps(body)))
    assert [event.name for event in found if isinstance(event, ToolCallStarted)] == ["f"]
