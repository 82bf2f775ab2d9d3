"""What every call to the control plane has in common: who may, what is read, and how a refusal looks."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.canonical.money import AccountState
from gateway.ports import KeyRecord
from tests.control_plane.harness import ACCOUNT, MANAGER_ID, NOW_S, House, refusal

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}
PATHS = ["/v1/keys", "/keys", "/v1/billing/balance", "/billing/usage", "/v1/billing/transactions"]


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_is_served_without_a_key(house: House, path: str) -> None:
    assert refusal(await house.ask("GET", path, key=None)) == (401, "invalid_api_key", None)


@pytest.mark.parametrize("path", PATHS)
async def test_an_unknown_key_is_refused(house: House, path: str) -> None:
    assert refusal(await house.ask("GET", path, key="sk-xc-unknown")) == (401, "invalid_api_key", None)


@pytest.mark.parametrize("path", PATHS)
async def test_a_key_that_manages_nothing_sees_neither_keys_nor_money(house: House, path: str) -> None:
    made = await house.create()
    assert refusal(await house.ask("GET", path, key=made["full_key"])) == (403, "insufficient_role", None)


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_bears_a_trace_id_and_the_windows(house: House, path: str) -> None:
    headers = (await house.ask("GET", path)).headers
    found = {name: headers[name] for name in headers if name.startswith("x-")}
    assert found == {
        "x-trace-id": "trace-1",
        "x-ratelimit-limit": "60",
        "x-ratelimit-remaining": "60",
        "x-ratelimit-reset": "50",
    }


async def test_a_refusal_bears_them_too(house: House) -> None:
    headers = (await house.ask("GET", "/v1/keys/key_unknown")).headers
    assert (headers["x-trace-id"], headers["x-ratelimit-remaining"]) == ("trace-1", "60")


async def test_calls_count_in_no_window_and_a_full_one_keeps_nobody_out(house: House) -> None:
    await house.money.credit(ACCOUNT, 10**10, once="start", now_s=NOW_S)
    await house.give_key("sk-xc-slow", KeyRecord("key_slow", ACCOUNT, "slow", "slow", 0, rpm_limit=1))
    await house.spend("1", key_id="key_slow")
    answers = [await house.ask("GET", "/v1/keys", key="sk-xc-slow") for _ in range(3)]
    assert [(a.status_code, a.headers["x-ratelimit-remaining"]) for a in answers] == [(200, "0")] * 3


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"null", b'{"name": "\xff"}', b'{"name": NaN}', b"[" * 5000]
)
async def test_a_body_that_is_no_json_object_is_a_400(house: House, body: bytes) -> None:
    status, _, param = refusal(await house.ask("POST", "/v1/keys", body, headers=JSON))
    assert (status, param) == (400, None)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", ""])
async def test_a_body_of_another_type_is_a_415(house: House, kind: str) -> None:
    answer = await house.ask("POST", "/v1/keys", b'{"name": "made"}', headers={"Content-Type": kind})
    assert refusal(answer) == (415, "unsupported_media_type", None)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.key+json"])
async def test_json_may_say_more_of_itself(house: House, kind: str) -> None:
    answer = await house.ask("POST", "/v1/keys", b'{"name": "made"}', headers={"Content-Type": kind})
    assert answer.status_code == 201


async def test_json_may_come_without_its_type(house: House) -> None:
    assert (await house.ask("POST", "/v1/keys", b'{"name": "made"}')).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("PUT", "/v1/keys", "GET"), ("POST", "/v1/billing/balance", "GET"), ("GET", "/v1/keys/key_a/revoke", "POST")],
)
async def test_another_method_is_a_405_that_names_one_that_would_do(
    house: House, method: str, path: str, allow: str
) -> None:
    answer = await house.ask(method, path)
    assert refusal(answer) == (405, "method_not_allowed", None)
    assert allow in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/v1/keys/", "/v1/keys/a/b/c", "/v1/billing", "/v1/billing/nothing"])
async def test_another_path_is_a_404(house: House, path: str) -> None:
    assert refusal(await house.ask("GET", path)) == (404, "unknown_url", None)


@pytest.mark.parametrize("key_id", ["key_unknown", "KEY", "x" * 5000, "%00", "key_%F0%9F%94%91", "..%2fother"])
async def test_an_id_that_no_key_can_have_is_a_404(house: House, key_id: str) -> None:
    assert (await house.ask("GET", f"/v1/keys/{key_id}")).status_code == 404


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
async def test_a_query_out_of_its_bounds_is_refused_by_its_name(house: House, path: str, param: str) -> None:
    status, code, found = refusal(await house.ask("GET", path))
    assert (status, found) == (400, param)
    assert code in {"invalid_value", "invalid_type"}


async def test_an_unknown_field_of_great_length_is_named_in_short(house: House) -> None:
    answer = await house.ask("PATCH", f"/v1/keys/{MANAGER_ID}", {"x" * 100_000: 1})
    assert refusal(answer)[:2] == (400, "unknown_parameter")
    assert len(answer.content) < 1_000


async def test_what_nobody_foresaw_is_a_500_that_tells_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> AccountState:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(house.money, "state", fail)
    answer = await house.ask("GET", "/v1/billing/balance")
    assert refusal(answer) == (500, "internal_error", None)
    assert "secret" not in answer.text
    assert answer.headers["x-trace-id"] == "trace-1"
