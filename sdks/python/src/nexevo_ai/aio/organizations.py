"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._async.answers import AsyncPage
from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._deferred import deferred  # async only
from nexevo_ai._request import call_of, path_part
from nexevo_ai.types.organizations import (
    InvitationAnswer,
    InvitationView,
    MemberAnswer,
    MemberView,
    Organization,
    OrganizationAnswer,
    OrganizationDeleted,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.organizations import (
        OrganizationsAcceptInvitationParams,
        OrganizationsCreateParams,
        OrganizationsDeclineInvitationParams,
        OrganizationsDeleteParams,
        OrganizationsGetParams,
        OrganizationsInviteMemberParams,
        OrganizationsLeaveParams,
        OrganizationsListInvitationsParams,
        OrganizationsListMembersParams,
        OrganizationsListParams,
        OrganizationsRemoveMemberParams,
        OrganizationsRevokeInvitationParams,
        OrganizationsTransferOwnerParams,
        OrganizationsUpdateMemberParams,
        OrganizationsUpdateParams,
    )


class AsyncOrganizationsResource(AsyncResource):
    """Methods of `client.organizations`."""

    async def create(self, name: str, **params: Unpack[OrganizationsCreateParams]) -> OrganizationAnswer:
        """Creates an organization, which the caller owns; it has an account of its own."""
        call = call_of("POST", "/v1/organizations", {"name": name, **params}, body=("name",), is_once=True)
        answer: OrganizationAnswer = await self._ask(call, kind=OrganizationAnswer)
        return answer

    @deferred  # async only
    async def list(self, **params: Unpack[OrganizationsListParams]) -> AsyncPage[Organization]:
        """Lists the organizations that the caller is in: there is one page."""
        call = call_of("GET", "/v1/organizations", {**params})
        answer: AsyncPage[Organization] = await self._ask(call, element=Organization)
        return answer

    async def accept_invitation(
        self, token: str, **params: Unpack[OrganizationsAcceptInvitationParams]
    ) -> OrganizationAnswer:
        """Makes the person a member, by the token that was mailed to its address."""
        call = call_of(
            "POST", "/v1/organizations/invitations/accept", {"token": token, **params}, body=("token",), is_once=True
        )
        answer: OrganizationAnswer = await self._ask(call, kind=OrganizationAnswer)
        return answer

    async def decline_invitation(
        self, token: str, **params: Unpack[OrganizationsDeclineInvitationParams]
    ) -> InvitationAnswer:
        """Ends an invitation by its token, without becoming a member."""
        call = call_of(
            "POST", "/v1/organizations/invitations/decline", {"token": token, **params}, body=("token",), is_once=True
        )
        answer: InvitationAnswer = await self._ask(call, kind=InvitationAnswer)
        return answer

    async def get(self, org_id: str, **params: Unpack[OrganizationsGetParams]) -> OrganizationAnswer:
        """Shows an organization to its members."""
        call = call_of("GET", f"/v1/organizations/{path_part(org_id)}", {**params})
        answer: OrganizationAnswer = await self._ask(call, kind=OrganizationAnswer)
        return answer

    async def update(self, org_id: str, **params: Unpack[OrganizationsUpdateParams]) -> OrganizationAnswer:
        """Changes what is given."""
        call = call_of("PATCH", f"/v1/organizations/{path_part(org_id)}", {**params}, body=("name",))
        answer: OrganizationAnswer = await self._ask(call, kind=OrganizationAnswer)
        return answer

    async def delete(self, org_id: str, **params: Unpack[OrganizationsDeleteParams]) -> OrganizationDeleted:
        """Deletes an organization whose balance is settled, for good."""
        call = call_of("DELETE", f"/v1/organizations/{path_part(org_id)}", {**params})
        answer: OrganizationDeleted = await self._ask(call, kind=OrganizationDeleted)
        return answer

    async def transfer_owner(
        self, org_id: str, new_owner_user_id: str, **params: Unpack[OrganizationsTransferOwnerParams]
    ) -> OrganizationAnswer:
        """Makes a member the owner in the caller's place."""
        call = call_of(
            "POST",
            f"/v1/organizations/{path_part(org_id)}/transfer-ownership",
            {"new_owner_user_id": new_owner_user_id, **params},
            body=("new_owner_user_id",),
            is_once=True,
        )
        answer: OrganizationAnswer = await self._ask(call, kind=OrganizationAnswer)
        return answer

    async def leave(self, org_id: str, **params: Unpack[OrganizationsLeaveParams]) -> MemberAnswer:
        """Takes the caller out of the organization; its keys in it end."""
        call = call_of("POST", f"/v1/organizations/{path_part(org_id)}/leave", {**params}, is_once=True)
        answer: MemberAnswer = await self._ask(call, kind=MemberAnswer)
        return answer

    async def invite_member(
        self, org_id: str, email: str, **params: Unpack[OrganizationsInviteMemberParams]
    ) -> InvitationAnswer:
        """Mails an invitation."""
        call = call_of(
            "POST",
            f"/v1/organizations/{path_part(org_id)}/invitations",
            {"email": email, **params},
            body=("email", "role"),
            is_once=True,
        )
        answer: InvitationAnswer = await self._ask(call, kind=InvitationAnswer)
        return answer

    @deferred  # async only
    async def list_invitations(
        self, org_id: str, **params: Unpack[OrganizationsListInvitationsParams]
    ) -> AsyncPage[InvitationView]:
        """Lists the invitations, newest first: there is one page."""
        call = call_of("GET", f"/v1/organizations/{path_part(org_id)}/invitations", {**params})
        answer: AsyncPage[InvitationView] = await self._ask(call, element=InvitationView)
        return answer

    async def revoke_invitation(
        self, org_id: str, invitation_id: str, **params: Unpack[OrganizationsRevokeInvitationParams]
    ) -> InvitationAnswer:
        """Revokes an invitation."""
        call = call_of(
            "DELETE", f"/v1/organizations/{path_part(org_id)}/invitations/{path_part(invitation_id)}", {**params}
        )
        answer: InvitationAnswer = await self._ask(call, kind=InvitationAnswer)
        return answer

    @deferred  # async only
    async def list_members(
        self, org_id: str, **params: Unpack[OrganizationsListMembersParams]
    ) -> AsyncPage[MemberView]:
        """Lists the members with their spend of this month: there is one page."""
        call = call_of("GET", f"/v1/organizations/{path_part(org_id)}/members", {**params})
        answer: AsyncPage[MemberView] = await self._ask(call, element=MemberView)
        return answer

    async def update_member(
        self, org_id: str, user_id: str, **params: Unpack[OrganizationsUpdateMemberParams]
    ) -> MemberAnswer:
        """Changes a member's role and cap."""
        call = call_of(
            "PATCH",
            f"/v1/organizations/{path_part(org_id)}/members/{path_part(user_id)}",
            {**params},
            body=("role", "monthly_spend_cap_usd"),
        )
        answer: MemberAnswer = await self._ask(call, kind=MemberAnswer)
        return answer

    async def remove_member(
        self, org_id: str, user_id: str, **params: Unpack[OrganizationsRemoveMemberParams]
    ) -> MemberAnswer:
        """Removes a member; its keys start nothing new after 5 s."""
        call = call_of("DELETE", f"/v1/organizations/{path_part(org_id)}/members/{path_part(user_id)}", {**params})
        answer: MemberAnswer = await self._ask(call, kind=MemberAnswer)
        return answer
