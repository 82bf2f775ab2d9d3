"""Tests of errors in this wire's shape, and of the meaning of a provider's."""

from typing import Any

import orjson
import pytest

from gateway.errors import (
    CredentialRefused,
    GatewayError,
    InvalidRequest,
    NotFound,
    RequestTimeout,
    RequestTooLarge,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTimeout,
)
from gateway.protocols.openai_responses import CLIENT, UPSTREAM


def meaning(status: int, headers: dict[str, str] | None = None, **error: Any) -> GatewayError:
    return UPSTREAM.decode_error(status, headers or {}, orjson.dumps({"error": error}))


def test_an_error_leaves_in_openais_shape() -> None:
    body = CLIENT.encode_error(NotFound("No such model.", param="model", code="model_not_found"), "req")
    assert orjson.loads(body) == {
        "error": {
            "message": "No such model.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
    }


def test_a_timeout_says_so_in_detail_too() -> None:
    body = orjson.loads(CLIENT.encode_error(RequestTimeout("Too long."), "req"))
    assert body["detail"] == {"type": "timeout_error", "message": "Too long."}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequest),
        (401, CredentialRefused),
        (403, CredentialRefused),
        (404, UpstreamError),
        (408, UpstreamTimeout),
        (413, RequestTooLarge),
        (418, UpstreamError),
        (422, InvalidRequest),
        (429, UpstreamOverloaded),
        (500, UpstreamError),
        (503, UpstreamOverloaded),
        (504, UpstreamTimeout),
    ],
)
def test_a_status_has_one_meaning(status: int, kind: type[GatewayError]) -> None:
    assert type(meaning(status, message="x")) is kind


def test_a_fault_of_the_callers_keeps_its_words_param_and_code() -> None:
    error = meaning(400, message="Bad input.", param="input[0].content", code="invalid_value")
    assert (error.message, error.param, error.code) == ("Bad input.", "input[0].content", "invalid_value")


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefgh",
        "org-abcdefgh123",
        "https://internal.example.com/v1/x",
        "10.0.0.7",
        "api.openai.com/v1/responses",
        "Bearer abcdef",
        "req_0123456789",
    ],
)
def test_no_secret_of_the_gateways_reaches_a_caller(secret: str) -> None:
    assert secret not in meaning(400, message=f"Bad: {secret} was seen.").message


def test_a_context_that_is_too_long_has_its_code() -> None:
    assert meaning(400, message="Your input exceeds the context window of this model.").code == (
        "context_length_exceeded"
    )


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "7"}, 7), ({"retry-after-ms": "1500"}, 2), ({"retry-after": "soon"}, None), ({}, None)],
)
def test_a_time_to_wait_is_kept_in_seconds(headers: dict[str, str], seconds: int | None) -> None:
    assert meaning(429, headers, message="x").retry_after_s == seconds


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "x"}'])
def test_a_refusal_that_is_no_json_still_has_its_statuss_meaning(body: bytes) -> None:
    assert type(UPSTREAM.decode_error(429, {}, body)) is UpstreamOverloaded
