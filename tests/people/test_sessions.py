"""Tests of sessions: access and refresh tokens, their rotation, their theft, and what ends them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.people.tokens import hashed
from tests.control_plane.harness import refusal
from tests.people.harness import House

pytestmark = pytest.mark.anyio
OVER = (401, "invalid_session", None)


async def me(house: House, token: str) -> tuple[int, Any]:
    answer = await house.ask("GET", "/v1/auth/me", token=token)
    return answer.status_code, answer.json().get("email") or answer.json()["error"]["code"]


async def refreshed(house: House, token: str, **headers: str) -> Any:
    return await house.post("refresh", {"refresh_token": token}, **headers)


async def test_a_session_is_its_persons_for_fifteen_minutes_and_goes_on_by_its_refresh_token(house: House) -> None:
    made = await house.registered()
    tokens = await house.signed_in()
    assert (tokens["token_type"], tokens["expires_in"], tokens["refresh_expires_in"]) == ("Bearer", 900, 30 * 86_400)
    assert (await house.ask("GET", "/v1/auth/me", token=tokens["access_token"])).json() == made
    house.later(899)
    assert (await me(house, tokens["access_token"]))[0] == 200
    house.later(1)
    assert await me(house, tokens["access_token"]) == (401, "expired_session")
    answer = await refreshed(house, tokens["refresh_token"])
    assert answer.headers["cache-control"] == "no-store"
    assert (await me(house, answer.json()["access_token"]))[0] == 200


async def test_no_token_is_stored(house: House) -> None:
    await house.registered()
    tokens = await house.signed_in()
    stored = repr(house.store.stored_sessions) + repr(house.store.users)
    for name in ("access_token", "refresh_token"):
        assert tokens[name] not in stored
        assert hashed(tokens[name]) in stored


async def test_a_token_is_good_for_its_own_use_alone(house: House) -> None:
    await house.registered()
    tokens = await house.signed_in()
    assert (await me(house, tokens["refresh_token"]))[0] == 401
    assert refusal(await refreshed(house, tokens["access_token"])) == OVER
    # Neither was a use of the session's tokens that would end it.
    assert (await me(house, tokens["access_token"]))[0] == 200


async def test_a_refresh_token_that_is_used_twice_ends_its_session(house: House) -> None:
    await house.registered()
    tokens, other = await house.signed_in(), await house.signed_in()
    again = (await refreshed(house, tokens["refresh_token"])).json()
    assert refusal(await refreshed(house, tokens["refresh_token"])) == OVER
    for name in (tokens["access_token"], again["access_token"]):
        assert await me(house, name) == (401, "invalid_session")
    assert refusal(await refreshed(house, again["refresh_token"])) == OVER
    assert (await me(house, other["access_token"]))[0] == 200


async def test_an_older_refresh_token_ends_its_session_too(house: House) -> None:
    await house.registered()
    oldest = await house.signed_in()
    second = (await refreshed(house, oldest["refresh_token"])).json()
    third = (await refreshed(house, second["refresh_token"])).json()
    assert refusal(await refreshed(house, oldest["refresh_token"])) == OVER
    assert await me(house, third["access_token"]) == (401, "invalid_session")


async def test_a_repeat_with_its_idempotency_key_gets_the_lost_tokens_again(house: House) -> None:
    await house.registered()
    tokens = await house.signed_in()
    first, again = [(await refreshed(house, tokens["refresh_token"], Idempotency_Key="once")).json() for _ in range(2)]
    assert again == first
    assert (await me(house, again["access_token"]))[0] == 200
    # Under another key it is another use.
    assert refusal(await refreshed(house, tokens["refresh_token"], Idempotency_Key="twice")) == OVER
    assert await me(house, first["access_token"]) == (401, "invalid_session")


async def test_a_repeat_is_none_once_the_tokens_were_replaced_again(house: House) -> None:
    await house.registered()
    tokens = await house.signed_in()
    first = (await refreshed(house, tokens["refresh_token"], Idempotency_Key="once")).json()
    await refreshed(house, first["refresh_token"], Idempotency_Key="later")
    assert refusal(await refreshed(house, tokens["refresh_token"], Idempotency_Key="once")) == OVER


async def test_what_the_store_knows_does_not_tell_the_next_tokens(house: House) -> None:
    await house.registered()
    tokens = await house.signed_in()
    first = (await refreshed(house, tokens["refresh_token"])).json()
    (session,) = house.store.stored_sessions.values()
    known = {getattr(session, name) for name in session.__struct_fields__}
    assert not any(str(value) and str(value) in first["refresh_token"] for value in known if value not in {1, 0, ""})


async def test_fifty_uses_at_once_have_one_winner_whose_session_ends(house: House) -> None:
    await house.registered()
    tokens = await house.signed_in()
    answers = await asyncio.gather(*(refreshed(house, tokens["refresh_token"]) for _ in range(50)))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert await me(house, won[0]["access_token"]) == (401, "invalid_session")


async def test_the_access_token_before_a_rotation_is_good_to_its_own_end(house: House) -> None:
    await house.registered()
    tokens = await house.signed_in()
    house.later(600)
    await refreshed(house, tokens["refresh_token"])
    assert (await me(house, tokens["access_token"]))[0] == 200
    house.later(300)
    assert await me(house, tokens["access_token"]) == (401, "expired_session")


async def test_a_session_that_is_not_refreshed_ends_after_thirty_days(house: House) -> None:
    await house.registered()
    tokens = await house.signed_in()
    house.later(30 * 86_400)
    assert refusal(await refreshed(house, tokens["refresh_token"])) == OVER


async def test_a_session_ends_after_half_a_year_however_often_it_is_refreshed(house: House) -> None:
    await house.registered()
    tokens = await house.signed_in()
    for _ in range(6):
        house.later(29 * 86_400)
        tokens = (await refreshed(house, tokens["refresh_token"])).json()
    assert tokens["refresh_expires_in"] == 6 * 86_400
    house.later(6 * 86_400)
    assert refusal(await refreshed(house, tokens["refresh_token"])) == OVER


async def test_a_logout_ends_one_session(house: House) -> None:
    await house.registered()
    one, other = await house.signed_in(), await house.signed_in()
    assert (await house.post("logout", token=one["access_token"])).json()["ended"] is True
    assert await me(house, one["access_token"]) == (401, "invalid_session")
    assert refusal(await refreshed(house, one["refresh_token"])) == OVER
    assert (await me(house, other["access_token"]))[0] == 200


async def test_sessions_are_listed_and_ended_by_their_own_person_alone(house: House) -> None:
    await house.registered()
    await house.registered("eve@example.com")
    one, other = await house.signed_in(), await house.signed_in()
    eve = await house.signed_in("eve@example.com")
    listed = (await house.ask("GET", "/v1/auth/sessions", token=one["access_token"])).json()["data"]
    assert {row["session_id"]: row["current"] for row in listed} == {
        one["session_id"]: True,
        other["session_id"]: False,
    }
    await house.ask("DELETE", f"/v1/auth/sessions/{other['session_id']}", token=eve["access_token"])
    assert (await me(house, other["access_token"]))[0] == 200
    await house.ask("DELETE", f"/v1/auth/sessions/{other['session_id']}", token=one["access_token"])
    assert await me(house, other["access_token"]) == (401, "invalid_session")
    assert (await me(house, one["access_token"]))[0] == 200


@pytest.mark.parametrize("text", ["", "nxa_", "nxa_" + "0" * 83, "nxr_" + "0" * 83, "nxa_" + "ü" * 83])
async def test_a_text_that_is_no_token_is_refused(house: House, text: str) -> None:
    assert (await refreshed(house, text.ljust(20))).status_code == 401
