"""Tests of the URL's content."""

import pytest

from gateway.errors import NotFound
from gateway.protocols.gemini import CLIENT
from gateway.protocols.gemini.address import GENERATE, STREAM, Address, parse_address, upstream_path


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/v1beta/models/gemini-2.5-flash:generateContent", {}, Address("gemini-2.5-flash", "generateContent")),
        ("/v1/models/m:streamGenerateContent", {"alt": "sse"}, Address("m", "streamGenerateContent", is_sse=True)),
        ("/v1/models/m:streamGenerateContent", {"alt": "json"}, Address("m", "streamGenerateContent")),
        ("/v1beta/models/aws%2Fclaude-haiku-4-5:countTokens", {}, Address("aws/claude-haiku-4-5", "countTokens")),
        ("/prod/v1/models/nexevo/fast:cheap:generateContent", {}, Address("nexevo/fast:cheap", "generateContent")),
        ("/v1beta/aws/claude-haiku-4-5:generateContent", {}, Address("aws/claude-haiku-4-5", "generateContent")),
        ("/prod/v1beta/nexevo%2Ffast:countTokens", {}, Address("nexevo/fast", "countTokens")),
        ("/v1beta1/publishers/google/models/m:generateContent", {}, Address("m", "generateContent")),
    ],
)
def test_a_path_names_model_and_method(path: str, query: dict[str, str], expected: Address) -> None:
    assert parse_address(path, query) == expected


@pytest.mark.parametrize("path", ["/v1beta/models/m", "/v1beta/models/m:predict", "/v1beta/models/:generateContent"])
def test_a_path_without_a_method_of_ours_is_not_found(path: str) -> None:
    with pytest.raises(NotFound):
        parse_address(path, {})


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (False, "/models/gemini-2.5-flash:generateContent"),
        (True, "/models/gemini-2.5-flash:streamGenerateContent?alt=sse"),
    ],
)
def test_an_upstream_is_asked_at_its_models_path(stream: bool, expected: str) -> None:
    assert upstream_path("gemini-2.5-flash", STREAM if stream else GENERATE) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [({"alt": "sse"}, ("text/event-stream; charset=utf-8", b"\r\n")), ({}, ("application/json", b""))],
)
def test_each_framing_has_its_type_and_its_way_of_staying_alive(
    query: dict[str, str], expected: tuple[str, bytes]
) -> None:
    codec = CLIENT.at("/v1beta/models/m:streamGenerateContent", query)
    assert (codec.stream_type, codec.keep_alive) == expected
