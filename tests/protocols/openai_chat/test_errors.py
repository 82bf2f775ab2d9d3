"""Tests of errors of this wire, ours to callers and providers' to us."""

import orjson
import pytest

from gateway.canonical.events import Failed
from gateway.errors import (
    CredentialRefused,
    GatewayError,
    InvalidRequest,
    RequestTimeout,
    RequestTooLarge,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTimeout,
)
from gateway.protocols.openai_chat import CLIENT, UPSTREAM


def decode(status: int, body: object = None, headers: dict[str, str] | None = None) -> GatewayError:
    return UPSTREAM.decode_error(status, headers or {}, orjson.dumps(body))


def message(text: str) -> str:
    return decode(400, {"error": {"message": text}}).message


def test_an_error_has_the_wires_four_members() -> None:
    error = InvalidRequest("Bad.", param="messages[0]", code="invalid_value")
    assert orjson.loads(CLIENT.encode_error(error, "req-1")) == {
        "error": {"message": "Bad.", "type": "invalid_request_error", "param": "messages[0]", "code": "invalid_value"}
    }


def test_a_timeout_says_so_twice() -> None:
    assert orjson.loads(CLIENT.encode_error(RequestTimeout("Too long."), "req-1")) == {
        "error": {"message": "Too long.", "type": "timeout_error", "param": None, "code": "request_timeout"},
        "detail": {"type": "timeout_error", "message": "Too long."},
    }


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (401, CredentialRefused, False),
        (402, CredentialRefused, False),
        (403, CredentialRefused, False),
        (404, UpstreamError, True),
        (408, UpstreamTimeout, True),
        (504, UpstreamTimeout, True),
        (418, UpstreamError, False),
        (429, UpstreamOverloaded, True),
        (503, UpstreamOverloaded, True),
        (529, UpstreamOverloaded, True),
        (500, UpstreamError, True),
        (502, UpstreamError, True),
    ],
)
def test_a_providers_own_trouble_is_told_in_our_words(status: int, kind: type, retryable: bool) -> None:
    error = decode(status, {"error": {"message": "canary sk-canary at https://up.example"}})
    assert type(error) is kind
    assert isinstance(error, UpstreamError)
    assert error.retryable == retryable
    assert "canary" not in error.message


@pytest.mark.parametrize("status", [400, 422])
def test_a_fault_of_the_callers_keeps_the_providers_words(status: int) -> None:
    body = {"error": {"message": "Bad size.", "type": "x", "param": "messages[3].content", "code": "invalid_value"}}
    error = decode(status, body)
    assert (type(error), error.message, error.param, error.code) == (
        InvalidRequest,
        "Bad size.",
        "messages[3].content",
        "invalid_value",
    )


def test_a_request_too_large_for_the_provider_is_too_large() -> None:
    assert type(decode(413)) is RequestTooLarge


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "Too many tokens", "code": "context_length_exceeded"}},
        {"error": {"message": "This model's maximum context length is 8192 tokens."}},
        {"message": "Prompt exceeds the context window"},
    ],
)
def test_a_prompt_that_is_too_long_has_its_code_in_every_dialect(body: object) -> None:
    error = decode(400, body)
    assert (error.status, error.code) == (400, "context_length_exceeded")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Incorrect API key provided: sk-proj-abcdef123.", "Incorrect API key provided: [hidden]"),
        ("See https://api.provider.example/v1/x for more", "See [hidden] for more"),
        ("api.internal.example.com said no", "[hidden] said no"),
        ("upstream 10.1.2.3 failed", "upstream [hidden] failed"),
        ("in organization org-AbCdEf123456 on tokens", "in organization [hidden] on tokens"),
        ("Invalid 'messages[0].content': too long, 3.5 of 4.0", "Invalid 'messages[0].content': too long, 3.5 of 4.0"),
    ],
)
def test_keys_addresses_and_account_ids_are_hidden(text: str, expected: str) -> None:
    assert message(text) == expected


def test_a_long_message_is_shortened() -> None:
    assert len(message("x " * 100_000)) == 1000


@pytest.mark.parametrize(
    "body", [b"", b"<html>x</html>", b"[]", b'"x"', b'{"error":7}', b'{"error":{"message":5,"code":{}}}']
)
def test_a_refusal_of_any_shape_is_readable(body: bytes) -> None:
    error = UPSTREAM.decode_error(400, {}, body)
    assert (error.message, error.code, error.param) == ("The provider found the request invalid.", None, None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"Retry-After": "1.2"}, 2),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 2),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "999999"}, 3600),
        ({}, None),
    ],
)
def test_the_providers_time_to_wait_is_kept_where_it_makes_sense(headers: dict[str, str], seconds: int | None) -> None:
    assert decode(429, {}, headers).retry_after_s == seconds


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Limit 30000, Used 29000, Requested 5000. Please try again in 6.1s. Visit https://x", 7),
        ("Please try again in 800ms.", 1),
        ("Please try again in 1m4.5s.", 65),
        ("Please retry after 20 seconds.", 20),
        ("Please wait 1 minute and 5 seconds before the next request.", 65),
        ("Please try again in 2h3m.", 3600),
        ("Please try again later.", None),
        ("Please wait and try again. Limit 500 models.", None),
        ("Retry the request 3 times.", None),
        (5, None),
    ],
)
def test_the_providers_time_to_wait_is_kept_where_its_message_tells_it(message: object, seconds: int | None) -> None:
    assert decode(429, {"message": message}, {}).retry_after_s == seconds
    assert decode(429, {"message": message}, {"retry-after": "9"}).retry_after_s == 9


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        # Azure, https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter
        (400, {"error": {"code": "content_filter", "message": "m", "param": "prompt", "status": 400,
                         "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, (400, "content_filter", None)),
        (404, {"error": {"code": "DeploymentNotFound", "message": "m"}}, (502, "upstream_error", True)),
        (401, {"error": {"code": "401", "message": "Access denied"}}, (502, "upstream_error", False)),
        # Groq: what the model wrote cannot be read.
        (400, {"error": {"message": "m", "type": "invalid_request_error", "code": "tool_use_failed"}},
         (502, "upstream_error", True)),
        # Mistral, Cerebras: no member around the error.
        (422, {"object": "error", "message": "m", "type": "invalid_request_error", "param": None, "code": "3051"},
         (400, "3051", None)),
        (400, {"message": "m", "type": "invalid_request_error", "param": "model", "code": "wrong_api_format"},
         (400, "wrong_api_format", None)),
        # xAI: a code beside a text.
        (400, {"code": "Client specified an invalid argument", "error": "m"}, (400, None, None)),
        (403, {"code": "The caller does not have permission", "error": "Content violates usage guidelines. m"},
         (400, "content_filter", None)),
        (403, {"code": "The caller does not have permission", "error": "No credits."}, (502, "upstream_error", False)),
        # DashScope, Zhipu, Moonshot
        (400, {"error": {"code": "data_inspection_failed", "message": "m"}}, (400, "content_filter", None)),
        (400, {"error": {"code": "Arrearage", "message": "m"}}, (502, "upstream_error", False)),
        (429, {"error": {"code": "1113", "message": "m"}}, (502, "upstream_error", False)),
        (429, {"error": {"code": "1302", "message": "m"}}, (503, "upstream_overloaded", True)),
        (400, {"error": {"code": "1301", "message": "m"}}, (400, "content_filter", None)),
        (429, {"error": {"type": "exceeded_current_quota_error", "message": "m"}}, (502, "upstream_error", False)),
        (400, {"error": {"type": "content_filter", "message": "m"}}, (400, "content_filter", None)),
        # OpenRouter quotes the vendor.
        (400, {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": "m"}}},
         (400, None, None)),
    ],
)  # fmt: skip
def test_a_dialects_refusal_is_what_its_vendor_means(
    status: int, body: object, expected: tuple[int, str | None, bool | None]
) -> None:
    error = decode(status, body)
    retryable = error.retryable if isinstance(error, UpstreamError) else None
    assert (error.status, error.code, retryable) == expected
    assert isinstance(error, UpstreamError) or "m" in error.message


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (1000, (502, "upstream_error", True)),
        (1001, (504, "upstream_timeout", True)),
        (1002, (503, "upstream_overloaded", True)),
        (1004, (502, "upstream_error", False)),
        (1008, (502, "upstream_error", False)),
        (1026, (400, "content_filter", None)),
        (2013, (400, "2013", None)),
        (2056, (503, "upstream_overloaded", True)),
    ],
)
def test_minimax_refuses_with_status_200(code: int, expected: tuple[int, str, bool | None]) -> None:
    body = {"choices": None, "base_resp": {"status_code": code, "status_msg": "m"}}
    errors = [decode(200, body)]
    with pytest.raises(GatewayError) as caught:
        UPSTREAM.decode_response(orjson.dumps(body))
    (frame,) = UPSTREAM.stream_decoder().feed(b"data: " + orjson.dumps(body) + b"\n\n")
    (failed,) = frame.events
    assert isinstance(failed, Failed)
    for error in (*errors, caught.value, failed.error):
        retryable = error.retryable if isinstance(error, UpstreamError) else None
        assert (error.status, error.code, retryable) == expected


def test_an_answer_whose_choices_all_failed_is_its_error() -> None:
    choice = {"index": 0, "finish_reason": "error", "message": {"content": ""}, "error": {"code": 429, "message": "m"}}
    with pytest.raises(UpstreamOverloaded):
        UPSTREAM.decode_response(orjson.dumps({"choices": [choice]}))
