"""Tests of errors in the wire's shape, and of a provider's errors in the error tree."""

from typing import Any

import orjson
import pytest

from gateway import errors
from gateway.errors import CredentialRefused, GatewayError, InvalidRequest, UpstreamError
from gateway.protocols.anthropic_messages import CLIENT, UPSTREAM


def refused(status: int, message: str = "m", kind: str = "invalid_request_error", **headers: str) -> Any:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return UPSTREAM.decode_error(status, headers, orjson.dumps(body))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.InvalidRequest("m"), "invalid_request_error"),
        (errors.AuthenticationFailed("m"), "authentication_error"),
        (errors.InsufficientBalance("m"), "billing_error"),
        (errors.PermissionDenied("m"), "permission_error"),
        (errors.NotFound("m"), "not_found_error"),
        (errors.MethodNotAllowed("m"), "invalid_request_error"),
        (errors.Conflict("m"), "conflict_error"),
        (errors.RequestTooLarge("m"), "request_too_large"),
        (errors.RateLimited("m"), "rate_limit_error"),
        (errors.ServiceUnavailable("m"), "overloaded_error"),
        (errors.UpstreamTimeout("m"), "timeout_error"),
        (errors.UpstreamError("m"), "api_error"),
        (errors.GatewayError("m"), "api_error"),
    ],
)
def test_every_error_has_its_type(error: GatewayError, kind: str) -> None:
    assert orjson.loads(CLIENT.encode_error(error, "req-1")) == {
        "type": "error",
        "error": {"type": kind, "message": "m"},
        "request_id": "req-1",
    }


def test_an_error_says_where_even_if_its_message_does_not() -> None:
    body = orjson.loads(CLIENT.encode_error(InvalidRequest("Too long.", param="messages[0].content"), "r"))
    assert body["error"]["message"] == "messages[0].content: Too long."


def test_a_message_that_says_where_is_left_alone() -> None:
    body = orjson.loads(CLIENT.encode_error(InvalidRequest("'top_k' is bad.", param="top_k"), "r"))
    assert body["error"]["message"] == "'top_k' is bad."


def test_a_refused_thread_has_the_details_that_sdks_go_on_without_one_by() -> None:
    messages = [{"role": "user", "content": "Hi"}]
    request = {"model": "m", "max_tokens": 1, "messages": messages, "thread": {"type": "create"}}
    with pytest.raises(InvalidRequest) as refusal:
        CLIENT.decode_request(orjson.dumps(request))
    body = orjson.loads(CLIENT.encode_error(refusal.value, "r"))
    assert body["error"]["details"] == {"error_code": "thread_unsupported_request"}


def test_a_timeout_has_its_detail_beside_the_error() -> None:
    body = orjson.loads(CLIENT.encode_error(errors.RequestTimeout("late"), "r"))
    assert body["detail"] == {"type": "timeout_error", "message": "late"}
    assert body["error"] == {"type": "timeout_error", "message": "late"}


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (401, errors.CredentialRefused, False),
        (402, errors.CredentialRefused, False),
        (403, errors.CredentialRefused, False),
        (404, errors.UpstreamError, True),
        (408, errors.UpstreamTimeout, True),
        (418, errors.UpstreamError, False),
        (429, errors.UpstreamOverloaded, True),
        (500, errors.UpstreamError, True),
        (503, errors.UpstreamOverloaded, True),
        (504, errors.UpstreamTimeout, True),
        (529, errors.UpstreamOverloaded, True),
    ],
)
def test_a_providers_status_has_a_meaning(status: int, kind: type[UpstreamError], retryable: bool) -> None:
    error = refused(status)
    assert (type(error), error.retryable) == (kind, retryable)
    assert error.message != "m"


def test_a_request_too_large_for_the_provider_is_the_callers() -> None:
    assert isinstance(refused(413), errors.RequestTooLarge)


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ("max_tokens: Field required", "max_tokens", None),
        ("messages.1.content.0.text: Field required", "messages[1].content[0].text", None),
        ("prompt is too long: 210000 tokens > 200000 maximum", None, "context_length_exceeded"),
        (
            "messages.1.content.0: Invalid `signature` in `thinking` block",
            "messages[1].content[0]",
            "invalid_signature",
        ),
        (
            "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
            "messages[1].content[0]",
            "invalid_signature",
        ),
        ("Something else", None, None),
    ],
)
def test_a_callers_fault_is_told_in_the_providers_words(message: str, param: str | None, code: str | None) -> None:
    error = refused(400, message)
    assert (type(error), error.message, error.param, error.code) == (InvalidRequest, message, param, code)


@pytest.mark.parametrize(
    "secret",
    [
        "https://console.internal/x",
        "sk-ant-api03-abcdef",
        "org-abcdef123",
        "wrkspc_011CZkZaBF1tNoB5wl",
        "10.0.0.1",
        "01234567-89ab-cdef-0123-456789abcdef",
    ],
)
def test_keys_addresses_and_accounts_are_hidden(secret: str) -> None:
    assert refused(400, f"bad thing at {secret} here").message == "bad thing at [hidden] here"


def test_the_gateways_own_credit_is_no_fault_of_the_callers() -> None:
    error = refused(400, "Your credit balance is too low to access the Anthropic API.")
    assert (type(error), error.retryable) == (CredentialRefused, False)
    assert "credit" not in error.message


@pytest.mark.parametrize(("sent", "expected"), [("1.2", 2), ("0", 0), ("99999", 3600), ("Wed, 21 Oct", None)])
def test_the_providers_time_to_wait_is_kept_in_whole_seconds(sent: str, expected: int | None) -> None:
    assert refused(429, **{"Retry-After": sent}).retry_after_s == expected


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":7}', b"null"])
def test_a_refusal_that_cannot_be_read_is_told_in_our_words(body: bytes) -> None:
    error = UPSTREAM.decode_error(400, {}, body)
    assert error.message == "The provider found the request invalid."
