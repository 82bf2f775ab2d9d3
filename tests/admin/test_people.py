"""Tests that an operator can find people and organizations, keep a person out, let it in again, and unlock it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.admin.acts import kept
from gateway.admin.commands import COMMANDS, parser
from gateway.errors import NotFound
from gateway.people import attempts
from gateway.people.attempts import LOOK_AGAIN_S, PAIR
from gateway.people.tokens import hashed
from gateway.ports.organizations import Member, Organization
from tests.control_plane.harness import CALLER_IP, NOW_S
from tests.fakes.audit import MemoryAudit
from tests.fakes.directory import MemoryDirectory
from tests.people.harness import JANE, PASSWORD, House

pytestmark = pytest.mark.anyio
WHY = ("--by", "ann", "--why", "a ticket")
MANAGING = {"name": "managing", "can_manage_keys": True}


class Desk:
    """An operator's desk over the stores of a house."""

    def __init__(self) -> None:
        self.house = House()
        on = self.house.nexgate
        self.services: Any = SimpleNamespace(
            money=on.money,
            key_store=on.keys,
            clock=on.clock,
            people=on.people,
            organizations=on.organizations,
            directory=MemoryDirectory(on.people, on.organizations),
            audit=MemoryAudit(),
        )

    async def run(self, *words: str) -> dict[str, Any]:
        arguments = parser().parse_args(["--stack", "s", *words])
        return await kept(COMMANDS[arguments.command], self.services, arguments)

    async def organization(self, *user_ids: str) -> Organization:
        """Adds an organization with these members, of whom the first owns it."""
        made = Organization("org_1", "Acme Inc", int(NOW_S), members=len(user_ids), seats=len(user_ids))
        await self.house.nexgate.money.open_account(made.account_id, 100)
        members = [
            Member("org_1", user_id, "", "owner" if seat == 1 else "developer", seat, int(NOW_S))
            for seat, user_id in enumerate(user_ids, 1)
        ]
        assert await self.services.organizations.change(made, instead_of=None, members=[(one, None) for one in members])
        return made


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_people_are_listed_the_newest_first_and_found_by_id_or_address(desk: Desk) -> None:
    jane = await desk.house.registered()
    desk.house.later(10)
    joe = await desk.house.registered("joe@example.com")
    listed = await desk.run("users", "list")
    assert ([one["email"] for one in listed["users"]], listed["of"]) == (["joe@example.com", JANE], 2)
    assert [one["email"] for one in (await desk.run("users", "list", "--limit", "1"))["users"]] == ["joe@example.com"]
    await desk.house.signed_in()
    await desk.organization(jane["user_id"], joe["user_id"])
    for named in (jane["user_id"], " Jane@Example.com"):
        shown = await desk.run("users", "show", named)
        assert (shown["user_id"], shown["organizations"], shown["sessions"]) == (jane["user_id"], ["org_1"], 1)
        assert (shown["account_suspended"], shown["disabled"], shown["keys"]) == (False, False, [])
        assert "hash of" not in str(shown)
    # An address may begin as an id does.
    like_an_id = await desk.house.registered("user_jane@example.com")
    assert (await desk.run("users", "show", "user_jane@example.com"))["user_id"] == like_an_id["user_id"]
    for named in ("user_none", "none@example.com"):
        with pytest.raises(NotFound):
            await desk.run("users", "show", named)


async def test_a_person_that_is_kept_out_can_do_nothing_by_session_password_reset_or_key(desk: Desk) -> None:
    house = desk.house
    jane = await house.registered()
    token = (await house.signed_in())["access_token"]
    key = (await house.ask("POST", "/keys", MANAGING, token)).json()["full_key"]
    await house.post("forgot-password", {"email": JANE})
    reset = house.mailed_token()
    kept_out = await desk.run("users", "disable", JANE, *WHY)
    assert (kept_out["disabled"], [one["account_id"] for one in kept_out["keys_disabled"]]) == (
        True,
        [jane["account_id"]],
    )
    assert (await house.ask("GET", "/v1/auth/me", token=token)).status_code == 401
    assert (await house.post("login", {"email": JANE, "password": PASSWORD})).json()["error"]["code"] == (
        "invalid_credentials"
    )
    assert (await house.post("reset-password", {"token": reset, "new_password": "other horses"})).status_code == 400
    assert (await house.ask("GET", "/v1/auth/me", token=key)).status_code in {401, 403}
    account = await house.nexgate.money.state(jane["account_id"], "", 0, NOW_S)
    assert account is not None
    assert account.disabled
    # A repeat changes nothing.
    assert (await desk.run("users", "disable", jane["user_id"], *WHY))["keys_disabled"] == []
    let_in = await desk.run("users", "enable", JANE, *WHY)
    assert (let_in["disabled"], len(let_in["keys_disabled"])) == (False, 1)
    assert (await house.ask("GET", "/v1/auth/me", token=token)).status_code == 401
    await house.signed_in()


async def test_a_managing_key_of_a_person_that_is_kept_out_stands_for_no_person(desk: Desk) -> None:
    jane = await desk.house.registered()
    token = (await desk.house.signed_in())["access_token"]
    made = (await desk.house.ask("POST", "/keys", MANAGING, token)).json()
    await desk.run("users", "disable", JANE, *WHY)
    key_id = made["key"]["key_id"]
    await desk.house.nexgate.keys.change(jane["account_id"], key_id, {"disabled": False})
    answer = await desk.house.ask("PATCH", "/v1/auth/profile", {"full_name": "J"}, token=made["full_key"])
    assert answer.status_code == 404


async def test_keys_that_a_person_has_made_in_an_organization_stop_and_those_of_others_go_on(desk: Desk) -> None:
    house = desk.house
    jane, joe = await house.registered(), await house.registered("joe@example.com")
    organization = await desk.organization(joe["user_id"], jane["user_id"])
    made = {}
    for email in (JANE, "joe@example.com"):
        token = (await house.signed_in(email))["access_token"]
        headers = {"X-Nexevo-Organization": "org_1"}
        answer = await house.nexgate.ask("POST", "/keys", {"name": email}, token, headers=headers)
        made[email] = answer.json()["key"]["key_id"]
    stopped = await desk.run("users", "disable", JANE, *WHY)
    assert stopped["keys_disabled"] == [{"account_id": organization.account_id, "key_id": made[JANE]}]
    (entry,) = desk.services.audit.of(organization.account_id)
    assert (entry.action, entry.target, entry.actor.operator) == ("operator.users_disable", made[JANE], "ann")
    # A log has no address: the person is named by its id.
    (own,) = desk.services.audit.of(jane["account_id"])
    assert (own.target, own.note) == (jane["user_id"], "a ticket")
    keys = {key.key_id: key.disabled for key in await house.nexgate.keys.page(organization.account_id, limit=9)}
    assert keys == {made[JANE]: True, made["joe@example.com"]: False}
    state = await house.nexgate.money.state(organization.account_id, "", 0, NOW_S)
    assert state is not None
    assert not state.disabled


async def test_a_person_that_was_locked_out_by_attempts_is_unlocked_within_a_minute(desk: Desk) -> None:
    await desk.house.registered()
    wrong, right = ({"email": JANE, "password": password} for password in ("a wrong guess", PASSWORD))
    for _ in range(PAIR.limit):
        assert (await desk.house.post("login", wrong)).status_code == 401
    assert (await desk.house.post("login", right)).status_code == 429
    await desk.run("users", "unlock", JANE, *WHY)
    desk.house.later(LOOK_AGAIN_S)
    assert (await desk.house.post("login", right)).status_code == 429
    assert (await desk.run("users", "unlock", JANE, "--source", CALLER_IP, *WHY))["unlocked"]
    assert (await desk.house.post("login", right)).status_code == 429
    desk.house.later(LOOK_AGAIN_S)
    assert (await desk.house.post("login", right)).status_code == 200


async def test_no_window_of_a_person_or_of_its_source_stays_full(desk: Desk) -> None:
    user_id = (await desk.house.registered())["user_id"]
    about = {"login-pair": (JANE, CALLER_IP), **dict.fromkeys(("login-address", "mails-to"), (JANE,))}
    about |= dict.fromkeys(("codes", "proofs"), (user_id,))
    # The letters of an account's tasks are bounded too, and keep out no person.
    bounds = [
        one for one in vars(attempts).values() if isinstance(one, attempts.Bound) and one is not attempts.RESULTS_OF
    ]
    assert len(bounds) == 9
    counting = attempts.Attempts(desk.services.people, desk.services.clock)
    for bound in bounds:
        while await counting.counted(bound, *about.get(bound.kind, (CALLER_IP,))):
            pass
    await desk.run("users", "unlock", JANE, "--source", CALLER_IP, *WHY)
    desk.house.later(LOOK_AGAIN_S)
    full = [one.kind for one in bounds if not await counting.counted(one, *about.get(one.kind, (CALLER_IP,)))]
    assert full == []


async def test_an_invitation_is_shown_once_stored_as_a_hash_and_expires(desk: Desk) -> None:
    made = await desk.run("users", "invite", "--days", "2", *WHY)
    invitation_hash, until_s = hashed(made["invitation"]), NOW_S + 2 * 24 * 3600
    assert await desk.services.people.invited(invitation_hash, until_s - 1)
    assert not await desk.services.people.invited(invitation_hash, until_s)
    assert not await desk.services.people.invited(made["invitation"], NOW_S)


async def test_organizations_are_shown_with_balance_members_and_what_these_have_spent(desk: Desk) -> None:
    jane = await desk.house.registered()
    made = await desk.organization(jane["user_id"])
    assert [one["org_id"] for one in (await desk.run("organizations", "list"))["organizations"]] == ["org_1"]
    shown = await desk.run("organizations", "show", "org_1")
    assert (shown["account_id"], shown["owners"], shown["balance"]["balance_usd"]) == (made.account_id, 1, "0")
    (member,) = (await desk.run("organizations", "members", "org_1"))["members"]
    assert (member["role"], member["spent_this_month_usd"], member["removed"]) == ("owner", "0", False)
    for action in ("show", "members"):
        with pytest.raises(NotFound):
            await desk.run("organizations", action, "org_none")
