"""Tests of a provider's refusal: its status in the error tree, its text without secrets, its delay in whole seconds."""

import re

import pytest

from gateway.errors import (
    CredentialRefused,
    GatewayError,
    RequestTooLarge,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTimeout,
)
from gateway.protocols.shared.provider_errors import (
    error_fields,
    harmless,
    header,
    meaning,
    members,
    reported,
    retry_after_s,
    scrubbed,
    status_unstated,
)

WORD = re.compile(r"[\w.-]+")


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (401, CredentialRefused, False),
        (402, CredentialRefused, False),
        (403, CredentialRefused, False),
        (404, UpstreamError, True),
        (408, UpstreamTimeout, True),
        (418, UpstreamError, False),
        (429, UpstreamOverloaded, True),
        (500, UpstreamError, True),
        (503, UpstreamOverloaded, True),
        (504, UpstreamTimeout, True),
        (529, UpstreamOverloaded, True),
    ],
)
def test_a_status_has_its_place_in_the_tree(status: int, kind: type[GatewayError], retryable: bool) -> None:
    found = meaning(status)
    assert isinstance(found, UpstreamError)
    assert (type(found), found.retryable) == (kind, retryable)


def test_a_request_that_is_too_large_is_the_callers_to_make_smaller() -> None:
    assert type(meaning(413)) is RequestTooLarge


@pytest.mark.parametrize(("status", "expected"), [(429, 7), (500, 7), (503, 7), (504, 7), (401, None), (418, None)])
def test_a_delay_is_kept_where_another_attempt_may_do_better(status: int, expected: int | None) -> None:
    assert meaning(status, 7).retry_after_s == expected


@pytest.mark.parametrize(
    "secret",
    [
        "https://api.example.com/v1",
        "www.example.com",
        "models.svc:8080/v1/chat",
        "proxy.eu.internal",
        "10.1.2.3",
        "sk-proj-abc***xyz",
        "Bearer abc.def",
        "internal.corp.example",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/x",
        "123456789012",
        "projects/123456789012",
        "org-AbCdEfGh",
        "proj_a1B2c3D4",
        "req_011CSHoEeqs5C35K2UUqR7Fy",
        "5c0c3b4a-1f7d-4f2e-9c58-0123456789ab",
        "AIzaSyExample",
    ],
)
def test_what_gives_away_a_key_or_an_address_is_hidden(secret: str) -> None:
    assert scrubbed(f"see {secret} now") == "see [hidden] now"


def test_plain_words_stay() -> None:
    for words in ("messages[0].content: is 3.5 too long?", "web_search_options.user_location", "user-provided text"):
        assert scrubbed(words) == words


def test_a_secret_across_the_cut_is_hidden() -> None:
    assert scrubbed("x" * 990 + " sk-" + "a" * 40) == "x" * 990 + " [hidden]"


def test_a_long_message_is_cut() -> None:
    assert scrubbed("x" * 5000) == "x" * 1000


@pytest.mark.parametrize("message", [None, 5, ["a"]])
def test_a_message_that_is_no_string_says_nothing(message: object) -> None:
    assert scrubbed(message) == ""


@pytest.mark.parametrize(
    ("value", "expected"), [("a_word", "a_word"), ("two words", None), ("10.0.0.1", None), (5, None), (None, None)]
)
def test_a_word_is_passed_on_where_it_is_harmless(value: object, expected: str | None) -> None:
    assert harmless(WORD, value) == expected


@pytest.mark.parametrize(("body", "expected"), [(b'{"a":1}', {"a": 1}), (b"[1]", [1]), (b"<html>", None), (b"", None)])
def test_a_body_is_its_json(body: bytes, expected: object) -> None:
    assert reported(body) == expected


@pytest.mark.parametrize(("value", "expected"), [({"a": 1}, {"a": 1}), ([1], {}), ("a", {}), (None, {})])
def test_only_an_object_has_members(value: object, expected: object) -> None:
    assert members(value) == expected


def test_a_header_is_found_however_it_is_spelled() -> None:
    assert [header({"X-Kind": "a"}, "x-kind"), header({}, "x-kind")] == ["a", None]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "2.1"}, 3),
        ({"retry-after": "0"}, 0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 2),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:27:30 GMT"}, 30),
        ({"Retry-After": "Wednesday, 21-Oct-26 07:28:00 GMT", "Date": "Wed Oct 21 07:27:30 2026"}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:29:00 GMT"}, 0),
        ({"x-ms-retry-after-ms": "1500"}, 2),
        ({"retry-after": "0.5"}, 1),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "86400"}, 3600),
        ({}, None),
    ],
)
def test_a_delay_is_whole_seconds(headers: dict[str, str], expected: int | None) -> None:
    assert retry_after_s(headers) == expected


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "too long"}},
        {"error": "too long"},
        {"type": "error", "error": "too long"},
        [{"error": {"message": "too long"}}],
        {"message": "too long"},
        {"error": "Bad Request", "message": "too long"},
        {"detail": "too long"},
        {"detail": [{"loc": ["body"], "msg": "too long", "type": "value_error"}]},
        {"errors": [{"message": "too long"}]},
        {"error": {"message": "Provider returned error", "metadata": {"raw": '{"error": {"message": "too long"}}'}}},
        {"error": {"message": "Provider returned error", "metadata": {"raw": {"detail": "too long"}}}},
        {"error": {"message": "Provider returned error", "metadata": {"raw": "too long"}}},
    ],
)
def test_an_errors_words_are_found_in_every_shape(body: object) -> None:
    assert error_fields(body).get("message") == "too long"


@pytest.mark.parametrize(
    "body", [None, 5, "x", [], [[]], {}, {"error": None}, {"error": True}, {"metadata": {"raw": "{}"}}]
)
def test_a_body_without_an_error_has_no_words(body: object) -> None:
    assert "message" not in error_fields(body)


def test_a_full_context_needs_no_status() -> None:
    assert [status_unstated({"message": said}) for said in ("prompt is too long", "oops", 5)] == [400, 502, 502]
