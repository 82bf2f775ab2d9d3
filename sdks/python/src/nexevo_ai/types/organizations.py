"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Literal, Optional, Union

from nexevo_ai._models import Money, NexevoModel

# Shared.


class InvitationAnswer(NexevoModel):
    """One invitation."""

    invitation: InvitationView


class InvitationList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[InvitationView]
    has_more: bool
    next_cursor: Optional[str]


class InvitationView(NexevoModel):
    """An invitation, without its token."""

    object: str
    invitation_id: str
    org_id: str
    email: str
    role: Union[Literal["admin", "developer", "owner"], str]
    status: str
    invited_by: str
    created_at: str
    expires_at: str


class MemberAnswer(NexevoModel):
    """One member."""

    member: MemberView


class MemberList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[MemberView]
    has_more: bool
    next_cursor: Optional[str]


class MemberView(NexevoModel):
    """A member with its spend of this month."""

    object: str
    org_id: str
    user_id: str
    email: str
    role: Union[Literal["admin", "developer", "owner"], str]
    joined_at: str
    monthly_spend_cap_usd: Optional[Money]
    spent_this_month_usd: Money
    removed: bool


class Organization(NexevoModel):
    """An organization as one of its members sees it."""

    object: str
    org_id: str
    account_id: str
    name: str
    created_at: str
    members: int
    role: Union[Literal["admin", "developer", "owner"], str]


class OrganizationAnswer(NexevoModel):
    """One organization."""

    organization: Organization


class OrganizationDeleted(NexevoModel):
    """An organization that is closed for good."""

    object: str
    org_id: str
    deleted: bool


class OrganizationList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[Organization]
    has_more: bool
    next_cursor: Optional[str]


InvitationAnswer.model_rebuild()
InvitationList.model_rebuild()
InvitationView.model_rebuild()
MemberAnswer.model_rebuild()
MemberList.model_rebuild()
MemberView.model_rebuild()
Organization.model_rebuild()
OrganizationAnswer.model_rebuild()
OrganizationDeleted.model_rebuild()
OrganizationList.model_rebuild()
