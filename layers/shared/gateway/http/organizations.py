"""Serves organizations to their members. The caller is a person: by its session, or by a key of its own account.

A key of an organization stands for the member who made it, in that organization alone.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from gateway.accounts.pages import Page as Listed
from gateway.audit.trail import Trail
from gateway.http.calls import KeyedCall, Shown
from gateway.http.creating import created_once
from gateway.http.endpoints import Endpoints
from gateway.organizations import refusals
from gateway.organizations.roster import State
from gateway.organizations.settings import (
    InvitationLink,
    MemberChanges,
    NewInvitation,
    NewOrganization,
    OrganizationChanges,
    Transfer,
)
from gateway.organizations.views import invitation_view, member_view, organization_view
from gateway.people.refusals import no_person
from gateway.ports.organizations import Invitation, Member, account_of
from gateway.ports.people import User
from gateway.wiring.organizations import organizations

ONE, INVITATIONS, MEMBER = "/{org_id}", "/{org_id}/invitations", "/{org_id}/members/{user_id}"


class OrganizationCall(KeyedCall):
    """One call by a person about an organization."""

    @property
    def org_id(self) -> str:
        """The organization that the path names; raises `NotFound` for a key of another one."""
        asked, own = self.path["org_id"][:80], self.principal.key.org_id
        if own is not None and own != asked:
            raise refusals.no_organization(asked)
        return asked

    async def user_id(self) -> str:
        """The id of the person; raises `NotFound` for a key of an account that has none."""
        if self.principal.key.user_id is not None:
            return self.principal.key.user_id
        found = await organizations().people.owner_of(self.account_id)
        if found is None:
            raise no_person()
        return found

    async def acting(self) -> tuple[str, Trail]:
        """The id of the person, and its entries in the organization's audit log."""
        user_id = await self.user_id()
        return user_id, self.trail.of(account_of(self.org_id), user_id)

    async def person(self) -> User:
        """The person itself; raises `PermissionDenied` for a key of an organization."""
        if self.principal.key.org_id is not None:
            raise refusals.bound_key()
        if self.signed_in is not None:
            return self.signed_in.user
        found = await organizations().people.user(await self.user_id())
        if found is None or not found.may_act:
            raise no_person()
        return found


served = Endpoints(OrganizationCall, "/v1/organizations")


def shown(state: State) -> dict[str, Any]:
    """An organization, as the reference's clients read it."""
    return {"organization": organization_view(state)}


async def member_shown(member: Member) -> dict[str, Any]:
    """A member with its spend."""
    on = organizations().roster
    return {"member": member_view(member, await on.money.seat_spend(member.account_id, on.clock.now_s()))}


def invitation_shown(invitation: Invitation) -> dict[str, Any]:
    """An invitation as of now."""
    return {"invitation": invitation_view(invitation, organizations().roster.clock.now_s())}


@served.on("POST", "", body=NewOrganization)
async def create_organization(call: OrganizationCall, wanted: NewOrganization) -> Shown:
    """Creates an organization, which the caller owns; it has an account of its own."""
    user, roster = await call.person(), organizations().roster

    async def create(org_id: str) -> dict[str, Any]:
        return shown(await roster.create(user, org_id, str(wanted.name), call.trail))

    org_id = roster.new_id()
    return await created_once(call, org_id, partial(create, org_id), partial(roster.disown, call.trail), unpaid=True)


@served.on("GET", "")
async def list_organizations(call: OrganizationCall) -> Shown:
    """Lists the organizations that the caller is in: there is one page."""
    bound = call.principal.key.org_id
    found = await organizations().roster.mine(await call.user_id())
    own = [one for one in found if bound in {None, one.organization.org_id}]
    return Listed(own, None).shown(organization_view)


@served.on("POST", "/invitations/accept", body=InvitationLink)
async def accept_invitation(call: OrganizationCall, link: InvitationLink) -> Shown:
    """Makes the person a member, by the token that was mailed to its address."""
    return shown(await organizations().inviting.accept(await call.person(), link.token, call.trail))


@served.on("POST", "/invitations/decline", body=InvitationLink)
async def decline_invitation(call: OrganizationCall, link: InvitationLink) -> Shown:
    """Ends an invitation by its token, without becoming a member."""
    return invitation_shown(await organizations().inviting.decline(await call.person(), link.token, call.trail))


@served.on("GET", ONE)
async def get_organization(call: OrganizationCall) -> Shown:
    """Shows an organization to its members."""
    return shown(await organizations().roster.standing(call.org_id, await call.user_id(), "organization.read"))


@served.on("PATCH", ONE, body=OrganizationChanges)
async def update_organization(call: OrganizationCall, wanted: OrganizationChanges) -> Shown:
    """Changes what is given."""
    user_id, trail = await call.acting()
    return shown(await organizations().roster.rename(call.org_id, user_id, wanted.name, trail))


@served.on("DELETE", ONE)
async def delete_organization(call: OrganizationCall) -> Shown:
    """Deletes an organization whose balance is settled, for good."""
    closed = await organizations().roster.delete(call.org_id, *await call.acting())
    return {"object": "organization", "org_id": closed.org_id, "deleted": True}


@served.on("POST", f"{ONE}/transfer-ownership", body=Transfer)
async def transfer_ownership(call: OrganizationCall, wanted: Transfer) -> Shown:
    """Makes a member the owner in the caller's place."""
    user_id, trail = await call.acting()
    return shown(await organizations().roster.transfer(call.org_id, user_id, wanted.new_owner_user_id, trail))


@served.on("POST", f"{ONE}/leave")
async def leave_organization(call: OrganizationCall) -> Shown:
    """Takes the caller out of the organization; its keys in it end."""
    return await member_shown(await organizations().roster.leave(call.org_id, *await call.acting()))


@served.on("POST", INVITATIONS, body=NewInvitation)
async def invite(call: OrganizationCall, wanted: NewInvitation) -> Shown:
    """Mails an invitation."""
    inviting, org_id, (user_id, trail) = organizations().inviting, call.org_id, await call.acting()
    invitation_id = inviting.new_id()

    async def create() -> dict[str, Any]:
        return invitation_shown(await inviting.invite(org_id, user_id, wanted, trail, invitation_id))

    return await created_once(call, invitation_id, create, partial(inviting.withdraw, org_id, trail), unpaid=True)


@served.on("GET", INVITATIONS)
async def list_invitations(call: OrganizationCall) -> Shown:
    """Lists the invitations, newest first: there is one page."""
    found = await organizations().inviting.invitations(call.org_id, await call.user_id())
    now_s = organizations().roster.clock.now_s()
    return Listed(found, None).shown(lambda one: invitation_view(one, now_s))


@served.on("DELETE", INVITATIONS + "/{invitation_id}")
async def revoke_invitation(call: OrganizationCall) -> Shown:
    """Revokes an invitation."""
    inviting, invitation_id = organizations().inviting, call.path["invitation_id"]
    user_id, trail = await call.acting()
    return invitation_shown(await inviting.revoke(call.org_id, user_id, invitation_id, trail))


@served.on("GET", f"{ONE}/members")
async def list_members(call: OrganizationCall) -> Shown:
    """Lists the members with their spend of this month: there is one page."""
    on = organizations().roster
    found = await on.members(call.org_id, await call.user_id())
    spent = await on.money.seat_spend(found[0].account_id, on.clock.now_s())
    return Listed(found, None).shown(lambda one: member_view(one, spent))


@served.on("PATCH", MEMBER, body=MemberChanges)
async def change_member(call: OrganizationCall, wanted: MemberChanges) -> Shown:
    """Changes a member's role and cap."""
    (user_id, trail), of = await call.acting(), call.path["user_id"][:80]
    return await member_shown(await organizations().roster.change_member(call.org_id, user_id, of, wanted, trail))


@served.on("DELETE", MEMBER)
async def remove_member(call: OrganizationCall) -> Shown:
    """Removes a member; its keys start nothing new after 5 s."""
    (user_id, trail), of = await call.acting(), call.path["user_id"][:80]
    return await member_shown(await organizations().roster.remove(call.org_id, user_id, of, trail))
