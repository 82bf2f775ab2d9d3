"""Tests of pictures that a model makes in a conversation: each wire shows them, and they are paid as pictures."""

from typing import Any

import anthropic.types
import openai.types.chat
import openai.types.responses
import orjson
import pytest
from google.genai import types as google

from gateway.canonical.codec import ClientCodec
from gateway.canonical.events import delivered_bytes
from gateway.canonical.models import STANDARD_SALE
from gateway.canonical.money import Tier
from gateway.canonical.response import ChatResponse, Extension, Stamp
from gateway.canonical.usage import Usage
from gateway.ledger.prices import cost, parse_price, terms
from gateway.protocols import anthropic_messages, gemini, openai_chat, openai_responses
from gateway.protocols.shared.pictures import PICTURE_BYTES, picture_in

STAMP = Stamp("resp_nxn-1", "m", 5)
EXTENSION = Extension("gen-nxn-1", "gemini-2.5-flash-image", (), "miss", "0.04")
INLINE = {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}
USAGE = {
    "promptTokenCount": 7,
    "candidatesTokenCount": 1295,
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
    "totalTokenCount": 1302,
}
URL = "data:image/png;base64,QUJD"
HELLO: dict[str, dict[str, Any]] = {
    "openai_chat": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    "anthropic_messages": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]},
    "openai_responses": {"model": "m", "input": "hi"},
}


def answered(*parts: Any) -> ChatResponse:
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0}
    body = {"candidates": [candidate], "usageMetadata": USAGE, "responseId": "r", "modelVersion": "m"}
    return gemini.UPSTREAM.decode_response(orjson.dumps(body), "r")


def whole(wire: ClientCodec, *parts: Any) -> Any:
    return orjson.loads(wire.encode_response(answered(*parts), STAMP, EXTENSION))


def streamed(wire: ClientCodec, *parts: Any) -> list[Any]:
    """Returns the events of a stream that Gemini sent, as another wire shows them."""
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": "STOP"}
    body = {"candidates": [candidate], "usageMetadata": USAGE, "responseId": "r", "modelVersion": "m"}
    decoder = gemini.UPSTREAM.stream_decoder("r")
    decoded = [*decoder.feed(b"data: %b\n\n" % orjson.dumps(body)), *decoder.flush()]
    request = wire.decode_request(orjson.dumps(HELLO[wire.protocol] | {"stream": True}))
    encoder = wire.stream_encoder(request, STAMP)
    out = b"".join(encoder.encode(event) for each in decoded for event in each.events) + encoder.finish(EXTENSION)
    lines = [line.removeprefix(b"data: ") for line in out.split(b"\n") if line.startswith(b"data: ")]
    return [orjson.loads(line) for line in lines if line != b"[DONE]"]


def test_openais_chat_has_pictures_beside_the_text() -> None:
    message = whole(openai_chat.CLIENT, {"text": "Here: "}, INLINE)["choices"][0]["message"]
    assert message["content"] == "Here: "
    assert message["images"] == [{"index": 0, "type": "image_url", "image_url": {"url": URL}}]
    read = openai.types.chat.ChatCompletionMessage.model_validate(message)
    assert (read.model_extra or {})["images"][0]["image_url"]["url"] == URL
    assert "images" not in whole(openai_chat.CLIENT, {"text": "none"})["choices"][0]["message"]


def test_openais_chat_streams_each_picture_with_its_place() -> None:
    deltas = [choice["delta"] for chunk in streamed(openai_chat.CLIENT, INLINE, INLINE) for choice in chunk["choices"]]
    images = [image for delta in deltas for image in delta.get("images", ())]
    assert [(image["index"], image["image_url"]["url"]) for image in images] == [(0, URL), (1, URL)]


def test_responses_has_an_item_of_the_picture() -> None:
    (item,) = [one for one in whole(openai_responses.CLIENT, INLINE)["output"] if one["type"] != "message"]
    read = openai.types.responses.response_output_item.ImageGenerationCall.model_validate(item)
    assert (read.status, read.result) == ("completed", "QUJD")
    events = streamed(openai_responses.CLIENT, {"text": "Here"}, INLINE)
    done = [event["item"]["type"] for event in events if event["type"] == "response.output_item.done"]
    assert done == ["message", "image_generation_call"]


def test_messages_has_the_picture_in_a_text() -> None:
    content = whole(anthropic_messages.CLIENT, INLINE)["content"]
    assert content == [{"type": "text", "text": f"![picture]({URL})"}]
    anthropic.types.TextBlock.model_validate(content[0])
    events = streamed(anthropic_messages.CLIENT, {"text": "Here"}, INLINE)
    texts = [event["delta"]["text"] for event in events if event["type"] == "content_block_delta"]
    assert texts == ["Here", f"![picture]({URL})"]


def test_gemini_has_openais_item_as_inline_data() -> None:
    item = {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "QUJD"}
    body = {"id": "resp_1", "object": "response", "status": "completed", "output": [item], "model": "m"}
    response = openai_responses.UPSTREAM.decode_response(orjson.dumps(body), "r")
    shown = orjson.loads(gemini.CLIENT.encode_response(response, STAMP, EXTENSION))
    read = google.GenerateContentResponse.model_validate({"candidates": shown["candidates"]})
    assert read.candidates is not None
    content = read.candidates[0].content
    assert content is not None
    assert content.parts is not None
    assert content.parts[0].inline_data == google.Blob(data=b"ABC", mime_type="image/png")


@pytest.mark.parametrize(
    "text",
    ['{"inlineData":{"mimeType":"audio/wav","data":"QUJD"}}', '{"executableCode":{}}', '{"inlineData":{}}', "{}"],
)
def test_what_is_no_picture_is_shown_as_none(text: str) -> None:
    assert picture_in(text) is None


def test_a_picture_is_paid_as_one_and_counts_as_one_where_its_stream_is_cut() -> None:
    usage = answered(INLINE).usage
    assert usage == Usage(input=7, output=1295, image_output=1290)
    price = parse_price({"input": "0.30", "output": "2.50", "image_output": "30"})
    agreed = terms(Tier.PASSTHROUGH, price, STANDARD_SALE)
    assert cost(usage, agreed) == (7 * 300 + 5 * 2_500 + 1290 * 30_000) * 105 // 100
    decoder = gemini.UPSTREAM.stream_decoder("r")
    candidate = {"content": {"parts": [INLINE]}}
    (decoded,) = decoder.feed(b"data: %b\n\n" % orjson.dumps({"candidates": [candidate]}))
    assert sum(map(delivered_bytes, decoded.events)) == PICTURE_BYTES
