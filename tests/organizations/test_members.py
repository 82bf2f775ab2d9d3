"""Tests of what becomes of members: changes that are made at once, and what those who have gone leave behind."""

import asyncio

import pytest

from tests.organizations.harness import Office, code

pytestmark = pytest.mark.anyio


async def members(office: Office) -> set[str]:
    found = (await office.on("owner", "GET", "/members")).json()["data"]
    return {one["user_id"] for one in found}


async def test_members_who_are_removed_at_once_are_all_gone(office: Office) -> None:
    removals = (office.on("owner", "DELETE", f"/members/{office.user_id[who]}") for who in ("admin", "developer"))
    answers = await asyncio.gather(*removals)
    assert [answer.json()["member"]["removed"] for answer in answers] == [True, True]
    assert await members(office) == {office.user_id["owner"]}
    assert (await office.on("owner", "GET", "")).json()["organization"]["members"] == 1


async def test_persons_who_join_at_once_are_all_members(office: Office) -> None:
    guests = [f"guest-{number}@example.com" for number in range(3)]
    tokens = {}
    for guest in guests:
        office.user_id[guest] = (await office.house.registered(guest))["user_id"]
        office.token[guest] = (await office.house.signed_in(guest))["access_token"]
        await office.on("owner", "POST", "/invitations", {"email": guest})
        tokens[guest] = office.house.mailed_token()
    path = "/v1/organizations/invitations/accept"
    answers = await asyncio.gather(*(office.ask(guest, "POST", path, {"token": tokens[guest]}) for guest in guests))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert {office.user_id[guest] for guest in guests} < await members(office)


async def test_a_deleted_organization_knows_no_address_of_those_who_left_before_either(office: Office) -> None:
    await office.on("owner", "DELETE", f"/members/{office.user_id['developer']}")
    await office.on("owner", "DELETE", "")
    left = await office.house.nexgate.organizations.members(office.org_id)
    assert [(one.removed, one.email) for one in left] == [(True, "")] * 3


async def test_an_export_names_the_organizations_that_a_person_is_in(office: Office) -> None:
    cap = {"monthly_spend_cap_usd": "5"}
    await office.on("owner", "PATCH", f"/members/{office.user_id['developer']}", cap)
    shown = (await office.house.ask("GET", "/v1/auth/export", token=office.token["developer"])).json()
    (place,) = shown["organizations"]
    assert place.pop("joined_at").endswith("Z")
    assert place == {"org_id": office.org_id, "name": "Acme Inc", "role": "developer", **cap}


@pytest.mark.parametrize("change", ["removed", "demoted"])
async def test_an_invitation_ends_with_the_say_of_the_member_who_made_it(office: Office, change: str) -> None:
    await office.on("admin", "POST", "/invitations", {"email": "stranger@example.com", "role": "admin"})
    token, inviter = office.house.mailed_token(), f"/members/{office.user_id['admin']}"
    if change == "removed":
        await office.on("owner", "DELETE", inviter)
    else:
        await office.on("owner", "PATCH", inviter, {"role": "developer"})
    path = "/v1/organizations/invitations/accept"
    assert code(await office.ask("stranger", "POST", path, {"token": token})) == (400, "invalid_token")
    assert office.user_id["stranger"] not in await members(office)
