"""Tests with answers whose words are objects, and whose objects are null: that is never the gateway's fault."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.canonical.codec import ClientCodec, UpstreamCodec
from gateway.canonical.events import Failed, TextDelta
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.tries import Tried
from gateway.errors import UnreadableAnswer
from gateway.framing.sse import sse_event
from gateway.protocols.anthropic_messages import UPSTREAM as MESSAGES
from gateway.protocols.bedrock_converse import UPSTREAM as CONVERSE
from gateway.protocols.gemini import UPSTREAM as GEMINI
from gateway.protocols.gemini.address import parse_address
from gateway.protocols.gemini.codec import GeminiClient
from gateway.protocols.openai_chat import CLIENT as CHAT_CLIENT
from gateway.protocols.openai_chat import UPSTREAM as CHAT
from gateway.protocols.openai_responses import CLIENT as RESPONSES_CLIENT
from gateway.protocols.openai_responses import UPSTREAM as RESPONSES
from tests.protocols.bedrock_converse.streams import event as converse_event

Json = dict[str, Any]
STAMP, EXTENSION = (
    Stamp("chatcmpl-nxn-n1", "m", 5),
    Extension("gen-nxn-n1", "m", (Tried("m", "p", "served"),), "miss", "0"),
)
GEMINI_CLIENT = GeminiClient(parse_address("/v1beta/models/m:generateContent", {}))
CLIENTS: list[ClientCodec] = [CHAT_CLIENT, RESPONSES_CLIENT, GEMINI_CLIENT]


def choice(message: Json, **members: Any) -> Json:
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop", **members}]}


def output(*items: Any, status: Any = "completed") -> Json:
    return {"id": "r", "status": status, "output": items}


def said(content: Any) -> Json:
    return {"type": "message", "content": [content]}


TOKEN = {"token": "hi", "logprob": -0.5, "bytes": None}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.protocol)
@pytest.mark.parametrize(
    ("codec", "body"),
    [
        (CHAT, choice({"content": [{"type": {}, "text": "hi"}]})),
        (CHAT, choice({"content": "hi"}, logprobs=[])),
        (CHAT, choice({"content": "hi"}, logprobs={"content": 5})),
        (CHAT, choice({"content": "hi"}, logprobs={"content": [None, {}, TOKEN | {"top_logprobs": [{}, "x"]}]})),
        (RESPONSES, output(said({"type": {}, "text": "hi"}))),
        (RESPONSES, output(said({"type": "output_text", "text": "hi", "logprobs": [{}]}))),
        (RESPONSES, output(None, {}, {"type": None})),
        (RESPONSES, output({"type": "web_search_call", "action": {"type": {}}})),
        (MESSAGES, {"content": [], "usage": {"input_tokens": 1, "iterations": [{"type": {}}]}}),
    ],
)
def test_an_odd_type_costs_nothing_but_itself(codec: UpstreamCodec, body: Json, client: ClientCodec) -> None:
    response = codec.decode_response(orjson.dumps(body), "n1")
    assert client.encode_response(response, STAMP, EXTENSION)


def test_a_status_that_is_no_word_cannot_be_read() -> None:
    with pytest.raises(UnreadableAnswer):
        RESPONSES.decode_response(orjson.dumps(output(said("hi"), status={})))


def test_a_token_with_its_score_is_kept_beside_what_is_none() -> None:
    scored = choice({"content": "hi"}, logprobs={"content": [{}, TOKEN | {"top_logprobs": [{}, TOKEN]}]})
    (kept,) = CHAT.decode_response(orjson.dumps(scored)).choices
    assert kept.logprobs == {"content": [TOKEN | {"top_logprobs": [TOKEN]}]}


@pytest.mark.parametrize(
    ("codec", "frame"),
    [
        (RESPONSES, {"type": "response.output_item.added", "item": {"type": {}}}),
        (RESPONSES, {"type": "response.output_item.done", "item": said({"type": {}, "text": "hi"})}),
        (RESPONSES, {"type": "response.output_item.done", "item": {"type": "web_search_call", "action": {"type": []}}}),
        (CHAT, {"choices": [{"delta": {}, "logprobs": [5]}]}),
    ],
)
def test_an_odd_type_ends_no_stream(codec: UpstreamCodec, frame: Json) -> None:
    decoded = codec.stream_decoder("n1").feed(sse_event(orjson.dumps(frame)))
    assert not [event for each in decoded for event in each.events if isinstance(event, Failed)]


def test_a_choice_that_is_null_is_dropped_from_its_frame() -> None:
    frame = {"choices": [None, {"index": 0, "delta": {"content": "hi"}}]}
    (decoded,) = CHAT.stream_decoder("n1").feed(sse_event(orjson.dumps(frame)))
    assert [event.text for event in decoded.events if isinstance(event, TextDelta)] == ["hi"]
    assert orjson.loads(decoded.frame) == {"choices": [{"index": 0, "delta": {"content": "hi"}}]}


def test_a_candidate_that_is_null_is_forwarded_beside_one_that_ends() -> None:
    stream = GeminiClient(parse_address("/v1beta/models/m:streamGenerateContent", {"alt": "sse"}))
    encoder = stream.stream_encoder(stream.decode_request(b'{"contents":[{"parts":[{"text":"hi"}]}]}'), STAMP)
    frame = {"candidates": [None, {"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP"}]}
    (decoded,) = GEMINI.stream_decoder("n1").feed(sse_event(orjson.dumps(frame)))
    assert b'"hi"' in encoder.forward(decoded) + encoder.finish(EXTENSION)


@pytest.mark.parametrize("source", [[], "x", 5])
def test_a_source_that_is_no_object_cannot_be_read(source: Any) -> None:
    frame = {"type": "response.output_text.annotation.added", "annotation": source}
    responses = RESPONSES.stream_decoder("n1").feed(sse_event(orjson.dumps(frame)))[-1]
    delta = {"contentBlockIndex": 0, "delta": {"citation": source}}
    converse = CONVERSE.stream_decoder("n1").feed(converse_event("contentBlockDelta", delta))[-1]
    for decoded in (responses, converse):
        (failed,) = decoded.events
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, UnreadableAnswer)
