"""Tests of each row's address and headers against those of the vendors' own SDKs, as far as a server can tell."""

from typing import Any

import pytest

from gateway.canonical.parts import Message, Text
from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Profile, Target
from gateway.errors import UpstreamError
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.providers.chat.registry import PROVIDERS

NOW_S = 1_795_244_400.75
MODELS = {
    "openai": "gpt-4o",
    "anthropic": "claude-opus-4-7",
    "gemini": "gemini-2.5-flash",
    "vertex": "gemini-2.5-flash",
    "bedrock": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "deepseek": "deepseek-chat",
}


def request(row: str, *, stream: bool = False, base_url: str | None = None, **extra: str) -> UpstreamRequest:
    asked = ChatRequest("another_wire", "asked", (Message("user", (Text("hi"),)),), b"", stream=stream)
    target = Target(MODELS[row], Profile("plain"), 4096)
    return PROVIDERS[row].request(asked, target, Credential("k-1", base_url, extra), NOW_S)


def test_every_row_is_tried_here() -> None:
    assert set(PROVIDERS) == set(MODELS)


@pytest.mark.parametrize(
    ("row", "stream", "extra", "url"),
    [
        ("openai", True, {}, "https://api.openai.com/v1/chat/completions"),
        ("deepseek", True, {}, "https://api.deepseek.com/chat/completions"),
        ("anthropic", True, {}, "https://api.anthropic.com/v1/messages"),
        (
            "gemini",
            False,
            {},
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent",
        ),
        (
            "gemini",
            True,
            {},
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        ),
        (
            "vertex",
            False,
            {"project": "p-1"},
            (
                "https://aiplatform.googleapis.com/v1beta1/projects/p-1/locations/global/publishers/google"
                "/models/gemini-2.5-flash:generateContent"
            ),
        ),
        (
            "vertex",
            True,
            {"project": "p-1", "location": "europe-west4"},
            (
                "https://europe-west4-aiplatform.googleapis.com/v1beta1/projects/p-1/locations/europe-west4"
                "/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
            ),
        ),
        (
            "vertex",
            False,
            {},
            "https://aiplatform.googleapis.com/v1beta1/publishers/google/models/gemini-2.5-flash:generateContent",
        ),
        (
            "bedrock",
            False,
            {"region": "eu-west-1"},
            (
                "https://bedrock-runtime.eu-west-1.amazonaws.com"
                "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"
            ),
        ),
        (
            "bedrock",
            True,
            {"region": "eu-west-1"},
            (
                "https://bedrock-runtime.eu-west-1.amazonaws.com"
                "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse-stream"
            ),
        ),
    ],
)
def test_a_request_goes_to_the_vendors_address(row: str, stream: bool, extra: dict[str, str], url: str) -> None:
    assert request(row, stream=stream, **extra).url == url


@pytest.mark.parametrize("row", MODELS)
@pytest.mark.parametrize("base_url", ["http://127.0.0.1:9/under", "http://127.0.0.1:9/under/"])
def test_the_operators_address_takes_the_place_of_the_vendors(row: str, base_url: str) -> None:
    assert request(row, base_url=base_url, region="r").url.startswith("http://127.0.0.1:9/under/")
    credential = Credential("k", base_url, {"region": "r"})
    assert PROVIDERS[row].origin(credential) == "http://127.0.0.1:9/under"


@pytest.mark.parametrize(
    ("row", "extra", "expected"),
    [
        ("openai", {}, {"authorization": "Bearer k-1"}),
        ("deepseek", {}, {"authorization": "Bearer k-1"}),
        ("anthropic", {}, {"x-api-key": "k-1", "anthropic-version": "2023-06-01"}),
        ("gemini", {}, {"x-goog-api-key": "k-1"}),
        ("vertex", {}, {"x-goog-api-key": "k-1"}),
        ("vertex", {"project": "p"}, {"authorization": "Bearer k-1"}),
        ("bedrock", {"region": "r"}, {"authorization": "Bearer k-1"}),
    ],
)
def test_a_request_bears_its_key_in_the_vendors_manner(row: str, extra: Any, expected: dict[str, str]) -> None:
    assert dict(request(row, **extra).headers) == {"content-type": "application/json"} | expected


@pytest.mark.parametrize(
    ("row", "extra", "host"),
    [
        ("bedrock", {"region": "us-east-1"}, "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        ("vertex", {"project": "p", "location": "global"}, "https://eu-central-1-aiplatform.googleapis.com"),
    ],
)
def test_a_target_may_be_asked_in_another_region_than_the_credentials(row: str, extra: Any, host: str) -> None:
    provider, credential = PROVIDERS[row], Credential("k", None, extra)
    assert provider.located(credential, None) == credential
    assert provider.origin(provider.located(credential, "eu-central-1")) == host


def test_an_inference_profiles_arn_is_one_segment_of_the_path() -> None:
    model = "arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-v1:0"
    asked = ChatRequest("another_wire", "asked", (Message("user", (Text("hi"),)),), b"")
    credential = Credential("k", "http://127.0.0.1:9")
    sent = PROVIDERS["bedrock"].request(asked, Target(model, Profile("p"), 10), credential, NOW_S)
    assert sent.url == (
        "http://127.0.0.1:9/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A012345678901%3Ainference-profile"
        "%2Fus.anthropic.claude-v1%3A0/converse"
    )


@pytest.mark.parametrize("extra", [{}, {"access_key_id": "a", "region": "r"}])
def test_an_account_that_is_not_fully_configured_is_the_operators_fault(extra: Any) -> None:
    with pytest.raises(UpstreamError, match="not fully configured") as caught:
        request("bedrock", **extra)
    assert not caught.value.retryable
