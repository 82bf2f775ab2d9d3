"""Tests of the rules for every call to the control plane: permissions, input, and the shape of a refusal."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.canonical.money import AccountState
from gateway.ports.keys import KeyRecord
from tests.control_plane.harness import ACCOUNT, MANAGER_ID, NOW_S, AppUnderTest, refusal

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}
PATHS = ["/v1/keys", "/keys", "/v1/billing/balance", "/billing/usage", "/v1/billing/transactions"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_request_without_a_key_is_not_served(nexgate: AppUnderTest, path: str) -> None:
    assert refusal(await nexgate.ask("GET", path, key=None)) == (401, "invalid_api_key", None)


@pytest.mark.parametrize("path", PATHS)
async def test_an_unknown_key_is_refused(nexgate: AppUnderTest, path: str) -> None:
    assert refusal(await nexgate.ask("GET", path, key="sk-xc-unknown")) == (401, "invalid_api_key", None)


@pytest.mark.parametrize("path", PATHS)
async def test_a_key_that_manages_nothing_sees_neither_keys_nor_money(nexgate: AppUnderTest, path: str) -> None:
    made = await nexgate.create()
    assert refusal(await nexgate.ask("GET", path, key=made["full_key"])) == (403, "insufficient_role", None)


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_bears_a_trace_id_and_the_windows(nexgate: AppUnderTest, path: str) -> None:
    headers = (await nexgate.ask("GET", path)).headers
    found = {name: headers[name] for name in headers if name.startswith("x-")}
    assert found == {
        "x-trace-id": "trace-1",
        "x-request-id": "trace-1",
        "x-ratelimit-limit": "60",
        "x-ratelimit-remaining": "60",
        "x-ratelimit-reset": "50",
    }


async def test_a_refusal_bears_them_too(nexgate: AppUnderTest) -> None:
    headers = (await nexgate.ask("GET", "/v1/keys/key_unknown")).headers
    assert (headers["x-trace-id"], headers["x-ratelimit-remaining"]) == ("trace-1", "60")


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("GET", "/v1/keys", "sk-xc-unknown", 401),
        ("PUT", "/v1/keys", None, 405),
        ("GET", "/v1/billing/nothing", None, 404),
    ],
)
async def test_a_stranger_is_shown_a_new_keys_window(
    nexgate: AppUnderTest, method: str, path: str, key: str | None, status: int
) -> None:
    answer = await nexgate.ask(method, path, key=key)
    told = [answer.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "reset")]
    assert (answer.status_code, told) == (status, ["60", "60", "50"])


async def test_reads_have_a_window_of_their_own(nexgate: AppUnderTest) -> None:
    nexgate.reads_rpm = 2
    answers = [await nexgate.ask("GET", "/v1/keys") for _ in range(3)]
    refused = answers.pop()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert refusal(refused) == (429, "rate_limit_exceeded", None)
    told = [refused.headers[name] for name in ("retry-after", "x-ratelimit-limit", "x-ratelimit-remaining")]
    assert told == ["50", "2", "0"]


@pytest.mark.parametrize(("method", "suffix"), [("DELETE", ""), ("POST", "/revoke")])
async def test_a_full_window_of_reads_does_not_keep_an_owner_from_revoking(
    nexgate: AppUnderTest, method: str, suffix: str
) -> None:
    nexgate.reads_rpm = 1
    key_id = (await nexgate.create())["key"]["key_id"]
    assert (await nexgate.ask("GET", "/v1/keys")).status_code == 429
    assert (await nexgate.ask(method, f"/v1/keys/{key_id}{suffix}")).json()["revoked"] is True


async def test_a_new_key_counts_beside_generations(nexgate: AppUnderTest) -> None:
    await nexgate.give_key("sk-xc-slow", KeyRecord("key_slow", ACCOUNT, "slow", "slow", 0, rpm_limit=1))
    answers = [await nexgate.ask("POST", "/v1/keys", {"name": "a"}, key="sk-xc-slow") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 429]
    assert (answers[0].headers["x-ratelimit-remaining"], answers[1].headers["retry-after"]) == ("0", "50")


async def test_an_account_without_a_balance_makes_no_keys(nexgate: AppUnderTest) -> None:
    await nexgate.money.open_account("acc_empty", 1_000)
    await nexgate.give_key("sk-xc-empty", KeyRecord("key_empty", "acc_empty", "empty", "empt", 0))
    answer = await nexgate.ask("POST", "/v1/keys", {"name": "a"}, key="sk-xc-empty")
    assert refusal(answer) == (402, "account_suspended", None)
    assert (await nexgate.ask("GET", "/v1/keys", key="sk-xc-empty")).status_code == 200


async def test_a_repeat_of_a_creation_needs_no_window(nexgate: AppUnderTest) -> None:
    await nexgate.give_key("sk-xc-slow", KeyRecord("key_slow", ACCOUNT, "slow", "slow", 0, rpm_limit=1))
    headers = {"Idempotency-Key": "once"}
    answers = [
        await nexgate.ask("POST", "/v1/keys", {"name": "a"}, key="sk-xc-slow", headers=headers) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content


async def test_a_full_window_of_generations_does_not_keep_an_owner_from_reading(nexgate: AppUnderTest) -> None:
    await nexgate.money.credit(ACCOUNT, 10**10, once="start", now_s=NOW_S)
    await nexgate.give_key("sk-xc-slow", KeyRecord("key_slow", ACCOUNT, "slow", "slow", 0, rpm_limit=1))
    await nexgate.spend("1", key_id="key_slow")
    answers = [await nexgate.ask("GET", "/v1/keys", key="sk-xc-slow") for _ in range(3)]
    assert [(a.status_code, a.headers["x-ratelimit-remaining"]) for a in answers] == [(200, "0")] * 3


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"null", b'{"name": "\xff"}', b'{"name": NaN}', b"[" * 5000]
)
async def test_a_body_that_is_no_json_object_is_a_400(nexgate: AppUnderTest, body: bytes) -> None:
    status, _, param = refusal(await nexgate.ask("POST", "/v1/keys", body, headers=JSON))
    assert (status, param) == (400, None)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", ""])
async def test_a_body_of_another_type_is_a_415(nexgate: AppUnderTest, kind: str) -> None:
    answer = await nexgate.ask("POST", "/v1/keys", b'{"name": "made"}', headers={"Content-Type": kind})
    assert refusal(answer) == (415, "unsupported_media_type", None)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.key+json"])
async def test_json_may_say_more_of_itself(nexgate: AppUnderTest, kind: str) -> None:
    answer = await nexgate.ask("POST", "/v1/keys", b'{"name": "made"}', headers={"Content-Type": kind})
    assert answer.status_code == 201


async def test_json_may_come_without_its_type(nexgate: AppUnderTest) -> None:
    assert (await nexgate.ask("POST", "/v1/keys", b'{"name": "made"}')).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("PUT", "/v1/keys", "GET"), ("POST", "/v1/billing/balance", "GET"), ("GET", "/v1/keys/key_a/revoke", "POST")],
)
async def test_another_method_is_a_405_that_names_one_that_would_do(
    nexgate: AppUnderTest, method: str, path: str, allow: str
) -> None:
    answer = await nexgate.ask(method, path)
    assert refusal(answer) == (405, "method_not_allowed", None)
    assert allow in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/v1/keys/", "/v1/keys/a/b/c", "/v1/billing", "/v1/billing/nothing"])
async def test_another_path_is_a_404(nexgate: AppUnderTest, path: str) -> None:
    assert refusal(await nexgate.ask("GET", path)) == (404, "unknown_url", None)


@pytest.mark.parametrize("key_id", ["key_unknown", "KEY", "x" * 5000, "%00", "key_%F0%9F%94%91", "..%2fother"])
async def test_an_id_that_no_key_can_have_is_a_404(nexgate: AppUnderTest, key_id: str) -> None:
    assert (await nexgate.ask("GET", f"/v1/keys/{key_id}")).status_code == 404


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/v1/keys?limit=0", "limit"),
        ("/v1/keys?limit=101", "limit"),
        ("/v1/keys?limit=many", "limit"),
        ("/v1/keys?cursor=%00", "cursor"),
        ("/v1/billing/transactions?limit=-1", "limit"),
        ("/v1/billing/transactions?cursor=A", "cursor"),
        ("/v1/billing/usage?days=0", "days"),
        ("/v1/billing/usage?days=91", "days"),
        ("/v1/billing/usage?days=1e3", "days"),
    ],
)
async def test_a_query_out_of_its_bounds_is_refused_by_its_name(nexgate: AppUnderTest, path: str, param: str) -> None:
    status, code, found = refusal(await nexgate.ask("GET", path))
    assert (status, found) == (400, param)
    assert code in {"invalid_value", "invalid_type"}


async def test_an_unknown_field_of_great_length_is_named_in_short(nexgate: AppUnderTest) -> None:
    answer = await nexgate.ask("PATCH", f"/v1/keys/{MANAGER_ID}", {"x" * 100_000: 1})
    assert refusal(answer)[:2] == (400, "unknown_parameter")
    assert len(answer.content) < 1_000


async def test_an_unforeseen_error_is_a_500_that_tells_nothing(
    nexgate: AppUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> AccountState:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(nexgate.money, "count", fail)
    answer = await nexgate.ask("GET", "/v1/billing/balance")
    assert refusal(answer) == (500, "internal_error", None)
    assert "secret" not in answer.text
    assert answer.headers["x-trace-id"] == "trace-1"
