"""Tests of counted prompts, and of estimates if the provider cannot count."""

import orjson
import pytest

from gateway.canonical.estimate import estimated_input_tokens, estimated_tokens
from gateway.canonical.parts import Document, Image, InlineMedia, Message, RemoteMedia, Text, ToolResult
from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Profile, Target
from gateway.errors import InvalidRequest, UpstreamError
from gateway.protocols.anthropic_messages.count_tokens import (
    decode_count,
    decode_count_request,
    encode_count,
    encode_count_request,
)
from local.providers import anthropic_checks

TARGET = Target("claude-sonnet-4-5", Profile("budget", thinking="budget"), 64_000)
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"system":"s","models":["b"]}'


def test_a_count_needs_no_bound() -> None:
    request = decode_count_request(BODY)
    assert (request.model, request.max_output_tokens, len(request.messages)) == ("m", None, 2)


def test_a_count_is_checked_as_a_message_is() -> None:
    with pytest.raises(InvalidRequest) as raised:
        decode_count_request(b'{"model":"m","messages":[{"role":"tool","content":"hi"}]}')
    assert raised.value.param == "messages[0].role"


def test_the_same_wires_count_goes_through_less_our_own_members() -> None:
    sent = encode_count_request(decode_count_request(BODY), TARGET)
    assert sent == b'{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"hi"}],"system":"s"}'


def test_another_wires_prompt_is_counted_without_what_bounds_its_answer() -> None:
    request = ChatRequest("gemini", "m", (Message("user", (Text("hi"),)),), b"{}", stream=True, user="u")
    body = orjson.loads(encode_count_request(request, TARGET))
    assert body == {
        "model": "claude-sonnet-4-5",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }
    anthropic_checks.check(body, {}, counting=True)


def test_a_count_is_one_number() -> None:
    assert decode_count(encode_count(36)) == 36


@pytest.mark.parametrize("body", [b"", b"{}", b'{"input_tokens":"3"}'])
def test_an_answer_that_counts_nothing_is_an_upstream_error(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        decode_count(body)


@pytest.mark.parametrize(("size", "tokens"), [(0, 0), (1, 1), (3, 1), (4, 2)])
def test_three_bytes_are_about_a_token(size: int, tokens: int) -> None:
    assert estimated_tokens(size) == tokens


def test_media_are_round_figures_for_any_bytes() -> None:
    picture = Image(InlineMedia("Q" * 3000, "image/png"))
    result = ToolResult("c", (picture,))
    parts = (Text("hi"), Image(RemoteMedia("https://e.com")), Document(InlineMedia("Q" * 3000, "application/pdf")))
    source = b"x" * 6300
    request = ChatRequest("gemini", "m", (Message("user", parts), Message("tool", (result,))), source)
    assert estimated_input_tokens(request) == 100 + 2 * 1600 + 3000
