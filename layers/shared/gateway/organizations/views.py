"""Shows organizations, members and invitations to their members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.accounts.pages import iso_utc
from gateway.canonical.money import NanoUsd
from gateway.ledger.money import format_usd
from gateway.organizations.roster import State
from gateway.ports.organizations import Invitation, Member


def organization_view(state: State) -> dict[str, Any]:
    """An organization as one of its members sees it."""
    of = state.organization
    return {
        "object": "organization",
        "org_id": of.org_id,
        "account_id": of.account_id,
        "name": of.name,
        "created_at": iso_utc(of.created_at_s),
        "members": of.members,
        "role": state.actor.role,
    }


def member_view(member: Member, spent: Mapping[int, NanoUsd]) -> dict[str, Any]:
    """A member with its spend of this month, open holds included."""
    cap = member.cap_nanousd
    return {
        "object": "organization.member",
        "org_id": member.org_id,
        "user_id": member.user_id,
        "email": member.email,
        "role": member.role,
        "joined_at": iso_utc(member.joined_at_s),
        "monthly_spend_cap_usd": None if cap is None else format_usd(cap),
        "spent_this_month_usd": format_usd(spent.get(member.seat, 0)),
        "removed": member.removed,
    }


def invitation_view(invitation: Invitation, now_s: float) -> dict[str, Any]:
    """An invitation, without its token."""
    is_over = invitation.status == "pending" and now_s >= invitation.until_s
    return {
        "object": "organization.invitation",
        "invitation_id": invitation.invitation_id,
        "org_id": invitation.org_id,
        "email": invitation.email,
        "role": invitation.role,
        "status": "expired" if is_over else invitation.status,
        "invited_by": invitation.invited_by,
        "created_at": iso_utc(invitation.created_at_s),
        "expires_at": iso_utc(invitation.until_s),
    }
