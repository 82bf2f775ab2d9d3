"""Tests that keys, tokens and e-mail addresses are hidden in every spelling, that ids are not, and in linear time."""

import logging
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gateway.logs.lines import JsonFormatter
from gateway.logs.secrets import HIDDEN, may_hold, without_secrets

# No shape of a key: only its name gives it away.
PLAIN = "Zq81canary77Kp"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlY2FuYXJ5"
NAMES = (
    *("Authorization", "authorization", "AUTHORIZATION", "Proxy-Authorization", "x-api-key", "X-Api-Key", "X_API_KEY"),
    *("xApiKey", "api key", "api-key", "apikey", "x-goog-api-key", "Ocp-Apim-Subscription-Key", "access_token"),
    *("refreshToken", "client_secret", "secret_key", "aws_secret_access_key", "x-amz-security-token", "password"),
    *("webhook_secret", "Cookie", "Set-Cookie"),
)
FORMS = (
    "{}: {}",
    "{}={}",
    "{} = '{}'",
    '"{}": "{}"',
    '"{}":"{}"',
    '\\"{}\\": \\"{}\\"',
    "('{}', '{}')",
    "(b'{}', b'{}')",
    "['{}','{}']",
    "{}: Bearer {}",
    "{}: Basic {}",
    "{}: Key {}",
)
KEYS = (
    f"sk-xc-{'a1B2' * 10}",
    f"sk-ant-api03-{'a1B2' * 8}",
    f"sk-proj-{'a1B2' * 8}",
    f"sk_live_{'a1B2' * 8}",
    f"AIza{'Sy0-' * 9}",
    f"gsk_{'a1B2' * 8}",
    f"xai-{'a1B2' * 8}",
    f"r8_{'a1B2' * 8}",
    f"hf_{'a1B2' * 8}",
    f"whsec_{'a1B2' * 8}",
    f"luma-{'a1b2-' * 8}",
    f"key_{'0a' * 64}",
    f"msy_{'a1B2' * 8}",
    f"AKIA{'A1B2' * 4}",
    f"AKID{'A1b2' * 8}",
    f"ABSK{'a1B2' * 12}",
    f"ya29.{'a1B2' * 8}",
    f"nvapi-{'a1B2' * 8}",
    f"pplx-{'a1B2' * 8}",
    f"0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f:{'0a1b' * 8}",
    JWT,
)
ADDRESSES = ("jane.doe+x@example.co.uk", "j@x.io", "ÿunicode@bücher.example", "jane%40example.com", "root@localhost")


def logged(**members: Any) -> str:
    """Writes a line as functions do."""
    return JsonFormatter("nexgate-test").format(logging.makeLogRecord(members))


@pytest.mark.parametrize("form", FORMS)
def test_a_value_is_hidden_by_its_name_in_any_spelling(form: str) -> None:
    for name in NAMES:
        line = logged(msg=f"before {form.format(name, PLAIN)} after")
        assert (PLAIN in line, HIDDEN in line) == (False, True), line


@pytest.mark.parametrize("secret", [*KEYS, *ADDRESSES])
def test_a_secret_is_hidden_by_its_shape(secret: str) -> None:
    for around in ("{}", "it says {}.", '{{"x": "{}"}}', "<{}>", "a={}&b=1", "https://h/p?x={}", "({})"):
        line = logged(msg=around.format(secret))
        assert (secret in line, HIDDEN in line) == (False, True), line


@pytest.mark.parametrize(
    "text",
    [
        f"https://host.example/path?key={PLAIN}&alt=sse",
        f"https://user:{PLAIN}@host.example/",
        f"Cookie: a=1; session={PLAIN}",
        f"-----BEGIN RSA PRIVATE KEY-----\\n{PLAIN}\\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{PLAIN}\n",
        f"sent with bearer {PLAIN}",
        f"AWS4-HMAC-SHA256 X-Amz-Signature={PLAIN}",
    ],
)
def test_a_secret_is_hidden_where_it_hides(text: str) -> None:
    assert PLAIN not in logged(msg=text)


@pytest.mark.parametrize(
    "text",
    [
        "hold 01kb8r5nq2w3e4 of account acc_0a1b2c3d4e5f0a1b2c3d4e5f, 78750 nano-USD",
        "gen-nxn-01kb8r5nq2w3e4 resp_nxn-01kb8r5nq2w3e4 key_01m7yfjscq00000005 task-1 task_01kb8r5nq2w3e4",
        "0b7e4c1a-6c2f-4a5e-9b1d-2f3a4b5c6d7e",
        "anthropic/claude-opus-4-5@20251101 gpt-4o-2024-11-20 gemini-2.5-flash",
        "the key could not be freed; the signatures of 3 calls of account acc_1 were not kept",
        "/var/task/gateway/stores/aws/client.py:52 call",
        "invalid_api_key insufficient_balance",
        "arn:aws:sqs:eu-west-1:123456789012:nexgate-settlements",
    ],
)
def test_ids_names_and_counts_stay(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    "value",
    [
        {"X-Goog-Api-Key": PLAIN},
        {"headers": {"Authorization": PLAIN}},
        {"headers": [("x-api-key", PLAIN)]},
        {"headers": [[b"Authorization", PLAIN.encode()]]},
        {"query": {"key": PLAIN}},
        {"nested": [[[[[[[[[[f"api_key={PLAIN}"]]]]]]]]]]},
        {"email": PLAIN},
        {"bytes": f"api_key={PLAIN}".encode()},
        {f"api_key={PLAIN}": 1},
        {"set": {f"password={PLAIN}"}},
        {"object": ValueError(f"secret_key: {PLAIN}")},
    ],
    ids=str,
)
def test_members_of_a_line_are_hidden_by_their_names_and_values(value: dict[str, Any]) -> None:
    assert PLAIN not in logged(**value)


def test_a_line_is_written_without_the_secrets_of_its_message_and_members() -> None:
    given = {"msg": "asked with %s", "args": (f"Bearer {PLAIN}",), "api_key": PLAIN, "asked_by": ADDRESSES[0]}
    line = orjson.loads(logged(**given))
    found = {name: line[name] for name in ("message", "api_key", "asked_by")}
    assert found == {"message": f"asked with Bearer {HIDDEN}", "api_key": HIDDEN, "asked_by": HIDDEN}


def test_a_usual_line_is_not_searched() -> None:
    members = {"event": "request", "path": "/v1/chat/completions", "account_id": "acc_1", "input_tokens": 3}
    assert not may_hold(logged(**members, stack=["/var/task/gateway/stores/aws/client.py:52 call"]))


def seconds(text: str) -> float:
    """Measures the processor's time that hiding takes, the least of three tries."""
    tries = []
    for _ in range(3):
        began = time.process_time()
        without_secrets(text)
        may_hold(text)
        tries.append(time.process_time() - began)
    return min(tries)


@pytest.mark.parametrize(
    "grown",
    [
        lambda n: "a" * n,
        lambda n: "a@" * (n // 2),
        lambda n: "@" + "a." * (n // 2) + "1",
        lambda n: "a.b" * (n // 3) + "@",
        lambda n: "eyJ" * (n // 3),
        lambda n: "sk-" * (n // 3),
        lambda n: "api_key" * (n // 7),
        lambda n: "api_key=" * (n // 8),
        lambda n: "authorization: " * (n // 15),
        lambda n: "-----BEGIN PRIVATE KEY" * (n // 22),
        lambda n: "-----BEGIN " * (n // 11),
        lambda n: "0a1b2c3d-0a1b-" * (n // 14),
        lambda n: " " * n,
        lambda n: "bearer" + " " * n,
    ],
)
def test_eight_times_the_text_takes_no_square_of_the_time(grown: Callable[[int], str]) -> None:
    # Eight times for a linear one, 64 times for a square one; a floor, since a clock ticks.
    assert seconds(grown(20_000)) < 24 * max(seconds(grown(2_500)), 0.0005)
