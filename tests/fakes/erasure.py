"""`Erasures` in memory."""

from __future__ import annotations

from gateway.errors import ServiceUnavailable


class MemoryErasures:
    """`Erasures` that keep the accounts whose erasure has begun."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.is_down = False

    async def begin(self, account_id: str) -> None:
        if self.is_down:
            raise ServiceUnavailable("no state machine")
        if account_id not in self.begun:
            self.begun.append(account_id)
