"""Tests that uploads, presigned forms and references are admitted before their work."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.money import AccountState, CountedCall, Refusal
from gateway.ports.keys import KeyRecord
from tests.control_plane.harness import NOW_S, refusal
from tests.generation.studio import ACCOUNT, PNG, Studio

pytestmark = pytest.mark.anyio

CAT = "https://pictures.example/cat.png"
ANIMATED = {"model": "runway-gen4", "prompt": "waves crash", "duration_sec": 5, "reference_image_url": CAT}
PRESIGN = {"purpose": "reference_image", "size": 5_000_000, "type": "image/png"}
EMPTY = "sk-xc-empty"
# What makes work and holds no money.
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/generation/upload", {"files": {"file": ("a.png", PNG)}}),
    ("/v1/files/presign", {"json": PRESIGN}),
]


async def limited(studio: Studio, rpm_limit: int) -> str:
    """Gives the account another key, with that many requests a minute."""
    record = KeyRecord("key_slow", ACCOUNT, "slow", "slow", int(NOW_S), rpm_limit=rpm_limit)
    await studio.give_key("sk-xc-slow", record)
    return "sk-xc-slow"


async def without_balance(studio: Studio) -> str:
    """Opens an account without a balance and returns its key."""
    await studio.money.open_account("acct_empty", 1_000)
    await studio.give_key(EMPTY, KeyRecord("key_empty", "acct_empty", "empty", "empt", int(NOW_S)))
    return EMPTY


@pytest.mark.parametrize(("path", "call"), CALLS)
async def test_a_file_counts_beside_generations(studio: Studio, path: str, call: dict[str, Any]) -> None:
    key = await limited(studio, 1)
    answers = [await studio.ask("POST", path, key=key, **call) for _ in range(2)]
    assert (answers[0].status_code, answers[0].headers["x-ratelimit-remaining"]) == (201, "0")
    assert refusal(answers[1]) == (429, "rate_limit_exceeded", None)


@pytest.mark.parametrize(("path", "call"), CALLS)
async def test_an_account_without_a_balance_stores_no_file(studio: Studio, path: str, call: dict[str, Any]) -> None:
    answer = await studio.ask("POST", path, key=await without_balance(studio), **call)
    assert refusal(answer) == (402, "account_suspended", None)


async def test_an_upload_is_refused_before_it_is_read(studio: Studio) -> None:
    key = await without_balance(studio)
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await studio.ask("POST", "/v1/generation/upload", b"no form at all", key=key, headers=headers)
    assert answer.status_code == 402


async def test_no_reference_is_fetched_for_an_account_without_a_balance(studio: Studio) -> None:
    studio.web.files[CAT] = PNG
    answer = await studio.ask("POST", "/v1/videos/generations", ANIMATED, key=await without_balance(studio))
    assert answer.status_code == 402
    assert studio.web.asked == []


async def test_a_refused_order_bears_the_window_that_refused_it(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, count = await limited(studio, 1), studio.money.count

    async def count_before_another(call: CountedCall, now_s: float) -> AccountState | Refusal | None:
        counted = await count(call, now_s)
        await count(replace(call, reads_limit=None), now_s)
        return counted

    monkeypatch.setattr(studio.money, "count", count_before_another)
    refused = await studio.ask("POST", "/v1/videos/generations", ANIMATED, key=key)
    told = [refused.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "reset")]
    assert (refused.status_code, told) == (429, ["1", "0", refused.headers["retry-after"]])


async def test_as_many_references_are_fetched_as_requests_are_admitted(studio: Studio) -> None:
    studio.web.files[CAT] = PNG
    key = await limited(studio, 2)
    asking = [studio.ask("POST", "/v1/videos/generations", ANIMATED, key=key) for _ in range(6)]
    statuses = [answer.status_code for answer in await asyncio.gather(*asking)]
    assert sorted(statuses) == [202, 202, 429, 429, 429, 429]
    assert studio.web.asked == [CAT] * 2


async def test_a_reference_that_is_refused_leaves_neither_hold_nor_job(studio: Studio) -> None:
    before = await studio.free_nanousd()
    answer = await studio.ask("POST", "/v1/videos/generations", ANIMATED)
    assert refusal(answer) == (400, None, "reference_image_url")
    assert (await studio.free_nanousd(), studio.executions.started) == (before, [])
    assert (await studio.ask("GET", "/v1/generation/jobs")).json()["data"] == []


async def test_a_key_opens_no_more_jobs_at_once_than_it_may(studio: Studio) -> None:
    record = KeyRecord("key_one", ACCOUNT, "one", "one1", int(NOW_S), max_parallel=1)
    await studio.give_key("sk-xc-one", record)
    first = await studio.create(key="sk-xc-one")
    refused = await studio.ask("POST", "/v1/3d/generations", {"model": "hunyuan-3d-2", "prompt": "a"}, key="sk-xc-one")
    assert refusal(refused) == (429, "rate_limit_exceeded", None)
    await studio.succeed(first)
    await studio.create(key="sk-xc-one")
