"""The pages of organizations: which one the console acts for, members, invitations."""

from __future__ import annotations

from typing import Any

from gateway.console.routes import Pages
from gateway.console.visit import Answer, Visit
from gateway.framing.percent import encoded

organizations = Pages()

ROLES = ("developer", "admin", "owner")


def _at(visit: Visit, rest: str = "") -> str:
    """The path of the organization that the console acts for."""
    return f"/v1/organizations/{encoded(visit.state.org)}{rest}"


@organizations.on("GET", "/organizations")
@organizations.on("GET", "/accept-invitation")
async def show_organizations(visit: Visit) -> Answer:
    """Lists the person's organizations, to act for one, make one, or join one."""
    found = await visit.get("/v1/organizations")
    visit.state.role = next((one["role"] for one in found["data"] if one["org_id"] == visit.state.org), "")
    return visit.page("organizations", organizations=found["data"], form=visit.form)


@organizations.on("POST", "/organizations", again=show_organizations)
async def create_organization(visit: Visit) -> Answer:
    """Makes an organization, and acts for it."""
    made = await visit.call("POST", "/v1/organizations", {"name": visit.form.get("name", "")})
    await visit.act_for(made["organization"])
    return visit.onward("/members", "created")


@organizations.on("POST", "/organizations/switch", again=show_organizations)
async def switch_organization(visit: Visit) -> Answer:
    """Has the console act for another organization, or for the person itself."""
    wanted = visit.form.get("org", "")
    found = await visit.get(f"/v1/organizations/{encoded(wanted)}") if wanted else {"organization": None}
    await visit.act_for(found["organization"])
    return visit.onward("/")


@organizations.on("POST", "/organizations/join", again=show_organizations)
async def join_organization(visit: Visit) -> Answer:
    """Accepts an invitation by its token."""
    joined = await visit.call("POST", "/v1/organizations/invitations/accept", {"token": visit.form.get("token", "")})
    await visit.act_for(joined["organization"])
    return visit.onward("/members", "joined")


@organizations.on("GET", "/members")
async def show_members(visit: Visit) -> Answer:
    """Lists members and invitations of the organization."""
    if not visit.state.org:
        return await show_organizations(visit)
    organization = (await visit.get(_at(visit)))["organization"]
    visit.state.role = organization["role"]
    members = (await visit.get(_at(visit, "/members")))["data"]
    parts = {"organization": organization, "members": members, "roles": ROLES}
    return visit.page("members", invitations=await _invitations(visit), form=visit.form, **parts)


async def _invitations(visit: Visit) -> list[Any] | None:
    """The open invitations, or None where the member's role does not show them."""
    found = await visit.get_unless(403, _at(visit, "/invitations"))
    return None if found is None else [one for one in found["data"] if one["status"] == "pending"]


@organizations.on("POST", "/members/invite", again=show_members)
async def invite(visit: Visit) -> Answer:
    """Mails an invitation."""
    wanted = {"email": visit.form.get("email", ""), "role": visit.form.get("role", "developer")}
    await visit.call("POST", _at(visit, "/invitations"), wanted)
    return visit.onward("/members", "invited")


@organizations.on("POST", "/members/invitations/{invitation_id}/revoke", again=show_members)
async def revoke_invitation(visit: Visit) -> Answer:
    """Revokes an invitation."""
    await visit.call("DELETE", _at(visit, f"/invitations/{visit.path['invitation_id']}"))
    return visit.onward("/members", "revoked")


@organizations.on("POST", "/members/{user_id}", again=show_members)
async def change_member(visit: Visit) -> Answer:
    """Changes a member's role and cap."""
    form = visit.form
    wanted = {"role": form.get("role", ""), "monthly_spend_cap_usd": form.get("monthly_spend_cap_usd") or None}
    await visit.call("PATCH", _at(visit, f"/members/{visit.path['user_id']}"), wanted)
    return visit.onward("/members", "saved")


@organizations.on("POST", "/members/{user_id}/remove", again=show_members)
async def remove_member(visit: Visit) -> Answer:
    """Removes a member."""
    await visit.call("DELETE", _at(visit, f"/members/{visit.path['user_id']}"))
    return visit.onward("/members", "removed")


@organizations.on("POST", "/organizations/leave", again=show_members)
async def leave(visit: Visit) -> Answer:
    """Leaves the organization."""
    await visit.call("POST", _at(visit, "/leave"), {})
    await visit.act_for(None)
    return visit.onward("/organizations", "left")


async def people_names(visit: Visit) -> dict[str, str]:
    """The addresses of the people who act for the account, by their ids."""
    if not visit.state.org:
        me = await visit.get("/v1/auth/me")
        return {me["user_id"]: me["email"]}
    members = await visit.get_unless(403, _at(visit, "/members"))
    return {one["user_id"]: one["email"] for one in members["data"]} if members else {}
