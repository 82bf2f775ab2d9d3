"""Tests of the second factor: set-up, codes that are good once, recovery codes, and guesses."""

from __future__ import annotations

import asyncio
from typing import Any

import pyotp
import pytest

from tests.control_plane.harness import refusal
from tests.people.harness import JANE, NEW_PASSWORD, PASSWORD, House

pytestmark = pytest.mark.anyio
WRONG_CODE = (401, "invalid_code", "code")


class Device:
    """A person's phone, and the recovery codes that were written down."""

    def __init__(self, secret: str, token: str) -> None:
        self.codes = pyotp.TOTP(secret)
        self.token = token
        self.recovery: list[str] = []

    def code(self, house: House, steps: int = 0) -> str:
        return self.codes.at(int(house.nexgate.clock.now_s()) + 30 * steps)


async def enrolled(house: House) -> Device:
    """Registers a person with a second factor that is on."""
    await house.registered()
    token = (await house.signed_in())["access_token"]
    shown = (await house.post("2fa/setup", {"password": PASSWORD}, token)).json()
    assert shown["otpauth_uri"].startswith("otpauth://totp/Nexgate:jane%40example.com?secret=")
    device = Device(shown["secret"], token)
    answer = await house.post("2fa/enable", {"code": device.code(house)}, token)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
    device.recovery = answer.json()["recovery_codes"]
    house.later(30)
    return device


async def login(house: House, **more: Any) -> Any:
    return await house.post("login", {"email": JANE, "password": PASSWORD, **more})


async def test_a_log_in_needs_a_code_after_the_right_password_alone(house: House) -> None:
    device = await enrolled(house)
    assert refusal(await login(house)) == (401, "two_factor_required", "code")
    wrong = await house.post("login", {"email": JANE, "password": "not the password"})
    assert refusal(wrong) == (401, "invalid_credentials", None)
    assert (await login(house, code=device.code(house))).status_code == 200


async def test_a_secret_counts_once_a_code_of_it_was_confirmed(house: House) -> None:
    await house.registered()
    token = (await house.signed_in())["access_token"]
    assert refusal(await house.post("2fa/enable", {"code": "123456"}, token)) == WRONG_CODE
    secret = (await house.post("2fa/setup", {"password": PASSWORD}, token)).json()["secret"]
    status = (await house.ask("GET", "/v1/auth/2fa/status", token=token)).json()
    assert (status["enabled"], status["pending"]) == (False, True)
    assert (await login(house)).status_code == 200
    wrong = f"{(int(pyotp.TOTP(secret).at(int(house.nexgate.clock.now_s()))) + 1) % 10**6:06}"
    assert refusal(await house.post("2fa/enable", {"code": wrong}, token)) == WRONG_CODE
    assert (await login(house)).status_code == 200


async def test_a_set_up_needs_the_password(house: House) -> None:
    await house.registered()
    token = (await house.signed_in())["access_token"]
    refused = await house.post("2fa/setup", {"password": "not the password"}, token)
    assert refusal(refused) == (403, "invalid_credentials", "password")


async def test_a_code_is_good_once(house: House) -> None:
    device = await enrolled(house)
    code = device.code(house)
    assert (await login(house, code=code)).status_code == 200
    assert refusal(await login(house, code=code)) == WRONG_CODE
    house.later(30)
    # The step before the current one is within the clock's leave, and is used.
    assert refusal(await login(house, code=code)) == WRONG_CODE
    assert (await login(house, code=device.code(house))).status_code == 200


async def test_the_code_that_turned_the_factor_on_is_used(house: House) -> None:
    device = await enrolled(house)
    assert refusal(await login(house, code=device.code(house, -1))) == WRONG_CODE


async def test_an_older_step_is_refused_after_a_newer_one(house: House) -> None:
    device = await enrolled(house)
    assert (await login(house, code=device.code(house, 1))).status_code == 200
    assert refusal(await login(house, code=device.code(house))) == WRONG_CODE


@pytest.mark.parametrize(("steps", "status"), [(-1, 200), (0, 200), (1, 200), (-2, 401), (2, 401)])
async def test_a_clock_may_be_a_step_off(house: House, steps: int, status: int) -> None:
    device = await enrolled(house)
    house.later(300)
    assert (await login(house, code=device.code(house, steps))).status_code == status


async def test_of_uses_of_a_code_at_once_one_counts(house: House) -> None:
    device = await enrolled(house)
    for code in (device.code(house), device.recovery[0]):
        answers = await asyncio.gather(*(login(house, code=code) for _ in range(6)))
        assert [answer.status_code for answer in answers].count(200) == 1


async def test_a_recovery_code_is_good_once_however_it_is_written(house: House) -> None:
    device = await enrolled(house)
    assert len(set(device.recovery)) == 10
    assert (await login(house, code=device.recovery[0].upper().replace("-", " "))).status_code == 200
    assert refusal(await login(house, code=device.recovery[0])) == WRONG_CODE
    status = (await house.ask("GET", "/v1/auth/2fa/status", token=device.token)).json()
    assert (status["enabled"], status["recovery_codes_left"]) == (True, 9)


async def test_guesses_of_codes_are_bounded_from_all_sources_together(house: House) -> None:
    device = await enrolled(house)
    body = {"email": JANE, "password": PASSWORD, "code": "000000"}
    found = [(await house.post("login", body, ip=f"198.51.100.{n}")).status_code for n in range(11)]
    assert found == [401] * 10 + [429]
    right = {**body, "code": device.code(house)}
    assert (await house.post("login", right, ip="198.51.100.99")).status_code == 429


async def test_turning_the_factor_off_needs_password_and_code(house: House) -> None:
    device = await enrolled(house)
    refused = await house.post("2fa/disable", {"password": PASSWORD}, device.token)
    assert refusal(refused) == (401, "two_factor_required", "code")
    body = {"password": PASSWORD, "code": device.code(house)}
    assert (await house.post("2fa/disable", body, device.token)).json()["enabled"] is False
    assert (await login(house)).status_code == 200


async def test_a_change_of_the_password_needs_a_code_too(house: House) -> None:
    device = await enrolled(house)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert refusal(await house.post("change-password", change, device.token))[1] == "two_factor_required"
    change["code"] = device.code(house)
    assert (await house.post("change-password", change, device.token)).status_code == 200


async def test_the_secret_is_stored_sealed_and_opens_for_its_person_alone(house: House) -> None:
    from msgspec.structs import replace

    from gateway.errors import ServiceUnavailable

    device = await enrolled(house)
    (user,) = house.store.users.values()
    assert device.codes.secret not in repr(house.store.users)
    assert not any(code.replace("-", "") in repr(house.store.users) for code in device.recovery)
    with pytest.raises(ServiceUnavailable):
        await house.people.second_factor.used(replace(user, user_id="user_000000000000000009"), device.code(house))
