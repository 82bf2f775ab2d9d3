"""Leaves what one request does in audit logs: who asks and from where is the same for all its entries.

An act whose store can write an entry with it, in one transaction, is given the entry. Any other is noted before it is
done, so that no act goes unseen.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from gateway.audit.entries import entry_of, unknown_account
from gateway.errors import GatewayError
from gateway.ports.audit import Actor, AuditEntry, AuditLog, Outcome
from gateway.ports.clock import Clock

T = TypeVar("T")


class Trail(Struct, frozen=True):
    """The account, the actor and the source of a request's entries."""

    log: AuditLog
    clock: Clock
    account_id: str = ""
    actor: Actor = Actor()
    source: str = ""

    def of(self, account_id: str | None, user_id: str | None = None) -> Trail:
        """The trail in another account's log, by a person where one is named; `None` is an account that is unknown."""
        actor = self.actor if user_id is None else replace(self.actor, user_id=user_id)
        return replace(self, account_id=account_id or unknown_account(), actor=actor)

    def entry(
        self,
        action: str,
        *,
        target: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        note: str = "",
        outcome: Outcome = "done",
    ) -> AuditEntry:
        """An entry of now."""
        return entry_of(
            self.account_id,
            action,
            self.clock.now_s(),
            actor=self.actor,
            source=self.source,
            target=target,
            outcome=outcome,
            before=before,
            after=after,
            note=note,
        )

    async def write(self, action: str, *, target: str = "", note: str = "", outcome: Outcome = "done") -> None:
        """Writes an entry of what has happened, or was tried."""
        await self.log.write(self.entry(action, target=target, note=note, outcome=outcome))

    async def around(
        self,
        action: str,
        act: Callable[[], Awaitable[T]],
        *,
        target: str = "",
        after: Mapping[str, Any] | None = None,
    ) -> T:
        """Writes an entry, then acts; a refusal is an entry too. After a failure it is open if the act was done."""
        await self.log.write(self.entry(action, target=target, after=after, outcome="begun"))
        try:
            return await act()
        except GatewayError as refusal:
            if refusal.status < 500:
                note = refusal.code or ""
                await self.log.write(self.entry(action, target=target, note=note, outcome="refused"))
            raise
