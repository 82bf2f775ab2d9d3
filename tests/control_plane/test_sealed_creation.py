"""Tests that only its creator can read a key made under an Idempotency-Key, and no failed attempt leaves one."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gateway.ports.keys import KeyRecord
from tests.control_plane.harness import ACCOUNT, NOW_S, AppUnderTest

pytestmark = pytest.mark.anyio


class Death(BaseException):
    """The end of a process, as far as its code can see."""


async def create(nexgate: AppUnderTest, once: str, name: str = "made", **rest: str) -> httpx.Response:
    return await nexgate.ask("POST", "/v1/keys", {"name": name}, headers={"Idempotency-Key": once}, **rest)


async def names(nexgate: AppUnderTest) -> list[str]:
    return sorted(key["name"] for key in (await nexgate.ask("GET", "/v1/keys")).json()["data"])


async def test_many_at_the_same_time_make_one_key(nexgate: AppUnderTest) -> None:
    answers = await asyncio.gather(*(create(nexgate, "one") for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert await names(nexgate) == ["first", "made"]


async def test_what_is_kept_does_not_show_the_key(nexgate: AppUnderTest) -> None:
    made = (await create(nexgate, "one")).json()
    kept = b"".join(nexgate.answers._bodies.values())
    assert kept
    assert made["full_key"].encode() not in kept
    assert b"key_id" not in kept


async def test_another_api_key_has_idempotency_keys_of_its_own(nexgate: AppUnderTest) -> None:
    await nexgate.give_key("sk-xc-second", KeyRecord("key_second", ACCOUNT, "second", "cond", int(NOW_S)))
    first = await create(nexgate, "one")
    second = await create(nexgate, "one", key="sk-xc-second")
    assert second.status_code == 201
    assert second.json()["full_key"] != first.json()["full_key"]


async def test_the_key_of_an_attempt_that_died_is_revoked_before_another_one_is_made(
    nexgate: AppUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> bool:
        raise Death

    with monkeypatch.context() as dying:
        dying.setattr(nexgate.records, "finish", die)
        dying.setattr(nexgate.records, "free", die)
        with pytest.raises(Death):
            await create(nexgate, "one")
    nexgate.clock.at_s += 31
    again = (await create(nexgate, "one")).json()
    listed = (await nexgate.ask("GET", "/v1/keys")).json()["data"]
    made = {key["key_id"]: key["revoked"] for key in listed if key["name"] == "made"}
    assert sorted(made.values()) == [False, True]
    assert made[again["key"]["key_id"]] is False
