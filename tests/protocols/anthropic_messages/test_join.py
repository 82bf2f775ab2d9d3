"""Tests that a stream joined into one message equals the official SDK's sum of the same stream."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.target import Profile, Target
from gateway.framing.sse import sse_event
from gateway.protocols.anthropic_messages import CLIENT, UPSTREAM
from gateway.protocols.anthropic_messages.join import join
from tests.protocols.anthropic_messages.test_recordings import recordings
from tests.recorded import body as body_of

GOLDENS = Path(__file__).parents[2] / "golden" / "anthropic_messages"
# The SDK omits members that it does not know, so they are removed from ours below.
KNOWN = ["cached", "refusal", "server_tool", "text", "thinking", "tools"]
TARGET = Target("m", Profile("plain"), 4096)
ASKED: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}

Serve = Callable[[bytes, str], anthropic.Anthropic]


def joined(stream: bytes) -> Any:
    decoder = UPSTREAM.stream_decoder()
    return orjson.loads(join(decoded.frame for decoded in [*decoder.feed(stream), *decoder.flush()]))


def summed_up(served: Serve, stream: bytes) -> Any:
    """Returns the SDK's sum of a stream, which contains added nulls."""
    with served(stream, "text/event-stream").messages.stream(**ASKED) as events:
        return without_nulls(events.get_final_message().to_dict(exclude_unset=True))


def without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {name: without_nulls(member) for name, member in value.items() if member is not None}
        case list():
            return [without_nulls(element) for element in value]
        case _:
            return value


@pytest.mark.parametrize("name", KNOWN)
def test_a_joined_golden_is_what_the_sdk_sums_up(served: Serve, name: str) -> None:
    stream = (GOLDENS / f"{name}.sse").read_bytes()
    assert without_nulls(joined(stream)) == summed_up(served, stream)


@pytest.mark.parametrize("recording", recordings(stream=True))
def test_a_joined_recording_is_what_the_sdk_sums_up(served: Serve, recording: Any) -> None:
    stream = body_of(recording)
    assert without_nulls(joined(stream)) == summed_up(served, stream)


def test_blocks_and_deltas_of_tomorrow_are_kept() -> None:
    message = joined((GOLDENS / "unknown.sse").read_bytes())
    assert message["content"] == [{"type": "hologram", "depth": 3}, {"type": "text", "text": "ok", "glow": 1}]


def test_a_call_that_the_bound_cut_short_has_no_input() -> None:
    events: list[Any] = [
        {"type": "message_start", "message": {"id": "m", "content": [], "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "name": "f", "input": {}}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": '{"city":"P'},
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ]
    message = joined(b"".join(sse_event(orjson.dumps(event), event["type"]) for event in events))
    assert message == {
        "id": "m",
        "content": [{"type": "tool_use", "name": "f", "input": {}}],
        "stop_reason": "max_tokens",
        "usage": {"input_tokens": 1, "output_tokens": 3},
    }


@pytest.mark.parametrize("own", [b"", b',"stream":false'])
def test_a_stream_is_asked_for_as_one_although_the_callers_bytes_ask_for_a_whole_answer(own: bytes) -> None:
    source = b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]' + own + b"}"
    request = replace(CLIENT.decode_request(source), stream=True)
    assert orjson.loads(UPSTREAM.encode_request(request, TARGET))["stream"] is True
