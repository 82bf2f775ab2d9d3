"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._request import call_of, path_part
from nexevo_ai._sync.answers import SyncPage
from nexevo_ai._sync.conveniences import Resource
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


class OrganizationsResource(Resource):
    """Methods of `client.organizations`."""

    def create(self, name: str, **params: Unpack[OrganizationsCreateParams]) -> OrganizationAnswer:
        """Creates an organization, which the caller owns; it has an account of its own."""
        call = call_of("POST", "/v1/organizations", {"name": name, **params}, body=("name",), is_once=True)
        answer: OrganizationAnswer = self._ask(call, kind=OrganizationAnswer)
        return answer

    def list(self, **params: Unpack[OrganizationsListParams]) -> SyncPage[Organization]:
        """Lists the organizations that the caller is in: there is one page."""
        call = call_of("GET", "/v1/organizations", {**params})
        answer: SyncPage[Organization] = self._ask(call, element=Organization)
        return answer

    def accept_invitation(
        self, token: str, **params: Unpack[OrganizationsAcceptInvitationParams]
    ) -> OrganizationAnswer:
        """Makes the person a member, by the token that was mailed to its address."""
        call = call_of(
            "POST", "/v1/organizations/invitations/accept", {"token": token, **params}, body=("token",), is_once=True
        )
        answer: OrganizationAnswer = self._ask(call, kind=OrganizationAnswer)
        return answer

    def decline_invitation(
        self, token: str, **params: Unpack[OrganizationsDeclineInvitationParams]
    ) -> InvitationAnswer:
        """Ends an invitation by its token, without becoming a member."""
        call = call_of(
            "POST", "/v1/organizations/invitations/decline", {"token": token, **params}, body=("token",), is_once=True
        )
        answer: InvitationAnswer = self._ask(call, kind=InvitationAnswer)
        return answer

    def get(self, org_id: str, **params: Unpack[OrganizationsGetParams]) -> OrganizationAnswer:
        """Shows an organization to its members."""
        call = call_of("GET", f"/v1/organizations/{path_part(org_id)}", {**params})
        answer: OrganizationAnswer = self._ask(call, kind=OrganizationAnswer)
        return answer

    def update(self, org_id: str, **params: Unpack[OrganizationsUpdateParams]) -> OrganizationAnswer:
        """Changes what is given."""
        call = call_of("PATCH", f"/v1/organizations/{path_part(org_id)}", {**params}, body=("name",))
        answer: OrganizationAnswer = self._ask(call, kind=OrganizationAnswer)
        return answer

    def delete(self, org_id: str, **params: Unpack[OrganizationsDeleteParams]) -> OrganizationDeleted:
        """Deletes an organization whose balance is settled, for good."""
        call = call_of("DELETE", f"/v1/organizations/{path_part(org_id)}", {**params})
        answer: OrganizationDeleted = self._ask(call, kind=OrganizationDeleted)
        return answer

    def transfer_owner(
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
        answer: OrganizationAnswer = self._ask(call, kind=OrganizationAnswer)
        return answer

    def leave(self, org_id: str, **params: Unpack[OrganizationsLeaveParams]) -> MemberAnswer:
        """Takes the caller out of the organization; its keys in it end."""
        call = call_of("POST", f"/v1/organizations/{path_part(org_id)}/leave", {**params}, is_once=True)
        answer: MemberAnswer = self._ask(call, kind=MemberAnswer)
        return answer

    def invite_member(
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
        answer: InvitationAnswer = self._ask(call, kind=InvitationAnswer)
        return answer

    def list_invitations(
        self, org_id: str, **params: Unpack[OrganizationsListInvitationsParams]
    ) -> SyncPage[InvitationView]:
        """Lists the invitations, newest first: there is one page."""
        call = call_of("GET", f"/v1/organizations/{path_part(org_id)}/invitations", {**params})
        answer: SyncPage[InvitationView] = self._ask(call, element=InvitationView)
        return answer

    def revoke_invitation(
        self, org_id: str, invitation_id: str, **params: Unpack[OrganizationsRevokeInvitationParams]
    ) -> InvitationAnswer:
        """Revokes an invitation."""
        call = call_of(
            "DELETE", f"/v1/organizations/{path_part(org_id)}/invitations/{path_part(invitation_id)}", {**params}
        )
        answer: InvitationAnswer = self._ask(call, kind=InvitationAnswer)
        return answer

    def list_members(self, org_id: str, **params: Unpack[OrganizationsListMembersParams]) -> SyncPage[MemberView]:
        """Lists the members with their spend of this month: there is one page."""
        call = call_of("GET", f"/v1/organizations/{path_part(org_id)}/members", {**params})
        answer: SyncPage[MemberView] = self._ask(call, element=MemberView)
        return answer

    def update_member(
        self, org_id: str, user_id: str, **params: Unpack[OrganizationsUpdateMemberParams]
    ) -> MemberAnswer:
        """Changes a member's role and cap."""
        call = call_of(
            "PATCH",
            f"/v1/organizations/{path_part(org_id)}/members/{path_part(user_id)}",
            {**params},
            body=("role", "monthly_spend_cap_usd"),
        )
        answer: MemberAnswer = self._ask(call, kind=MemberAnswer)
        return answer

    def remove_member(
        self, org_id: str, user_id: str, **params: Unpack[OrganizationsRemoveMemberParams]
    ) -> MemberAnswer:
        """Removes a member; its keys start nothing new after 5 s."""
        call = call_of("DELETE", f"/v1/organizations/{path_part(org_id)}/members/{path_part(user_id)}", {**params})
        answer: MemberAnswer = self._ask(call, kind=MemberAnswer)
        return answer
