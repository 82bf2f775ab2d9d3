"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Literal, Optional

from nexevo_ai._request import Amount, RequestOptions

# Shared.


class OrganizationsCreateParams(RequestOptions, total=False):
    """Arguments of `organizations.create`."""


class OrganizationsListParams(RequestOptions, total=False):
    """Arguments of `organizations.list`."""


class OrganizationsAcceptInvitationParams(RequestOptions, total=False):
    """Arguments of `organizations.accept_invitation`."""


class OrganizationsDeclineInvitationParams(RequestOptions, total=False):
    """Arguments of `organizations.decline_invitation`."""


class OrganizationsGetParams(RequestOptions, total=False):
    """Arguments of `organizations.get`."""


class OrganizationsUpdateParams(RequestOptions, total=False):
    """Arguments of `organizations.update`."""

    name: str


class OrganizationsDeleteParams(RequestOptions, total=False):
    """Arguments of `organizations.delete`."""


class OrganizationsTransferOwnerParams(RequestOptions, total=False):
    """Arguments of `organizations.transfer_owner`."""


class OrganizationsLeaveParams(RequestOptions, total=False):
    """Arguments of `organizations.leave`."""


class OrganizationsInviteMemberParams(RequestOptions, total=False):
    """Arguments of `organizations.invite_member`."""

    role: Literal["admin", "developer", "owner"]


class OrganizationsListInvitationsParams(RequestOptions, total=False):
    """Arguments of `organizations.list_invitations`."""


class OrganizationsRevokeInvitationParams(RequestOptions, total=False):
    """Arguments of `organizations.revoke_invitation`."""


class OrganizationsListMembersParams(RequestOptions, total=False):
    """Arguments of `organizations.list_members`."""


class OrganizationsUpdateMemberParams(RequestOptions, total=False):
    """Arguments of `organizations.update_member`."""

    role: Literal["admin", "developer", "owner"]
    monthly_spend_cap_usd: Optional[Amount]


class OrganizationsRemoveMemberParams(RequestOptions, total=False):
    """Arguments of `organizations.remove_member`."""
