"""Tests of what people leave in the audit logs of their accounts, and that no unknown address costs less."""

from __future__ import annotations

import pytest

from gateway.audit.entries import UNKNOWN_PREFIX
from gateway.people.signing_in import STRANGER
from gateway.ports.audit import AuditEntry
from tests.control_plane.harness import CALLER_IP
from tests.people.harness import JANE, NEW_PASSWORD, PASSWORD, House, work_of

pytestmark = pytest.mark.anyio
WRONG = "none of its passwords"


async def told(house: House, since: int = 0) -> list[AuditEntry]:
    """Returns the entries of Jane's account, but for the first ones."""
    account_id = next(one.account_id for one in house.store.users.values() if one.email in {JANE, ""})
    return house.nexgate.audit.of(account_id)[since:]


async def test_a_registration_and_a_log_in_are_told_with_their_source(house: House) -> None:
    jane = await house.registered()
    house.later(1)
    session = await house.signed_in()
    created, opened = await told(house)
    assert (created.action, created.target, created.actor.user_id) == (
        "account.created",
        jane["account_id"],
        jane["user_id"],
    )
    assert (opened.action, opened.target) == ("session.opened", session["session_id"])
    assert (opened.actor.user_id, opened.actor.key_id, opened.source) == (jane["user_id"], None, CALLER_IP)


async def test_the_source_of_an_entry_is_shortened(house: House) -> None:
    await house.registered()
    house.later(1)
    await house.post("login", {"email": JANE, "password": WRONG}, ip="2001:db8:1:2:3:4:5:6")
    assert (await told(house))[-1].source == "2001:0db8:0001:0002::/64"


async def test_a_refused_log_in_is_told_of_a_known_account_without_naming_the_person_as_its_actor(house: House) -> None:
    jane = await house.registered()
    house.later(1)
    assert (await house.post("login", {"email": JANE, "password": WRONG})).status_code == 401
    refused = (await told(house))[-1]
    assert (refused.action, refused.target, refused.note) == (
        "session.refused",
        jane["user_id"],
        "invalid_credentials",
    )
    assert refused.actor.user_id is None


@pytest.mark.parametrize("path", ["login", "forgot-password"])
async def test_an_unknown_address_costs_the_entry_of_a_known_one(house: House, path: str) -> None:
    await house.registered()
    counted = []
    for email in (JANE, "unknown@example.com"):
        before = house.work()
        body = {"email": email, "password": WRONG} if path == "login" else {"email": email}
        await house.post(path, body)
        counted.append(work_of(before, house.work()))
    assert counted[0] == counted[1]
    assert counted[0]["entries"] == 1
    (bin_entry,) = [one for one in house.nexgate.audit.entries.values() if one.account_id.startswith(UNKNOWN_PREFIX)]
    assert bin_entry.target == STRANGER


async def test_a_password_is_told_when_it_changes_and_never_shown(house: House) -> None:
    await house.registered()
    token = (await house.signed_in())["access_token"]
    house.later(1)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await house.post("change-password", change, token)).status_code == 200
    house.later(1)
    assert (await house.post("forgot-password", {"email": JANE})).status_code == 202
    house.later(1)
    reset = {"token": house.mailed_token(house.mail.letters[-1]), "new_password": PASSWORD}
    assert (await house.post("reset-password", reset)).status_code == 200
    entries = await told(house, 2)
    assert [one.action for one in entries] == ["password.changed", "password.reset_requested", "password.reset"]
    assert not any(secret in str(one) for secret in (PASSWORD, NEW_PASSWORD, reset["token"], JANE) for one in entries)


async def test_a_refused_change_of_the_password_is_not_told_as_done(house: House) -> None:
    await house.registered()
    token = (await house.signed_in())["access_token"]
    change = {"current_password": WRONG, "new_password": NEW_PASSWORD}
    assert (await house.post("change-password", change, token)).status_code == 403
    assert [one.action for one in await told(house) if one.action.startswith("password")] == []


async def test_sessions_are_told_when_they_end_by_their_person_or_by_a_stolen_token(house: House) -> None:
    await house.registered()
    first, second = await house.signed_in(), await house.signed_in()
    house.later(1)
    assert (await house.post("logout", token=first["access_token"])).status_code == 200
    house.later(1)
    for _ in range(2):
        await house.post("refresh", {"refresh_token": second["refresh_token"]})
    ended = [one for one in await told(house) if one.action == "session.ended"]
    assert [(one.target, one.outcome, bool(one.note)) for one in ended] == [
        (first["session_id"], "begun", False),
        (second["session_id"], "begun", True),
    ]
    assert [one.actor.user_id is None for one in ended] == [False, True]


async def test_the_end_of_an_account_is_told_and_its_log_stays(house: House) -> None:
    await house.registered()
    token = (await house.signed_in())["access_token"]
    house.later(1)
    assert (await house.post("deactivate", {"password": PASSWORD}, token)).status_code == 200
    entries = await told(house)
    assert entries[-1].action == "account.deactivated"
    assert not any(JANE in str(one) for one in entries)
