"""Tests of passwords: their hash, their change and reset; and that a reset tells no stranger who is registered."""

from __future__ import annotations

import asyncio

import pytest

from gateway.people.credentials import NOWHERE
from gateway.people.passwords import MEMORY_KIB, NONE_MATCHES, TIME_COST, Passwords
from tests.control_plane.harness import refusal
from tests.people.harness import JANE, NEW_PASSWORD, PASSWORD, House, work_of

pytestmark = pytest.mark.anyio
BAD_LINK = (400, "invalid_token", "token")


async def reset(house: House, token: str, password: str = NEW_PASSWORD) -> tuple[int, str | None]:
    answer = await house.post("reset-password", {"token": token, "new_password": password})
    return answer.status_code, answer.json().get("error", {}).get("code")


async def test_a_hash_is_argon2id_by_the_parameters_and_matches_its_password_alone() -> None:
    passwords = Passwords()
    made = passwords.hashed(PASSWORD)
    assert made.startswith(f"$argon2id$v=19$m={MEMORY_KIB},t={TIME_COST},p=1$")
    assert made != passwords.hashed(PASSWORD)
    assert (passwords.matches(made, PASSWORD), passwords.matches(made, NEW_PASSWORD)) == (True, False)
    assert not passwords.is_dated(made)
    assert passwords.is_dated(made.replace("t=2", "t=1"))


async def test_a_password_is_the_same_however_a_keyboard_composes_it() -> None:
    made = Passwords().hashed("cafe\u0301 au lait")
    assert Passwords().matches(made, "caf\u00e9 au lait")


@pytest.mark.parametrize("given", [PASSWORD, "", NONE_MATCHES])
async def test_a_stranger_has_no_password_and_takes_the_work_of_one(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon2 import PasswordHasher
    from argon2.exceptions import VerifyMismatchError

    refused: list[str] = []
    verify = PasswordHasher.verify

    def noted(self: PasswordHasher, known: str | bytes, password: str | bytes) -> bool:
        try:
            return verify(self, known, password)
        except VerifyMismatchError:
            refused.append(str(known))
            raise

    monkeypatch.setattr(PasswordHasher, "verify", noted)
    assert Passwords().matches(None, given) is False
    # It was compared, and is no malformed hash that is refused at once; and by the parameters of all hashes.
    assert refused == [NONE_MATCHES]
    assert not Passwords().is_dated(NONE_MATCHES)


async def test_a_hash_that_is_none_matches_nothing() -> None:
    assert Passwords().matches("no hash", PASSWORD) is False


async def test_a_change_ends_every_session_and_tells_the_person(house: House) -> None:
    await house.registered()
    one, other = await house.signed_in(), await house.signed_in()
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await house.post("change-password", change, one["access_token"])).status_code == 200
    for tokens in (one, other):
        assert (await house.ask("GET", "/v1/auth/me", token=tokens["access_token"])).status_code == 401
        assert (await house.post("refresh", {"refresh_token": tokens["refresh_token"]})).status_code == 401
    assert (house.mail.letters[-1].to, house.mail.letters[-1].subject) == (JANE, "Your account was changed")
    assert (await house.post("login", {"email": JANE, "password": PASSWORD})).status_code == 401
    await house.signed_in(password=NEW_PASSWORD)


async def test_a_change_needs_the_password_so_far_and_guesses_are_bounded(house: House) -> None:
    await house.registered()
    token = (await house.signed_in())["access_token"]
    change = {"current_password": "not the password", "new_password": NEW_PASSWORD}
    for _ in range(10):
        answer = await house.post("change-password", change, token)
        assert refusal(answer) == (403, "invalid_credentials", "current_password")
    right = {**change, "current_password": PASSWORD}
    assert (await house.post("change-password", right, token)).status_code == 429


async def test_a_change_stands_when_its_letter_cannot_be_sent(house: House) -> None:
    await house.registered()
    token = (await house.signed_in())["access_token"]
    house.mail.is_down = True
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await house.post("change-password", change, token)).status_code == 200
    await house.signed_in(password=NEW_PASSWORD)


async def test_a_reset_is_good_once_and_ends_every_session(house: House) -> None:
    await house.registered()
    session = await house.signed_in()
    await house.post("forgot-password", {"email": JANE})
    token = house.mailed_token()
    assert await reset(house, token) == (200, None)
    assert await reset(house, token) == (400, "invalid_token")
    assert (await house.ask("GET", "/v1/auth/me", token=session["access_token"])).status_code == 401
    await house.signed_in(password=NEW_PASSWORD)


async def test_of_resets_by_one_token_at_once_one_counts(house: House) -> None:
    await house.registered()
    await house.post("forgot-password", {"email": JANE})
    token = house.mailed_token()
    answers = await asyncio.gather(*(reset(house, token, f"{NEW_PASSWORD} {n}") for n in range(8)))
    assert [status for status, _ in answers].count(200) == 1


async def test_a_reset_expires_after_an_hour_and_with_any_new_password(house: House) -> None:
    await house.registered()
    tokens = []
    for _ in range(3):
        await house.post("forgot-password", {"email": JANE})
        tokens.append(house.mailed_token())
    assert await reset(house, tokens[0]) == (200, None)
    assert await reset(house, tokens[1]) == (400, "invalid_token")
    await house.post("forgot-password", {"email": JANE})
    token = house.mailed_token()
    house.later(3600)
    assert await reset(house, token) == (400, "invalid_token")


async def test_a_registrations_token_resets_nothing_and_a_resets_registers_nothing(house: House) -> None:
    await house.registered()
    await house.post("register", {"email": "new@example.com", "password": PASSWORD})
    assert await reset(house, house.mailed_token()) == (400, "invalid_token")
    await house.post("forgot-password", {"email": JANE})
    assert refusal(await house.post("verify-email", {"token": house.mailed_token()})) == BAD_LINK


async def test_a_reset_for_an_unknown_address_is_the_same_work_and_its_letter_goes_nowhere(house: House) -> None:
    await house.registered()
    asked = []
    for email in ("unknown@example.com", JANE):
        before = house.work()
        answer = await house.post("forgot-password", {"email": email})
        asked.append((answer.status_code, answer.content, work_of(before, house.work())))
    assert asked[0] == asked[1]
    assert asked[0][2] == {"count": 2, "user_id_at": 1, "user": 1, "keep_token": 1, "letters": 1, "entries": 1}
    assert [letter.to for letter in house.mail.letters[-2:]] == [NOWHERE, JANE]
    assert await reset(house, house.mailed_token(house.mail.letters[-2])) == (400, "invalid_token")
