"""Tests of organizations as the reference's clients use them: roles, invitations, caps, and whom a session acts for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.audit.trail import Trail
from gateway.errors import ServiceUnavailable
from gateway.organizations import permissions
from gateway.organizations.roster import Roster
from gateway.ports.organizations import account_of
from tests.organizations.harness import Office, code
from tests.people.harness import PASSWORD

pytestmark = pytest.mark.anyio
CALLS: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("GET", "", None),
    ("PATCH", "", {"name": "Other"}),
    ("DELETE", "", None),
    ("GET", "/members", None),
    ("PATCH", "/members/{owner}", {"role": "developer"}),
    ("DELETE", "/members/{owner}", None),
    ("GET", "/invitations", None),
    ("POST", "/invitations", {"email": "new@example.com", "role": "owner"}),
    ("DELETE", "/invitations/inv_1", None),
    ("POST", "/transfer-ownership", {"new_owner_user_id": "{stranger}"}),
    ("POST", "/leave", None),
)


async def test_members_are_listed_with_their_roles(office: Office) -> None:
    found = (await office.on("developer", "GET", "/members")).json()["data"]
    assert {one["user_id"]: one["role"] for one in found} == {
        office.user_id[role]: role for role in ("owner", "admin", "developer")
    }


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
async def test_a_stranger_gets_the_answer_of_an_unknown_organization_everywhere(
    office: Office, method: str, path: str, body: dict[str, Any] | None
) -> None:
    assert code(await office.on("stranger", method, path.format(**office.user_id), body)) == (
        404,
        "organization_not_found",
    )


@pytest.mark.parametrize("who", ["stranger", "owner", "admin", "developer"])
async def test_no_role_reaches_another_organization(office: Office, who: str) -> None:
    own = office.org_id
    created = await office.ask("stranger", "POST", "/v1/organizations", {"name": "Other"})
    office.org_id = own if who == "stranger" else created.json()["organization"]["org_id"]
    for method, path, body in CALLS:
        answer = await office.on(who, method, path.format(**office.user_id), body)
        assert code(answer) == (404, "organization_not_found"), (method, path)
    for path in ("/v1/keys", "/v1/billing/balance", "/v1/webhooks/secret"):
        answer = await office.ask(who, "GET", path, **{"X-Nexevo-Organization": office.org_id})
        assert code(answer) == (404, "organization_not_found"), path


async def test_a_developer_has_no_say_over_others_and_an_admin_none_over_owners(office: Office) -> None:
    member = "/members/" + office.user_id["owner"]
    for who in ("admin", "developer"):
        for method, path, body in (
            ("PATCH", member, {"role": "developer"}),
            ("DELETE", member, None),
            ("PATCH", "/members/" + office.user_id[who], {"role": "owner"}),
            ("POST", "/invitations", {"email": "x@example.com", "role": "owner"}),
            ("POST", "/transfer-ownership", {"new_owner_user_id": office.user_id[who]}),
            ("DELETE", "", None),
        ):
            assert code(await office.on(who, method, path, body)) == (403, "insufficient_role"), (who, path)


async def test_the_last_owner_stays_until_it_hands_over(office: Office) -> None:
    assert code(await office.on("owner", "POST", "/leave")) == (409, "last_owner")
    own = "/members/" + office.user_id["owner"]
    assert code(await office.on("owner", "PATCH", own, {"role": "admin"})) == (409, "last_owner")
    heir = {"new_owner_user_id": office.user_id["developer"]}
    assert (await office.on("owner", "POST", "/transfer-ownership", heir)).json()["organization"]["role"] == "admin"
    assert (await office.on("owner", "POST", "/leave")).status_code == 200
    assert code(await office.on("owner", "GET", "")) == (404, "organization_not_found")


async def test_an_invitation_is_for_its_address_and_once(office: Office) -> None:
    path = "/v1/organizations/invitations/accept"
    answer = await office.on("owner", "POST", "/invitations", {"email": "stranger@example.com", "role": "developer"})
    token = office.house.mailed_token()
    assert token not in answer.text
    assert code(await office.ask("developer", "POST", path, {"token": token})) == (403, "wrong_address")
    assert (await office.ask("stranger", "POST", path, {"token": token})).status_code == 200
    assert code(await office.ask("stranger", "POST", path, {"token": token})) == (400, "invalid_token")


async def test_an_invitation_that_was_revoked_or_is_old_is_not_valid(office: Office) -> None:
    path, wanted = "/v1/organizations/invitations/accept", {"email": "stranger@example.com"}
    made = (await office.on("owner", "POST", "/invitations", wanted)).json()["invitation"]
    await office.on("owner", "DELETE", f"/invitations/{made['invitation_id']}")
    token = office.house.mailed_token()
    assert code(await office.ask("stranger", "POST", path, {"token": token})) == (400, "invalid_token")
    await office.on("owner", "POST", "/invitations", wanted)
    office.house.later(7 * 24 * 3600 + 1)
    office.token["stranger"] = (await office.house.signed_in("stranger@example.com"))["access_token"]
    last = {"token": office.house.mailed_token()}
    assert code(await office.ask("stranger", "POST", path, last)) == (400, "invalid_token")


async def test_a_removed_members_keys_end_and_others_go_on(office: Office) -> None:
    gone, stays = await office.key_of("developer"), await office.key_of("admin")
    assert gone["key"]["org_id"] == office.org_id
    await office.on("admin", "DELETE", "/members/" + office.user_id["developer"])
    account_id = account_of(office.org_id)
    keys = office.house.nexgate.keys
    ended, other = [await keys.get(account_id, one["key"]["key_id"]) for one in (gone, stays)]
    assert (ended is None or ended.revoked, other is None or other.revoked) == (True, False)


async def test_a_members_cap_is_its_keys_own_and_later_ones_too(office: Office) -> None:
    first = await office.key_of("developer")
    wanted = {"monthly_spend_cap_usd": "2.5"}
    answer = await office.on("admin", "PATCH", "/members/" + office.user_id["developer"], wanted)
    assert answer.json()["member"]["monthly_spend_cap_usd"] == "2.5"
    second, account_id = await office.key_of("developer"), account_of(office.org_id)
    for made in (first, second):
        found = await office.house.nexgate.keys.get(account_id, made["key"]["key_id"])
        assert found is not None
        assert (found.seat, found.seat_cap_nanousd) == (3, 2_500_000_000)


async def test_a_developer_sees_its_own_keys_alone(office: Office) -> None:
    own, other, acting = await office.key_of("developer"), await office.key_of("admin"), office.org_id
    headers = {"X-Nexevo-Organization": acting}
    seen = (await office.ask("developer", "GET", "/v1/keys", **headers)).json()["data"]
    assert [one["key_id"] for one in seen] == [own["key"]["key_id"]]
    answer = await office.ask("developer", "DELETE", f"/v1/keys/{other['key']['key_id']}", **headers)
    assert code(answer) == (404, "key_not_found")
    assert len((await office.ask("admin", "GET", "/v1/keys", **headers)).json()["data"]) == 2
    assert code(await office.ask("developer", "GET", "/v1/billing/balance", **headers)) == (403, "insufficient_role")


async def test_a_key_acts_for_its_own_account_alone(office: Office) -> None:
    key = (await office.key_of("owner", can_manage_keys=True))["full_key"]
    answer = await office.ask(key, "GET", "/v1/keys", **{"X-Nexevo-Organization": "org_other"})
    assert code(answer) == (400, "organization_mismatch")
    assert code(await office.ask(key, "POST", "/v1/organizations", {"name": "More"})) == (403, "insufficient_role")
    assert (await office.on(key, "GET", "/members")).status_code == 200


async def test_an_organization_with_money_is_not_deleted(office: Office) -> None:
    money, account_id = office.house.nexgate.money, account_of(office.org_id)
    await money.credit(account_id, 1, once="one", now_s=office.house.nexgate.clock.now_s())
    assert code(await office.on("owner", "DELETE", "")) == (409, "balance_not_settled")


async def test_a_settled_organization_is_deleted(office: Office) -> None:
    assert (await office.on("owner", "DELETE", "")).json()["deleted"] is True
    assert office.house.erasures.begun == ["acct_" + office.org_id.removeprefix("org_")]
    assert code(await office.on("owner", "GET", "")) == (404, "organization_not_found")


@pytest.mark.parametrize(("store", "step"), [("money", "set_account"), ("keys", "change")])
async def test_a_deletion_that_was_cut_off_acts_for_none_and_is_finished_by_its_repeat(
    office: Office, monkeypatch: pytest.MonkeyPatch, store: str, step: str
) -> None:
    made = await office.key_of("owner", can_manage_keys=True)
    await office.key_of("developer")

    async def lost(*_: object, **__: object) -> None:
        raise ServiceUnavailable("the store is down")

    with monkeypatch.context() as down:
        down.setattr(getattr(office.house.nexgate, store), step, lost)
        assert (await office.on("owner", "DELETE", "")).status_code == 503
    acting = {"X-Nexevo-Organization": office.org_id}
    for path in ("/v1/keys", "/v1/billing/balance", "/v1/webhooks/secret"):
        for caller, headers in (("owner", acting), (made["full_key"], {})):
            answer = await office.ask(caller, "GET", path, **headers)
            assert code(answer) == (404, "organization_not_found"), (caller, path)
    assert code(await office.on("admin", "DELETE", "")) == (404, "organization_not_found")
    assert (await office.on("owner", "DELETE", "")).json()["deleted"] is True
    on, account_id = office.house.nexgate, account_of(office.org_id)
    account = await on.money.read_account(account_id)
    assert account is not None
    assert account.disabled
    assert [key.revoked for key in await on.keys.page(account_id, limit=10)] == [True, True]
    assert [(one.removed, one.email) for one in await on.organizations.members(office.org_id)] == [(True, "")] * 3
    assert code(await office.on("owner", "DELETE", "")) == (404, "organization_not_found")


async def test_the_last_owner_of_an_organization_cannot_leave_the_gateway(office: Office) -> None:
    refused = await office.house.post("deactivate", {"password": PASSWORD}, office.token["owner"])
    assert code(refused) == (409, "last_owner")
    assert office.org_id in refused.json()["error"]["message"]
    person = office.house.store.users[office.user_id["owner"]]
    account = await office.house.nexgate.money.read_account(person.account_id)
    assert account is not None
    assert (person.deactivated, account.disabled) == (False, False)
    await office.on("owner", "DELETE", "")
    left = await office.house.post("deactivate", {"password": PASSWORD}, office.token["owner"])
    assert left.status_code == 200


async def test_a_person_who_leaves_the_gateway_leaves_its_organizations(office: Office) -> None:
    await office.key_of("developer")
    left = await office.house.post("deactivate", {"password": PASSWORD}, office.token["developer"])
    assert left.status_code == 200
    on, account_id = office.house.nexgate, account_of(office.org_id)
    assert [key.revoked for key in await on.keys.page(account_id, limit=10)] == [True]
    gone = await on.organizations.member(office.org_id, office.user_id["developer"])
    assert gone is not None
    assert (gone.removed, gone.email) == (True, "")
    assert len((await office.on("owner", "GET", "/members")).json()["data"]) == 2


async def test_a_person_who_is_leaving_joins_no_organization_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.on("owner", "POST", "/invitations", {"email": "stranger@example.com"})
    token = office.house.mailed_token()
    path, roster = "/v1/organizations/invitations/accept", Roster.end_of
    answers: list[httpx.Response] = []

    async def joined_meanwhile(self: Roster, user_id: str, trail: Trail) -> None:
        await roster(self, user_id, trail)
        answers.append(await office.ask("stranger", "POST", path, {"token": token}))

    monkeypatch.setattr(Roster, "end_of", joined_meanwhile)
    left = await office.house.post("deactivate", {"password": PASSWORD}, office.token["stranger"])
    assert (left.status_code, code(answers[0])) == (200, (409, "organization_changed"))
    members = await office.house.nexgate.organizations.members(office.org_id)
    assert office.user_id["stranger"] not in {one.user_id for one in members}


async def test_a_last_owner_by_a_race_stays_and_may_join_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unseen(*_: object) -> None:
        return

    monkeypatch.setattr(Roster, "refuse_end_of", unseen)
    refused = await office.house.post("deactivate", {"password": PASSWORD}, office.token["owner"])
    assert code(refused) == (409, "last_owner")
    assert (await office.ask("owner", "POST", "/v1/organizations", {"name": "More"})).status_code == 201


async def test_a_member_that_comes_back_has_its_cap_its_seat_and_its_role_of_the_invitation(office: Office) -> None:
    of, on = office.user_id["developer"], office.house.nexgate.organizations
    await office.on("owner", "PATCH", f"/members/{of}", {"monthly_spend_cap_usd": "2.5"})
    before = await on.member(office.org_id, of)
    await office.on("owner", "DELETE", f"/members/{of}")
    refused = await office.on("owner", "PATCH", f"/members/{of}", {"monthly_spend_cap_usd": None})
    assert code(refused) == (404, "member_not_found")
    await office.joined("developer")
    after, made = await on.member(office.org_id, of), await office.key_of("developer")
    assert before is not None
    assert after is not None
    assert (after.seat, after.cap_nanousd, after.role) == (before.seat, 2_500_000_000, "developer")
    key = await office.house.nexgate.keys.get(after.account_id, made["key"]["key_id"])
    assert key is not None
    assert (key.seat, key.seat_cap_nanousd) == (after.seat, 2_500_000_000)


async def test_a_session_acts_for_its_default_organization_unless_the_call_says_otherwise(office: Office) -> None:
    wanted = {"default_organization": office.org_id}
    changed = await office.house.ask("PATCH", "/v1/auth/profile", wanted, office.token["admin"])
    assert changed.json()["default_organization"] == office.org_id
    account_id, header = account_of(office.org_id), "X-Nexevo-Organization"
    made = await office.ask("admin", "POST", "/v1/keys", {"name": "by default"})
    assert made.json()["key"]["org_id"] == office.org_id
    assert [key.account_id for key in await office.house.nexgate.keys.page(account_id, limit=10)] == [account_id]
    own = await office.ask("admin", "POST", "/v1/keys", {"name": "own"}, **{header: "personal"})
    assert own.json()["key"]["org_id"] is None
    await office.on("owner", "DELETE", "/members/" + office.user_id["admin"])
    assert code(await office.ask("admin", "GET", "/v1/keys")) == (404, "organization_not_found")
    none = await office.house.ask("PATCH", "/v1/auth/profile", {"default_organization": None}, office.token["admin"])
    assert none.json()["default_organization"] is None
    assert (await office.ask("admin", "GET", "/v1/keys")).json()["data"][0]["name"] == "own"


async def test_a_default_organization_is_one_that_the_person_is_in(office: Office) -> None:
    await office.on("owner", "DELETE", "/members/" + office.user_id["developer"])
    for who, org_id in (("stranger", office.org_id), ("developer", office.org_id), ("owner", "org_unknown")):
        wanted = {"default_organization": org_id}
        refused = await office.house.ask("PATCH", "/v1/auth/profile", wanted, office.token[who])
        assert code(refused) == (404, "organization_not_found"), who
        assert refused.json()["error"]["param"] == "default_organization"


async def test_an_invitation_that_is_sent_again_under_its_key_is_one_letter(office: Office) -> None:
    wanted, headers = {"email": "stranger@example.com"}, {"Idempotency-Key": "invite-1"}
    path, letters = f"/v1/organizations/{office.org_id}/invitations", office.house.mail.letters
    before = len(letters)
    first, again = [await office.ask("owner", "POST", path, wanted, **headers) for _ in range(2)]
    assert (first.status_code, again.content, len(letters)) == (201, first.content, before + 1)
    other = await office.ask("owner", "POST", path, {"email": "other@example.com"}, **headers)
    assert other.status_code in {400, 409, 422}
    # A member's key of that name is its own.
    assert (await office.ask("admin", "POST", path, wanted, **headers)).content != first.content


async def test_only_a_session_deletes_an_organization(office: Office) -> None:
    made = await office.key_of("owner", can_manage_keys=True)
    assert code(await office.on(made["full_key"], "DELETE", "")) == (403, "insufficient_role")
    assert (await office.on("owner", "GET", "")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("PATCH", "/v1/auth/profile", {"full_name": "Jane", "account_id": "acct_other"}, "account_id"),
        ("PATCH", "/v1/auth/profile", {"email": "other@example.com"}, "email"),
        ("PATCH", "/v1/auth/profile", {"disabled": False}, "disabled"),
        ("PATCH", "/v1/organizations/{org}", {"name": "Acme", "owners": 9}, "owners"),
        ("PATCH", "/v1/organizations/{org}", {"account_id": "acct_other"}, "account_id"),
        ("PATCH", "/v1/organizations/{org}/members/{admin}", {"role": "admin", "seat": 1}, "seat"),
        ("POST", "/v1/organizations/{org}/invitations", {"email": "a@example.com", "status": "accepted"}, "status"),
        ("POST", "/v1/organizations", {"name": "Acme", "org_id": "org_other"}, "org_id"),
        ("POST", "/v1/auth/login", {"email": "a@example.com", "password": "x", "session_id": "sess_1"}, "session_id"),
    ],
)
async def test_no_member_that_a_body_does_not_name_is_taken(
    office: Office, method: str, path: str, body: dict[str, Any], param: str
) -> None:
    asked = path.format(org=office.org_id, admin=office.user_id["admin"])
    if "/auth/" in path:
        answer = await office.house.ask(method, asked, body, office.token["owner"])
    else:
        answer = await office.ask("owner", method, asked, body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_the_references_samples_of_accounts_and_organizations_run_as_written(office: Office) -> None:
    token = office.token["owner"]
    assert (await office.house.ask("GET", "/v1/auth/me", token=token)).json()["email"] == "owner@example.com"
    renamed = await office.house.ask("PATCH", "/v1/auth/profile", {"full_name": "Jane Doe"}, token)
    assert renamed.json()["full_name"] == "Jane Doe"
    assert (await office.house.ask("GET", "/v1/auth/2fa/status", token=token)).json()["enabled"] is False
    created = (await office.ask("owner", "POST", "/v1/organizations", {"name": "Acme Inc"})).json()
    at = f"/v1/organizations/{created['organization']['org_id']}"
    invited = await office.ask(
        "owner", "POST", f"{at}/invitations", {"email": "developer@example.com", "role": "developer"}
    )
    assert invited.json()["invitation"]["status"] == "pending"
    link = {"token": office.house.mailed_token()}
    assert (await office.ask("developer", "POST", "/v1/organizations/invitations/accept", link)).status_code == 200
    assert len((await office.ask("owner", "GET", f"{at}/members")).json()["data"]) == 2
    heir = {"new_owner_user_id": office.user_id["developer"]}
    moved = await office.ask("owner", "POST", f"{at}/transfer-ownership", heir)
    assert moved.json()["organization"]["role"] == "admin"
    change = {"current_password": PASSWORD, "new_password": "new-pwd-123"}
    assert (await office.house.post("change-password", change, token)).status_code == 200


async def test_a_log_in_opens_a_session_of_its_own_also_where_its_sender_shows_another(office: Office) -> None:
    shown = office.token["stranger"]
    wanted = {"email": "owner@example.com", "password": PASSWORD}
    answer = (await office.house.post("login", wanted, shown, Cookie="session=fixed")).json()
    assert answer["access_token"] not in {shown, *office.token.values()}
    mine = await office.house.ask("GET", "/v1/auth/me", token=shown)
    assert mine.json()["email"] == "stranger@example.com"


def test_the_documentation_has_the_table_of_permissions() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "organizations.md"
    assert permissions.table() in page.read_text()
