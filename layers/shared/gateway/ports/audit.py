"""The audit log of an account: who did what to it, when and from where. An entry is written once, and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct, field

# An entry is `done` that was written with its act, in one transaction, or that tells of what has happened; `begun` was
# written before its act, and `refused` follows a begun one whose act was refused.
Outcome = Literal["done", "begun", "refused"]


class Actor(Struct, frozen=True):
    """The person, the key or the operator that acts; one who shows nothing is none of them."""

    user_id: str | None = None
    key_id: str | None = None
    operator: str | None = None


class AuditEntry(Struct, frozen=True):
    """One act upon an account. `entry_id` sorts by time, as the ids of holds do.

    `source` is the address it came from, shortened. `before` and `after` are small, and have no secret.
    """

    account_id: str
    entry_id: str
    at_s: int
    action: str
    actor: Actor = Actor()
    source: str = ""
    target: str = ""
    outcome: Outcome = "done"
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


class AuditPage(Struct, frozen=True):
    """Entries, newest first, and the id to continue from where there may be more."""

    entries: Sequence[AuditEntry]
    next_cursor: str | None


class AuditLog(Protocol):
    """The audit logs of accounts. Every read sees every write before it."""

    async def write(self, entry: AuditEntry) -> None:
        """Adds an entry; a repeat of its id changes nothing. Raises `ServiceUnavailable`."""

    async def page(
        self, account_id: str, *, limit: int, cursor: str | None = None, since_s: int = 0, action: str | None = None
    ) -> AuditPage:
        """The newest entries with ids below `cursor`, since a time, of an action, or of all actions of a family.

        An action is `family.act`. A page may have fewer entries than `limit` and go on.
        """
