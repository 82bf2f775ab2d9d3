"""A key created under an Idempotency-Key is kept from all but its creator, and no attempt that died leaves one."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gateway.ports import KeyRecord
from tests.control_plane.harness import ACCOUNT, NOW_S, House

pytestmark = pytest.mark.anyio


class Death(BaseException):
    """The end of a process, as far as its code can see."""


async def create(house: House, once: str, name: str = "made", **rest: str) -> httpx.Response:
    return await house.ask("POST", "/v1/keys", {"name": name}, headers={"Idempotency-Key": once}, **rest)


async def names(house: House) -> list[str]:
    return sorted(key["name"] for key in (await house.ask("GET", "/v1/keys")).json()["data"])


async def test_many_at_the_same_time_make_one_key(house: House) -> None:
    answers = await asyncio.gather(*(create(house, "one") for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert await names(house) == ["first", "made"]


async def test_what_is_kept_tells_nobody_the_key(house: House) -> None:
    made = (await create(house, "one")).json()
    kept = b"".join(house.answers._bodies.values())
    assert kept
    assert made["full_key"].encode() not in kept
    assert b"key_id" not in kept


async def test_another_api_key_has_idempotency_keys_of_its_own(house: House) -> None:
    await house.give_key("sk-xc-second", KeyRecord("key_second", ACCOUNT, "second", "cond", int(NOW_S)))
    first = await create(house, "one")
    second = await create(house, "one", key="sk-xc-second")
    assert second.status_code == 201
    assert second.json()["full_key"] != first.json()["full_key"]


async def test_the_key_of_an_attempt_that_died_is_revoked_before_another_one_is_made(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> bool:
        raise Death

    with monkeypatch.context() as dying:
        dying.setattr(house.records, "finish", die)
        dying.setattr(house.records, "free", die)
        with pytest.raises(BaseExceptionGroup):
            await create(house, "one")
    house.clock.at_s += 31
    again = (await create(house, "one")).json()
    listed = (await house.ask("GET", "/v1/keys")).json()["data"]
    made = {key["key_id"]: key["revoked"] for key in listed if key["name"] == "made"}
    assert sorted(made.values()) == [False, True]
    assert made[again["key"]["key_id"]] is False
