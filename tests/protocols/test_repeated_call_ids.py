"""Tests of one call id that a provider gives to several calls: an answer of the same wire tells them apart."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.canonical.response import Extension, Stamp
from gateway.canonical.tries import Tried
from gateway.framing.sse import sse_event
from gateway.protocols.gemini import UPSTREAM as GEMINI
from gateway.protocols.gemini.address import parse_address
from gateway.protocols.gemini.codec import GeminiClient
from gateway.protocols.openai_responses import CLIENT as RESPONSES_CLIENT
from gateway.protocols.openai_responses import UPSTREAM as RESPONSES

Json = dict[str, Any]
STAMP, EXTENSION = Stamp("resp_nxn-n1", "m", 5), Extension("gen-nxn-n1", "m", (Tried("m", "p", "served"),), "miss", "0")
GEMINI_CLIENT = GeminiClient(parse_address("/v1beta/models/m:streamGenerateContent", {"alt": "sse"}))


def item(identity: str | None, **members: Any) -> Json:
    return {"type": "function_call", "id": identity, "call_id": "c", "name": "f", "arguments": "{}", **members}


def candidates(*calls: Json) -> Json:
    parts = [{"functionCall": {"name": "f", **call}} for call in calls]
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}


def ids(chunk: Json) -> list[str | None]:
    return [part["functionCall"].get("id") for part in chunk["candidates"][0]["content"]["parts"]]


def test_calls_of_a_responses_answer() -> None:
    body = {"id": "r", "output": [item("fc_1"), {"type": "message"}, item("fc_2"), item(None), item(None)]}
    told = orjson.loads(RESPONSES_CLIENT.forward_response(orjson.dumps(body), STAMP, EXTENSION))["output"]
    called = [each["call_id"] for each in told if each["type"] == "function_call"]
    assert called == ["c", "call_n1_1", "call_n1_2", "call_n1_3"]


def test_calls_of_a_responses_stream_have_the_same_id_in_every_event() -> None:
    calls = [item("fc_1"), item("fc_2")]
    sent: list[Json] = [
        {"type": f"response.output_item.{step}", "output_index": place, "item": call}
        for place, call in enumerate(calls)
        for step in ("added", "done")
    ]
    sent.append({"type": "response.completed", "response": {"id": "r", "status": "completed", "output": calls}})
    decoder = RESPONSES.stream_decoder("n1")
    request = RESPONSES_CLIENT.decode_request(b'{"model":"m","input":"hi","stream":true}')
    encoder = RESPONSES_CLIENT.stream_encoder(request, STAMP)
    frames = [frame for event in sent for frame in decoder.feed(sse_event(orjson.dumps(event), event["type"]))]
    out = b"".join(encoder.forward(frame) for frame in frames) + encoder.finish(EXTENSION)
    events = [orjson.loads(line[6:]) for line in out.split(b"\n") if line.startswith(b"data: {")]
    assert [event["item"]["call_id"] for event in events if "item" in event] == ["c", "c", "call_n1_1", "call_n1_1"]
    assert [call["call_id"] for call in events[-1]["response"]["output"]] == ["c", "call_n1_1"]


def test_calls_of_a_gemini_answer() -> None:
    body = orjson.dumps(candidates({"id": "c"}, {"id": "c", "args": {"n": 1}}, {}))
    assert ids(orjson.loads(GEMINI_CLIENT.forward_response(body, STAMP, EXTENSION))) == ["c", "call_n1_1", None]


def test_calls_of_a_gemini_stream() -> None:
    decoder = GEMINI.stream_decoder("n1")
    encoder = GEMINI_CLIENT.stream_encoder(
        GEMINI_CLIENT.decode_request(b'{"contents":[{"parts":[{"text":"hi"}]}]}'), STAMP
    )
    pieces = {"id": "d", "willContinue": True}
    told = b""
    for chunk in (candidates({"id": "c"}), candidates(pieces, pieces), candidates({"id": "c"})):
        told += b"".join(map(encoder.forward, decoder.feed(sse_event(orjson.dumps(chunk)))))
    told += encoder.finish(EXTENSION)
    chunks = [orjson.loads(line[6:]) for line in told.splitlines() if line.startswith(b"data: ")]
    assert [identity for chunk in chunks for identity in ids(chunk)] == ["c", "d", "d", "call_n1_1"]
