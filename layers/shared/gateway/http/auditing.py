"""Shows an account's audit log to what manages the account."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.accounts.key_settings import Moment
from gateway.accounts.pages import Page as Listed
from gateway.audit.entries import KEPT_S, entry_view
from gateway.http.calls import Page, Shown
from gateway.http.endpoints import Endpoints
from gateway.http.managing import ManagerCall

# An action, or a family of actions.
Action = Annotated[str, Meta(pattern=r"^[a-z_]{1,40}(\.[a-z_]{1,40})?$(?!\n)")]


class Asked(Page):
    """The part of a log that a query asks for: of an action, or of a family of actions, and since a time."""

    action: Action | None = None
    since: Moment | None = None


auditing = Endpoints(ManagerCall, "/v1/audit")


@auditing.on("GET", "", query=Asked)
async def list_entries(call: ManagerCall, wanted: Asked) -> Shown:
    """Lists what was done to the account, newest first; an entry is kept for 400 days."""
    kept_since_s = int(call.services.clock.now_s()) - KEPT_S
    page = await call.services.audit().page(
        call.account_id,
        limit=wanted.limit,
        cursor=wanted.cursor,
        since_s=max(kept_since_s, wanted.since or 0),
        action=wanted.action,
    )
    return Listed(page.entries, page.next_cursor).shown(entry_view)
