"""Says what each role may do in an organization. docs/organizations.md shows this table; a test holds it true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from gateway.ports.organizations import Role

Permission = Literal[
    "organization.read",
    "organization.update",
    "organization.transfer",
    "organization.delete",
    "members.read",
    "members.manage",
    "invitations.manage",
    "keys.own",
    "keys.all",
    "provider_keys.manage",
    "webhooks.manage",
    "billing.read",
    "billing.pay",
    "audit.read",
]

# What a permission is for, as the documentation has it.
MEANINGS: Mapping[Permission, str] = {
    "organization.read": "see the organization",
    "organization.update": "rename it",
    "organization.transfer": "hand it over to another member",
    "organization.delete": "delete it",
    "members.read": "see its members, their roles, caps and spend",
    "members.manage": "change roles and caps, remove members; an admin none of an owner",
    "invitations.manage": "invite, list and revoke invitations; an admin none of an owner",
    "keys.own": "make API keys, and manage one's own",
    "keys.all": "see and manage the API keys of all members",
    "provider_keys.manage": "manage the organization's own keys of providers, and its MCP servers",
    "webhooks.manage": "read and rotate the secret of webhooks, list deliveries",
    "billing.read": "see balance, transactions and usage",
    "billing.pay": "pay, choose plans",
    "audit.read": "read the audit log",
}
OF_DEVELOPERS: frozenset[Permission] = frozenset({"organization.read", "members.read", "keys.own"})
OF_OWNERS_ALONE: frozenset[Permission] = frozenset({"organization.transfer", "organization.delete"})
_FAMILIES: Mapping[str, Permission] = {
    "keys": "keys.own",
    "provider-keys": "provider_keys.manage",
    "mcp": "provider_keys.manage",
    "webhooks": "webhooks.manage",
    "billing": "billing.read",
    "audit": "audit.read",
}
EVERYTHING: frozenset[Permission] = frozenset(get_args(Permission))
ALLOWED: Mapping[Role, frozenset[Permission]] = {
    "owner": EVERYTHING,
    "admin": EVERYTHING - OF_OWNERS_ALONE,
    "developer": OF_DEVELOPERS,
}


def may(role: Role, permission: Permission) -> bool:
    """True if the role has the permission."""
    return permission in ALLOWED[role]


def may_give(role: Role, given: Role) -> bool:
    """True if one of this role may give another that role, take it away, or remove a member that has it."""
    return role == "owner" or (role == "admin" and given != "owner")


def permission_for(method: str, path: str) -> Permission:
    """The permission that a call to an account's own endpoints needs; what is not named here is the owners'."""
    family = path.removeprefix("/v1").split("/")[1]
    if family == "billing" and method not in {"GET", "HEAD"}:
        return "billing.pay"
    return _FAMILIES.get(family, "organization.delete")


def table() -> str:
    """The permissions by role, as a table in Markdown."""
    roles = get_args(Role)
    rows = [f"| permission | | {' | '.join(roles)} |", "|---|---|" + "---|" * len(roles)]
    for permission, meaning in MEANINGS.items():
        marks = " | ".join("yes" if may(role, permission) else "" for role in roles)
        rows.append(f"| `{permission}` | {meaning} | {marks} |".replace("|  |", "| |"))
    return "\n".join(rows) + "\n"
