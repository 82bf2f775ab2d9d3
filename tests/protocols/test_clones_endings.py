"""Tests with ends as vendors and clones send them: without a word, or with one that the answer itself contradicts."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.canonical.codec import UpstreamCodec
from gateway.canonical.events import Ended, Finished
from gateway.canonical.response import Extension, FinishReason, Stamp
from gateway.canonical.tries import Tried
from gateway.framing.sse import SSEDecoder, sse_event
from gateway.protocols.anthropic_messages import CLIENT as MESSAGES_CLIENT
from gateway.protocols.anthropic_messages import UPSTREAM as MESSAGES
from gateway.protocols.bedrock_converse import UPSTREAM as CONVERSE
from gateway.protocols.gemini import UPSTREAM as GEMINI
from gateway.protocols.openai_chat import UPSTREAM as CHAT
from tests.protocols.bedrock_converse.streams import event as converse_event
from tests.protocols.clones import START, Json, chat, chunk, converse, events, gemini, named, read

STAMP = Stamp("msg_nxn-n1", "m", 5)
EXTENSION = Extension("gen-nxn-n1", "m", (Tried("m", "p", "served"),), "miss", "0")
USE = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
TEXT = {"type": "text", "text": "x"}
CALL = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CONVERSE_USE = {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}
NO_WORDS = [None, ""]


def block(content: Json) -> list[bytes]:
    opening = {"type": "content_block_start", "index": 0, "content_block": content}
    return [named(opening), named({"type": "content_block_stop", "index": 0})]


def messages_stream(content: Json, word: Any) -> list[bytes]:
    end = {"type": "message_delta", "delta": {"stop_reason": word}, "usage": {"output_tokens": 2}}
    return [START, *block(content), named(end), named({"type": "message_stop"})]


def reasons(codec: UpstreamCodec, *frames: bytes) -> list[FinishReason]:
    return [event.reason for event in events(codec, *frames) if isinstance(event, Finished)]


@pytest.mark.parametrize("word", NO_WORDS)
@pytest.mark.parametrize(
    ("codec", "body"),
    [
        (CHAT, lambda word: {"choices": [{"message": {"tool_calls": [CALL]}, "finish_reason": word}]}),
        (MESSAGES, lambda word: {"content": [USE], "stop_reason": word}),
        (GEMINI, lambda word: gemini({"functionCall": {"name": "f", "args": {}}}, finish=word)),
        (CONVERSE, lambda word: converse([CONVERSE_USE]) | {"stopReason": word}),
    ],
)
def test_an_answer_with_a_call_and_without_a_word_calls(codec: UpstreamCodec, body: Any, word: Any) -> None:
    assert read(codec, body(word)).choices[0].finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("word", NO_WORDS)
@pytest.mark.parametrize(("content", "reason"), [(USE, FinishReason.TOOL_CALLS), (TEXT, FinishReason.STOP)])
def test_a_messages_stream_without_a_word_ends_as_it_came(content: Json, reason: FinishReason, word: Any) -> None:
    assert events(MESSAGES, *messages_stream(content, word))[-2:] == [Finished(reason), Ended()]


@pytest.mark.parametrize("word", NO_WORDS)
@pytest.mark.parametrize(("content", "reason"), [(USE, "tool_use"), (TEXT, "end_turn")])
def test_a_forwarded_messages_answer_without_a_word_gets_one(content: Json, reason: str, word: Any) -> None:
    body = orjson.dumps({"content": [content], "stop_reason": word})
    assert orjson.loads(MESSAGES_CLIENT.forward_response(body, STAMP, EXTENSION))["stop_reason"] == reason
    out = MESSAGES_CLIENT.stream_encoder(
        MESSAGES_CLIENT.decode_request(b'{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}]}'),
        STAMP,
    )
    frames = MESSAGES.stream_decoder("n1").feed(b"".join(messages_stream(content, word)))
    stream = b"".join(map(out.forward, frames)) + out.finish(EXTENSION)
    ends = [data["delta"] for frame in SSEDecoder().feed(stream) if "delta" in (data := orjson.loads(frame.data))]
    assert ends[-1]["stop_reason"] == reason


@pytest.mark.parametrize(
    "word",
    [
        "UNEXPECTED_TOOL_CALL",
        "MALFORMED_FUNCTION_CALL",
        "TOO_MANY_TOOL_CALLS",
        "FINISH_REASON_UNSPECIFIED",
        "OTHER",
        "MALFORMED_RESPONSE",
    ],
)
def test_a_finish_word_for_bad_output_beside_a_readable_call_is_a_tool_call(word: str) -> None:
    body = gemini({"functionCall": {"name": "f", "args": {}}}, finish=word)
    assert read(GEMINI, body).choices[0].finish_reason is FinishReason.TOOL_CALLS
    assert reasons(GEMINI, sse_event(orjson.dumps(body))) == [FinishReason.TOOL_CALLS]


@pytest.mark.parametrize("word", ["malformed_model_output", "malformed_tool_use"])
def test_a_stop_reason_for_bad_output_beside_a_readable_call_is_a_tool_call(word: str) -> None:
    assert read(CONVERSE, converse([CONVERSE_USE]) | {"stopReason": word}).choices[0].finish_reason is (
        FinishReason.TOOL_CALLS
    )


@pytest.mark.parametrize("word", ["error", "length"])
def test_a_word_for_an_end_before_the_end_counts_for_more_than_a_call(word: str) -> None:
    (reason,) = reasons(CHAT, chunk({"tool_calls": [CALL]}, word), b"data: [DONE]\n\n")
    assert reason == word


@pytest.mark.parametrize(
    ("codec", "body", "frames"),
    [
        (CHAT, chat({"content": "x"}), [chunk({"content": "x"}, "tool_calls")]),
        (CHAT, chat({"content": "x", "tool_calls": [None]}), [chunk({"tool_calls": [None]}, "function_call")]),
        (MESSAGES, {"content": [TEXT], "stop_reason": "tool_use"}, messages_stream(TEXT, "tool_use")),
        (
            CONVERSE,
            converse([{"text": "x"}]) | {"stopReason": "tool_use"},
            [converse_event("messageStop", {"stopReason": "tool_use"})],
        ),
    ],
)
def test_a_word_that_promises_calls_where_there_is_none_is_a_plain_end(
    codec: UpstreamCodec, body: Json, frames: list[bytes]
) -> None:
    if codec is CHAT:
        body["choices"][0]["finish_reason"] = "tool_calls"
    assert read(codec, body).choices[0].finish_reason is FinishReason.STOP
    assert reasons(codec, *frames) == [FinishReason.STOP]
