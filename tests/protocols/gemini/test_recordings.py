"""Tests with recorded traffic of Google's two APIs and of other wires: our sample, and the real traffic."""

import importlib
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
import pytest

from gateway.canonical.codec import Decoded, UpstreamCodec
from gateway.canonical.events import (
    Ended,
    Event,
    Failed,
    Finished,
    Started,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.parts import Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Extension, Stamp
from gateway.canonical.target import Profile, Target
from gateway.canonical.tries import Tried
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError
from gateway.protocols.gemini import CLIENT, UPSTREAM
from gateway.protocols.gemini.answer import encode_finish_reason
from gateway.protocols.gemini.encode_contents import object_written
from tests.cuttings import cut, cuttings
from tests.protocols.gemini.sdk_reader import Read, Reader, reader
from tests.recorded import body, files, read_recording

STAMP = Stamp(response_id="nxn-1", model="asked", created_s=1)
EXTENSION = Extension("gen-nxn-1", "used", (Tried("used", "p", "served"),), "miss", "0.01")
SSE = CLIENT.at("/v1beta/models/m:streamGenerateContent", {"alt": "sse"})
REQUEST = SSE.decode_request(b'{"contents":[{"parts":[{"text":"hi"}]}]}')
# Wires of other vendors: the folder of a provider's API, and our decoder of it.
FOREIGN = {
    "*/chat*": "openai_chat",
    "anthropic/messages": "anthropic_messages",
    "openai/responses": "openai_responses",
    "bedrock/converse*": "bedrock_converse",
}


@pytest.fixture(scope="module")
def sdk() -> Iterator[Reader]:
    with reader() as found:
        yield found


def load(pattern: str) -> Iterator[tuple[str, Any]]:
    for path in files(f"{pattern}/*.json"):
        yield f"{path.parts[-3]}-{path.stem}", read_recording(path)


def is_stream(recording: Any) -> bool:
    return "streamGenerateContent" in recording["request"]["path"]


def recordings(*, stream: bool, ok: bool = True) -> list[Any]:
    return [
        pytest.param(recording, id=name)
        for name, recording in load("*/generateContent")
        if is_stream(recording) == stream and (recording["response"]["status"] == 200) == ok
    ]


def bridged(*, stream: bool) -> list[Any]:
    """Lists recordings of wires that have a decoder here."""
    found = []
    for pattern, protocol in FOREIGN.items():
        if importlib.util.find_spec(f"gateway.protocols.{protocol}") is None:
            continue
        for name, recording in load(pattern):
            if recording["stream"] == stream and recording["response"]["status"] == 200:
                found.append(pytest.param(protocol, recording, id=f"{protocol}-{name}"))
    return found


def decoded(codec: UpstreamCodec, pieces: Iterable[bytes]) -> list[Decoded]:
    decoder = codec.stream_decoder()
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    return frames + decoder.flush()


def events(frames: Iterable[Decoded]) -> list[Event]:
    return [event for frame in frames for event in frame.events]


def forwarded(frames: Iterable[Decoded]) -> bytes:
    encoder = SSE.stream_encoder(REQUEST, STAMP)
    return b"".join([encoder.forward(frame) for frame in frames]) + encoder.finish(EXTENSION)


def encoded(found: Iterable[Event]) -> bytes:
    encoder = SSE.stream_encoder(REQUEST, STAMP)
    return b"".join([encoder.encode(event) for event in found]) + encoder.finish(EXTENSION)


def as_sse(recording: Any) -> bytes:
    """Returns the stream as the SDK requests it, for both recorded framings."""
    text = body(recording)
    if not text.lstrip().startswith(b"["):
        return text
    return b"".join(b"data: " + orjson.dumps(chunk) + b"\r\n\r\n" for chunk in orjson.loads(text))


@pytest.mark.parametrize("recording", recordings(stream=True))
def test_a_recorded_stream_means_the_same_however_it_is_cut(recording: Any) -> None:
    data = body(recording)
    whole = decoded(UPSTREAM, [data])
    assert isinstance(events(whole)[-1], Ended)
    for places in cuttings(data):
        assert decoded(UPSTREAM, cut(data, places)) == whole


@pytest.mark.parametrize("recording", recordings(stream=True))
def test_a_recorded_stream_is_forwarded_with_nothing_but_the_names_edited(recording: Any) -> None:
    sent = [
        orjson.loads(event[6:]) for event in forwarded(decoded(UPSTREAM, [body(recording)])).split(b"\r\n\r\n")[:-1]
    ]
    names = {"responseId": "nxn-1", "modelVersion": "asked"}
    originals = [orjson.loads(event[6:]) | names for event in as_sse(recording).split(b"\r\n\r\n")[:-1]]
    originals[-1]["nexevo"] = EXTENSION.as_json()
    assert sent == originals


@pytest.mark.parametrize("recording", recordings(stream=True))
def test_the_sdk_reads_a_recorded_stream_as_the_original(recording: Any, sdk: Reader) -> None:
    frames = decoded(UPSTREAM, [body(recording)])
    original = sdk.stream(as_sse(recording))
    assert sdk.stream(forwarded(frames)) == original
    assert_alike(sdk.stream(encoded(events(frames))), original)


@pytest.mark.parametrize("recording", recordings(stream=False))
def test_the_sdk_reads_a_recorded_answer_as_the_original(recording: Any, sdk: Reader) -> None:
    original = sdk.whole(body(recording))
    assert sdk.whole(CLIENT.forward_response(body(recording), STAMP, EXTENSION)) == original
    response = UPSTREAM.decode_response(body(recording))
    anew = sdk.whole(CLIENT.encode_response(response, STAMP, EXTENSION))
    if "promptFeedback" in orjson.loads(body(recording)):
        # A blocked prompt has no candidate in the original, and a filtered candidate in the built answer.
        assert (anew.finish, original.finish) == ("SAFETY", None)
        return
    assert_alike(anew, original)


def assert_alike(anew: Read, original: Read) -> None:
    """Checks that a user reads the same: added ids and missing counts that only Google makes are accepted."""
    assert (anew.text, anew.thoughts, anew.signatures) == (original.text, original.thoughts, original.signatures)
    assert [call[1:] for call in anew.calls] == [call[1:] for call in original.calls]
    assert all(known in (None, made) for (made, *_), (known, *_) in zip(anew.calls, original.calls, strict=True))
    # A call that can be read is one, expected by the vendor or not; Gemini ends an answer with calls by STOP.
    unexpected = "STOP" if original.calls else "MALFORMED_FUNCTION_CALL"
    assert anew.finish == (unexpected if original.finish == "UNEXPECTED_TOOL_CALL" else original.finish)
    assert anew.usage is not None
    assert original.usage is not None
    fed_back = original.usage.tool_use_prompt_token_count or 0
    assert anew.usage.prompt_token_count == (original.usage.prompt_token_count or 0) + fed_back
    for name in ("candidates_token_count", "thoughts_token_count", "cached_content_token_count", "total_token_count"):
        assert (getattr(anew.usage, name) or 0) == (getattr(original.usage, name) or 0)


@pytest.mark.parametrize("recording", recordings(stream=False))
def test_a_recorded_answer_counts_what_the_provider_counted(recording: Any) -> None:
    told = orjson.loads(body(recording))["usageMetadata"]
    usage = UPSTREAM.decode_response(body(recording)).usage
    assert (usage.total if usage else None) == told.get("totalTokenCount")


@pytest.mark.parametrize("recording", recordings(stream=False, ok=False))
def test_a_recorded_refusal_is_one_of_our_errors_without_an_address(recording: Any) -> None:
    response = recording["response"]
    error = UPSTREAM.decode_error(response["status"], response["headers"], body(recording))
    assert isinstance(error, GatewayError)
    assert "http" not in error.message


@pytest.mark.parametrize("recording", [*recordings(stream=False), *recordings(stream=True)])
def test_a_recorded_request_decodes_and_is_forwarded_as_it_came(recording: Any) -> None:
    source = orjson.dumps(recording["request"]["body"])
    codec = CLIENT.at(recording["request"]["path"], {"alt": "sse"} if recording["request"]["query"] else {})
    request = codec.decode_request(source)
    assert (request.model, request.stream) == (recording["model"], is_stream(recording))
    assert UPSTREAM.encode_request(request, Target("up", Profile("p"), 65_536)) == source


def codec_of(protocol: str) -> UpstreamCodec:
    codec: UpstreamCodec = importlib.import_module(f"gateway.protocols.{protocol}").UPSTREAM
    return codec


def runnable(calls: list[ToolCall]) -> list[tuple[str, str, dict[str, Any]]]:
    """Lists the calls that this wire can show. A call whose arguments are no object is reported in the finish."""
    shown = [call for call in calls if call.custom or object_written(call.arguments) is not None]
    return [(call.id, call.name, arguments_of(call)) for call in shown]


def arguments_of(call: ToolCall) -> dict[str, Any]:
    found: dict[str, Any] = {"input": call.arguments} if call.custom else orjson.loads(call.arguments or "{}")
    return found


@pytest.mark.parametrize(("protocol", "recording"), bridged(stream=True))
def test_the_sdk_reads_another_wires_stream_as_it_was_said(protocol: str, recording: Any, sdk: Reader) -> None:
    found = [
        event for event in events(decoded(codec_of(protocol), [body(recording)])) if getattr(event, "choice", 0) == 0
    ]
    if isinstance(found[-1], Failed):
        pytest.skip("the provider's own failure")
    read = sdk.stream(encoded(found))
    calls: dict[int, ToolCall] = {}
    pieces: dict[int, str] = {}
    for event in found:
        if isinstance(event, ToolCallStarted):
            calls[event.index] = ToolCall(event.id, event.name, "", custom=event.custom)
        if isinstance(event, ToolCallDelta):
            pieces[event.index] = pieces.get(event.index, "") + event.arguments
    whole = [ToolCall(call.id, call.name, pieces.get(index, ""), custom=call.custom) for index, call in calls.items()]
    assert read.text == "".join(said_in(event) for event in found)
    assert read.thoughts == "".join(event.text for event in found if isinstance(event, ThinkingDelta))
    assert read.calls == runnable(whole)
    if len(read.calls) == len(whole):
        # A provider that ends without a reason ended by itself.
        finishes = [encode_finish_reason(event.reason) for event in found if isinstance(event, Finished)]
        assert read.finish == (finishes or ["STOP"])[0]
    reported = [event.usage for event in found if isinstance(event, UsageReported | Started) and event.usage]
    assert_counted(read, reported[-1] if reported else None)


def said_in(event: Event) -> str:
    """Returns the text of an event, including a refusal, which this wire sends as text."""
    return event.text if type(event).__name__ in {"TextDelta", "RefusalDelta"} and hasattr(event, "text") else ""


@pytest.mark.parametrize(("protocol", "recording"), bridged(stream=False))
def test_the_sdk_reads_another_wires_answer_as_it_was_said(protocol: str, recording: Any, sdk: Reader) -> None:
    try:
        response: ChatResponse = codec_of(protocol).decode_response(body(recording))
    except GatewayError:
        pytest.skip("the provider's own failure")
    read = sdk.whole(CLIENT.encode_response(response, STAMP, EXTENSION))
    choice = response.choices[0]
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    said = [part.text for part in choice.parts if type(part).__name__ in {"Text", "Refusal"} and hasattr(part, "text")]
    assert read.text == "".join(said)
    assert read.thoughts == "".join(part.text for part in choice.parts if isinstance(part, Thinking))
    assert read.calls == runnable(calls)
    if len(read.calls) == len(calls):
        assert read.finish == encode_finish_reason(choice.finish_reason)
    assert_counted(read, response.usage)


def assert_counted(read: Read, usage: Usage | None) -> None:
    if usage is None:
        assert read.usage is None
        return
    assert read.usage is not None
    told = (read.usage.prompt_token_count, read.usage.total_token_count, read.usage.thoughts_token_count or 0)
    assert told == (usage.prompt, usage.total, usage.reasoning)
    assert (read.usage.cached_content_token_count or 0) == usage.cache_read
