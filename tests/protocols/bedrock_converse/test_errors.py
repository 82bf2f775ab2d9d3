"""Tests of Bedrock's refusals: the kind in a header, in the body, or only a status."""

import orjson
import pytest

from gateway.errors import (
    CredentialRefused,
    GatewayError,
    InvalidRequest,
    RequestTooLarge,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTimeout,
)
from gateway.protocols.bedrock_converse import UPSTREAM


def decode(status: int, kind: str | None = None, body: object = None) -> GatewayError:
    headers = {} if kind is None else {"X-Amzn-ErrorType": f"{kind}:http://internal.amazon.com/coral/x/"}
    return UPSTREAM.decode_error(status, headers, orjson.dumps(body))


def invalid(text: str) -> GatewayError:
    return decode(400, "ValidationException", {"message": text})


@pytest.mark.parametrize(
    ("status", "kind", "error", "retryable"),
    [
        (429, "ThrottlingException", UpstreamOverloaded, True),
        (429, "ModelNotReadyException", UpstreamOverloaded, True),
        (400, "ServiceQuotaExceededException", UpstreamOverloaded, True),
        (503, "ServiceUnavailableException", UpstreamOverloaded, True),
        (408, "ModelTimeoutException", UpstreamTimeout, True),
        (424, "ModelErrorException", UpstreamError, True),
        (500, "InternalServerException", UpstreamError, True),
        (404, "ResourceNotFoundException", UpstreamError, True),
        (403, "AccessDeniedException", CredentialRefused, False),
        (403, "UnrecognizedClientException", CredentialRefused, False),
        (403, "InvalidSignatureException", CredentialRefused, False),
        (403, "ExpiredTokenException", CredentialRefused, False),
        (400, "IncompleteSignatureException", CredentialRefused, False),
        (429, None, UpstreamOverloaded, True),
        (503, None, UpstreamOverloaded, True),
        (504, None, UpstreamTimeout, True),
        (502, None, UpstreamError, True),
        (404, None, UpstreamError, True),
        (403, None, CredentialRefused, False),
        (418, None, UpstreamError, False),
    ],
)
def test_a_providers_own_trouble_is_told_in_our_words(
    status: int, kind: str | None, error: type, retryable: bool
) -> None:
    found = decode(status, kind, {"message": "canary AKIAIOSFODNN7EXAMPLE at https://up.example"})
    assert type(found) is error
    assert isinstance(found, UpstreamError)
    assert found.retryable == retryable
    assert "canary" not in found.message


def test_a_kind_in_the_body_counts_as_one_in_the_header() -> None:
    error = decode(400, body={"__type": "com.amazon.coral.availability#ThrottlingException", "message": "x"})
    assert type(error) is UpstreamOverloaded


def test_a_fault_of_the_callers_keeps_the_providers_words_and_says_where() -> None:
    error = invalid("The text field in the ContentBlock object at messages.2.content.0 is blank. Add text.")
    assert (type(error), error.param, error.code) == (InvalidRequest, "messages[2].content[0]", None)
    assert error.message.startswith("The text field in the ContentBlock object")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Input is too long for requested model.", "context_length_exceeded"),
        ("The model returned the following errors: prompt is too long: 9 tokens > 8", "context_length_exceeded"),
        ("input length and `max_tokens` exceed context limit: 9 + 9 > 8", "context_length_exceeded"),
        (
            "The model returned the following errors: messages.1.content.0: Invalid `signature` in `thinking` block",
            "invalid_signature",
        ),
        (
            "The model returned the following errors: messages.3.content.0.thinking.signature: Field required",
            "invalid_signature",
        ),
        ("1 validation error detected: Value '2' at 'inferenceConfig.temperature' failed", None),
    ],
)
def test_faults_that_the_gateway_acts_on_have_a_code(text: str, code: str | None) -> None:
    assert invalid(text).code == code


@pytest.mark.parametrize(
    "text",
    [
        "The provided model identifier is invalid.",
        "Invocation of model ID x with on-demand throughput isn't supported. Retry with an inference profile.",
        "This model version has reached the end of its life.",
    ],
)
def test_a_fault_of_the_catalogs_is_not_the_callers(text: str) -> None:
    error = invalid(text)
    assert type(error) is UpstreamError
    assert error.message == "The provider does not serve this model now."


def test_a_request_too_large_for_the_provider_is_too_large() -> None:
    assert type(decode(413)) is RequestTooLarge


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key AKIAIOSFODNN7EXAMPLE is bad", "key [hidden] is bad"),
        ("User: arn:aws:iam::123456789012:user/Bob is bad", "User: [hidden] is bad"),
        ("account 123456789012 is bad", "account [hidden] is bad"),
        ("see https://docs.aws.example/x now", "see [hidden] now"),
        ("bedrock-runtime.us-east-1.amazonaws.com is bad", "[hidden] is bad"),
        ("request 8a5ee03a-1111-2222-3333-9bb0a1b2c3d4 is bad", "request [hidden] is bad"),
        ("Value '1.5' at 'topP' must be at most 1", "Value '1.5' at 'topP' must be at most 1"),
    ],
)
def test_keys_addresses_and_account_ids_are_hidden(text: str, expected: str) -> None:
    assert invalid(text).message == expected


def test_a_long_message_is_shortened() -> None:
    assert len(invalid("x " * 100_000).message) == 1000


@pytest.mark.parametrize("body", [b"", b"<html>x</html>", b"[]", b'"x"', b'{"message":5,"__type":{}}'])
def test_a_refusal_of_any_shape_is_readable(body: bytes) -> None:
    error = UPSTREAM.decode_error(400, {}, body)
    assert (error.message, error.code, error.param) == ("The provider found the request invalid.", None, None)
