"""Tests of errors in Google's shape, both ways."""

from typing import Any

import orjson
import pytest

from gateway.errors import (
    CredentialRefused,
    GatewayError,
    InsufficientBalance,
    InvalidRequest,
    NotFound,
    RateLimited,
    RequestTimeout,
    RequestTooLarge,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTimeout,
)
from gateway.protocols.gemini import CLIENT, UPSTREAM


def refusal(status: int, headers: dict[str, str] | None = None, **members: Any) -> GatewayError:
    return UPSTREAM.decode_error(status, headers or {}, orjson.dumps({"error": {"code": status} | members}))


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (InvalidRequest("m"), 400, "INVALID_ARGUMENT"),
        (InsufficientBalance("m"), 402, "FAILED_PRECONDITION"),
        (NotFound("m"), 404, "NOT_FOUND"),
        (RateLimited("m"), 429, "RESOURCE_EXHAUSTED"),
        (GatewayError("m"), 500, "INTERNAL"),
        (UpstreamError("m"), 502, "UNAVAILABLE"),
        (UpstreamTimeout("m"), 504, "DEADLINE_EXCEEDED"),
    ],
)
def test_an_error_has_googles_code_and_word(error: GatewayError, code: int, word: str) -> None:
    body = orjson.loads(CLIENT.encode_error(error, "req"))["error"]
    assert (body["code"], body["message"], body["status"]) == (code, "m", word)


def test_what_the_contract_says_beside_is_in_the_details() -> None:
    error = InvalidRequest("Bad.", param="contents[0]", code="invalid_type", retry_after_s=7)
    assert orjson.loads(CLIENT.encode_error(error, "req"))["error"]["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "INVALID_TYPE",
            "domain": "nexevo",
            "metadata": {"type": "invalid_request_error"},
        },
        {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": "contents[0]", "description": "Bad."}],
        },
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"},
    ]


def test_a_timeout_says_so_in_detail_too() -> None:
    body = orjson.loads(CLIENT.encode_error(RequestTimeout("Late."), "req"))
    assert body["detail"] == {"type": "timeout_error", "message": "Late."}


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (401, CredentialRefused, False),
        (403, CredentialRefused, False),
        (404, UpstreamError, True),
        (418, UpstreamError, False),
        (429, UpstreamOverloaded, True),
        (500, UpstreamError, True),
        (503, UpstreamOverloaded, True),
        (504, UpstreamTimeout, True),
    ],
)
def test_a_refusal_means_one_of_our_errors(status: int, kind: type[UpstreamError], retryable: bool) -> None:
    error = refusal(status, message="secret")
    assert isinstance(error, UpstreamError)
    assert (type(error), error.retryable, "secret" in error.message) == (kind, retryable, False)


def test_a_request_too_large_is_the_callers() -> None:
    assert isinstance(refusal(413), RequestTooLarge)


def test_the_callers_own_mistake_is_told_with_its_field() -> None:
    violation = {"fieldViolations": [{"field": "contents[0].parts", "description": "x"}]}
    error = refusal(400, message="Unknown name.", details=[violation])
    assert (type(error), error.message, error.param) == (InvalidRequest, "Unknown name.", "contents[0].parts")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("The input token count (9) exceeds the maximum number of tokens allowed (8).", "context_length_exceeded"),
        ("Function call is missing a thought_signature in functionCall parts.", "invalid_signature"),
        ("Something else.", None),
    ],
)
def test_a_mistake_that_can_be_acted_on_has_a_code(message: str, code: str | None) -> None:
    assert refusal(400, message=message).code == code


@pytest.mark.parametrize(
    "message",
    ["API key not valid. Please pass a valid API key.", "User location is not supported for the API use."],
)
def test_the_gateways_own_account_is_not_the_callers_mistake(message: str) -> None:
    error = refusal(400, message=message)
    assert (type(error), error.message) == (CredentialRefused, "The provider did not accept the gateway's account.")


@pytest.mark.parametrize(
    "secret",
    [
        "AIzaSyA-1234567890",
        "https://generativelanguage.googleapis.com/v1beta/x",
        "projects/my-project-1/locations/global",
        "project_number:123456",
        "aiplatform.googleapis.com",
        "ya29.a0Af_token",
        "10.0.0.7",
        "Bearer abcdef",
    ],
)
def test_no_secret_gets_through(secret: str) -> None:
    error = refusal(400, message=f"Bad {secret} here.")
    assert (secret in error.message, "[hidden]" in error.message) == (False, True)


@pytest.mark.parametrize(
    ("headers", "details", "expected"),
    [
        ({"Retry-After": "3"}, [], 3),
        ({}, [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "33.4s"}], 34),
        ({}, [{"retryDelay": "99999s"}, 3], None),
        ({"retry-after": "Fri, 21 Nov 2026 08:00:00 GMT"}, [], None),
    ],
)
def test_a_time_to_wait_is_read(headers: dict[str, str], details: Any, expected: int | None) -> None:
    assert refusal(429, headers, details=details).retry_after_s == expected


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"3", b'{"error":7}', b'{"error":{"message":4}}'])
def test_a_refusal_of_any_shape_is_an_error(body: bytes) -> None:
    error = UPSTREAM.decode_error(400, {}, body)
    assert (type(error), error.message) == (InvalidRequest, "The provider found the request invalid.")


def test_a_refused_stream_answers_with_an_array() -> None:
    body = b'[{"error":{"code":400,"message":"Bad.","status":"INVALID_ARGUMENT"}}]'
    assert UPSTREAM.decode_error(400, {}, body).message == "Bad."
