"""Tests of google-genai for Python with the streams and answers that are built for it."""

from collections.abc import Iterator

import orjson
import pytest
from google.genai import errors

from gateway.canonical.codec import StreamEncoder
from gateway.canonical.events import (
    Event,
    Finished,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.parts import Text, ToolCall
from gateway.canonical.response import ChatResponse, Choice, Extension, FinishReason, Stamp
from gateway.canonical.tries import Tried
from gateway.canonical.usage import Usage
from gateway.errors import InvalidRequest, UpstreamTimeout
from gateway.protocols.gemini import CLIENT
from tests.protocols.gemini.sdk_reader import Reader, reader

STAMP = Stamp(response_id="nxn-1", model="nexevo/fast", created_s=5)
EXTENSION = Extension("gen-nxn-1", "gemini-2.5-flash", (Tried("gemini-2.5-flash", "p", "served"),), "miss", "0.001")
AT = "/v1beta/models/m:streamGenerateContent"
SAID: list[Event] = [
    Started("up", "m"),
    ThinkingDelta("hm", 0),
    ThinkingDelta("", 0, signature="EqoB+/==", signed_by="anthropic_messages"),
    TextDelta("Hi ", 1),
    TextDelta("\u2028you", 1),
    ToolCallStarted("toolu_1", "f", 0, 2),
    ToolCallDelta('{"x":', 0, 2),
    ToolCallStarted("toolu_2", "g", 1, 3),
    ToolCallDelta("1}", 0, 2),
    Finished(FinishReason.TOOL_CALLS),
    UsageReported(Usage(input=3, cache_read=2, output=7, reasoning=4)),
]


@pytest.fixture(scope="module")
def sdk() -> Iterator[Reader]:
    with reader() as found:
        yield found


def encoder() -> StreamEncoder:
    codec = CLIENT.at(AT, {"alt": "sse"})
    return codec.stream_encoder(codec.decode_request(b'{"contents":[{"parts":[{"text":"hi"}]}]}'), STAMP)


def stream(between: bytes = b"") -> bytes:
    out = encoder()
    pieces = [out.encode(event) for event in SAID]
    return between.join([piece for piece in pieces if piece] + [out.finish(EXTENSION)])


def test_a_bridged_stream_reads_as_it_was_said(sdk: Reader) -> None:
    read = sdk.stream(stream())
    assert (read.text, read.thoughts, read.finish) == ("Hi \u2028you", "hm", "STOP")
    assert read.calls == [("toolu_1", "f", {"x": 1}), ("toolu_2", "g", {})]
    assert read.usage is not None
    assert (
        read.usage.prompt_token_count,
        read.usage.cached_content_token_count,
        read.usage.candidates_token_count,
        read.usage.thoughts_token_count,
        read.usage.total_token_count,
    ) == (5, 2, 3, 4, 12)


def test_silence_is_filled_without_harm(sdk: Reader) -> None:
    keep_alive = CLIENT.at(AT, {"alt": "sse"}).keep_alive
    assert sdk.stream(stream(between=keep_alive)) == sdk.stream(stream())


def test_a_comment_would_break_it(sdk: Reader) -> None:
    with pytest.raises(errors.UnknownApiResponseError):
        sdk.stream(stream(between=b": NX\n\n"))


def test_a_chat_keeps_the_turn_in_its_history(sdk: Reader) -> None:
    history = sdk.chat(stream())
    assert [content.role for content in history][0:2] == ["user", "model"]
    said = "".join(part.text or "" for content in history[1:] for part in content.parts or [] if not part.thought)
    assert said == "Hi \u2028you"


def test_a_failure_in_a_stream_raises(sdk: Reader) -> None:
    out = encoder()
    body = out.encode(TextDelta("Hi", 0)) + out.fail(UpstreamTimeout("Silence."))
    chunks = sdk.chunks(body)
    assert next(chunks).text == "Hi"
    with pytest.raises(errors.ServerError) as caught:
        next(chunks)
    assert (caught.value.code, caught.value.status, caught.value.message) == (504, "DEADLINE_EXCEEDED", "Silence.")


def test_a_refusal_raises_with_its_message(sdk: Reader) -> None:
    with pytest.raises(errors.ClientError) as caught:
        sdk.whole(CLIENT.encode_error(InvalidRequest("Bad.", param="contents"), "req"), status=400)
    assert (caught.value.code, caught.value.status, caught.value.message) == (400, "INVALID_ARGUMENT", "Bad.")


def test_a_bridged_answer_reads_as_it_was_said(sdk: Reader) -> None:
    parts = (Text("Hi"), ToolCall("c1", "f", '{"a": 1}'))
    choice = Choice(0, parts, FinishReason.TOOL_CALLS)
    response = ChatResponse("u", "m", None, (choice,), Usage(input=1, output=2))
    read = sdk.whole(CLIENT.encode_response(response, STAMP, EXTENSION))
    assert (read.text, read.calls, read.finish) == ("Hi", [("c1", "f", {"a": 1})], "STOP")
    assert orjson.loads(CLIENT.encode_response(response, STAMP, EXTENSION))["nexevo"] == EXTENSION.as_json()
