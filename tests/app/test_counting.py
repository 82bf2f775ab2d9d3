"""Tests that requests without a hold count before their work, on the streaming families."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal, key_hash
from gateway.errors import NotFound
from gateway.http.request import Request
from gateway.http.routes import JsonRoute
from tests.app.harness import ACCOUNT, KEY, RECORD, AppUnderTest, app_under_test, hello

pytestmark = pytest.mark.anyio


class Work:
    """A route's work, which counts how often it is done."""

    def __init__(self) -> None:
        self.done = 0

    async def __call__(self, _principal: Principal, _request: Request) -> bytes:
        self.done += 1
        return b"{}"


def app(work: Work, *, makes_work: bool, balance_usd: int = 1, **turned: Any) -> Any:
    """Builds an app whose every path does the work."""
    methods = ("GET", "POST", "DELETE")
    route = JsonRoute(dict.fromkeys(methods, work), makes_work=makes_work)
    return app_under_test("http://127.0.0.1:1", balance_usd=balance_usd, wire_at=lambda *_: route, **turned)


def limit(gateway: AppUnderTest, **settings: Any) -> None:
    """Sets the key's limits."""
    gateway.keys.records = {key_hash(KEY): replace(RECORD, **settings)}


async def test_what_makes_work_counts_beside_generations() -> None:
    work = Work()
    async with app(work, makes_work=True) as gateway:
        limit(gateway, rpm_limit=2)
        answers = [await gateway.ask({}, path="/count") for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 429, 429]
        assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0", "0"]
        assert (work.done, answers[-1].error["code"]) == (2, "rate_limit_exceeded")


async def test_what_makes_work_needs_a_balance() -> None:
    work = Work()
    async with app(work, makes_work=True, balance_usd=0) as gateway:
        answer = await gateway.ask({}, path="/count")
        assert (answer.status, answer.error["code"], work.done) == (402, "account_suspended", 0)


async def test_a_suspended_account_makes_no_work() -> None:
    work = Work()
    async with app(work, makes_work=True) as gateway:
        await gateway.money.set_account(ACCOUNT, disabled=True)
        answer = await gateway.ask({}, path="/count")
        assert (answer.status, work.done) == (402, 0)


async def test_reads_count_in_a_window_of_their_own() -> None:
    work = Work()
    async with app(work, makes_work=False, balance_usd=0, reads_rpm=3) as gateway:
        answers = [await gateway.ask(b"", path="/thing", method="GET") for _ in range(5)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
        headers = answers[-1].headers
        assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("3", "0")
        assert 1 <= int(headers["retry-after"]) <= 60
        assert work.done == 3


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/thing"), ("POST", "/thing/cancel")])
async def test_what_ends_something_waits_for_no_window(method: str, path: str) -> None:
    work = Work()
    async with app(work, makes_work=False) as gateway:
        for _ in range(601):
            await gateway.ask(b"", path="/thing", method="GET")
        assert (await gateway.ask(b"", path=path, method=method)).status == 200


async def test_a_request_that_is_refused_before_its_admission_counts_as_a_read() -> None:
    async with app_under_test("http://127.0.0.1:1") as gateway:
        assert (await gateway.ask(b"{")).status == 400
        account = gateway.money._accounts[ACCOUNT]
        assert (account.key_reads, account.key_used) == ({RECORD.key_id: 1}, {})


async def test_refusals_that_no_admission_has_seen_are_refused_by_the_window_of_reads() -> None:
    async with app_under_test("http://127.0.0.1:1", reads_rpm=3) as gateway:
        answers = [
            await gateway.ask(b"{"),
            await gateway.ask(b"", path="/v1/none"),
            await gateway.ask(b"", method="GET"),
            await gateway.ask(b"{"),
            await gateway.ask(b"", method="GET"),
        ]
        assert [answer.status for answer in answers] == [400, 404, 405, 429, 429]
        assert (answers[-1].headers["x-ratelimit-limit"], answers[-1].headers["x-ratelimit-remaining"]) == ("3", "0")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


async def test_a_refused_read_counts_once() -> None:
    async def missing(_principal: Principal, _request: Request) -> bytes:
        raise NotFound("There is none.")

    route = JsonRoute({"GET": missing}, makes_work=False)
    async with app_under_test("http://127.0.0.1:1", wire_at=lambda *_: route) as gateway:
        assert (await gateway.ask(b"", path="/thing", method="GET")).status == 404
        assert gateway.money._accounts[ACCOUNT].key_reads == {RECORD.key_id: 1}


async def test_a_refusal_that_stands_comes_before_the_body_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async with app_under_test("http://127.0.0.1:1") as gateway:
        limit(gateway, rpm_limit=0)
        refused = await gateway.ask(hello())
        assert refused.status == 429
        outcome = await gateway.money.count(gateway_call(), gateway.clock.now_s())
        monkeypatch.setattr(gateway.money, "standing_refusal", lambda *_: outcome)
        assert (await gateway.ask(b"{")).status == 429
        assert (await gateway.ask(b"{", headers={"idempotency-key": "kept"})).status == 400


def gateway_call() -> Any:
    """Builds a call that is always refused."""
    from gateway.canonical.money import CountedCall

    return CountedCall(ACCOUNT, RECORD.key_id, 0)
