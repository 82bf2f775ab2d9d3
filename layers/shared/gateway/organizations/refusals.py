"""Errors for callers that act on an organization. One of which the caller is no member gets the answer of an unknown
one, so that nothing is learned about it.
"""

from __future__ import annotations

from gateway.errors import Conflict, InvalidRequest, NotFound, PermissionDenied
from gateway.organizations.permissions import Permission
from gateway.ports.organizations import Organization, Role


def no_organization(org_id: str, param: str = "org_id") -> NotFound:
    """Refuses an organization that is unknown, or not the caller's."""
    return NotFound(f"There is no organization '{org_id[:80]}'.", param=param, code="organization_not_found")


def no_member(user_id: str) -> NotFound:
    """Refuses a person who is no member."""
    message = f"There is no member '{user_id[:80]}' in this organization."
    return NotFound(message, param="user_id", code="member_not_found")


def no_invitation(invitation_id: str) -> NotFound:
    """Refuses an unknown invitation."""
    message = f"There is no invitation '{invitation_id[:80]}'."
    return NotFound(message, param="invitation_id", code="invitation_not_found")


def not_permitted(role: Role, permission: Permission) -> PermissionDenied:
    """Refuses what the caller's role does not allow."""
    message = f"The role '{role}' has no permission '{permission}' in this organization."
    return PermissionDenied(message, code="insufficient_role")


def beyond_role(role: Role) -> PermissionDenied:
    """Refuses an admin who would change what owners are."""
    message = f"The role '{role}' can neither make owners nor change them."
    return PermissionDenied(message, param="role", code="insufficient_role")


def last_owner() -> Conflict:
    """Refuses what would leave an organization without an owner."""
    message = "This is the organization's last owner; transfer the ownership first, or delete the organization."
    return Conflict(message, code="last_owner")


def owns_alone(organization: Organization) -> Conflict:
    """Refuses the end of a person who is the last owner of an organization."""
    name = f"'{organization.name}' ({organization.org_id})"
    message = f"You are the last owner of the organization {name}: transfer the ownership first, or delete it."
    return Conflict(message, code="last_owner")


def already_member() -> Conflict:
    """Refuses an invitation of a person who is a member."""
    return Conflict("This person is a member of the organization already.", param="email", code="already_exists")


def too_many(what: str, most: int) -> Conflict:
    """Refuses one more of what is bounded."""
    return Conflict(f"There are {most} {what} already, which is the most.", code="limit_reached")


def bad_invitation() -> InvalidRequest:
    """Refuses a token that is unknown, used, revoked or expired, which are one to its holder."""
    return InvalidRequest("This invitation is not valid any more.", param="token", code="invalid_token")


def other_address() -> PermissionDenied:
    """Refuses a person whose address is not the invited one."""
    message = "This invitation was sent to another e-mail address; sign in with the person who has it."
    return PermissionDenied(message, param="token", code="wrong_address")


def changed_meanwhile() -> Conflict:
    """Refuses a change that others overtook several times."""
    return Conflict("The organization was changed meanwhile; send it again.", code="organization_changed")


def not_settled() -> Conflict:
    """Refuses the end of an organization whose account has money, holds some, or owes some."""
    message = "The organization's balance is not settled: it must be 0, with nothing held. Ask the operator."
    return Conflict(message, code="balance_not_settled")


def other_organization() -> InvalidRequest:
    """Refuses a key that is asked to act for another organization than its own."""
    message = "An API key acts for the account that it belongs to; 'X-Nexevo-Organization' is for sessions."
    return InvalidRequest(message, param="X-Nexevo-Organization", code="organization_mismatch")


def bound_key() -> PermissionDenied:
    """Refuses an organization's key what its person does for itself."""
    message = "This takes a person; an organization's API key acts for the organization alone."
    return PermissionDenied(message, code="insufficient_role")
