"""Lists the pages of the menu, each with the permission that its content needs in an organization."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.console.state import State
from gateway.organizations.permissions import ALLOWED, Permission

MENU: tuple[tuple[str, str, Permission | None], ...] = (
    ("", "Overview", None),
    ("/playground", "Playground", None),
    ("/models", "Models", None),
    ("/keys", "API keys", None),
    ("/usage", "Usage", "billing.read"),
    ("/requests", "Requests", "billing.read"),
    ("/jobs", "Jobs", None),
    ("/billing", "Billing", "billing.read"),
    ("/webhooks", "Webhooks", "webhooks.manage"),
    ("/members", "Members", None),
    ("/audit", "Audit log", "audit.read"),
    ("/account", "Account", None),
)


def menu(state: State) -> Iterator[tuple[str, str]]:
    """Gives path and name of each page that the visitor may see; its own account has them all."""
    # A role that this version does not know is for the API to judge.
    allowed = next((may for role, may in ALLOWED.items() if state.org and role == state.role), None)
    return ((path, name) for path, name, needed in MENU if allowed is None or needed is None or needed in allowed)
