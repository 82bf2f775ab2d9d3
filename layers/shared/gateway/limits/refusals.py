"""Remembers refusals, so that requests against a full window cost no writes.

A refusal is remembered only if time or the operator alone can undo it, and only until the time given with it. The
memory belongs to one process, as Lambda keeps it warm.
"""

from __future__ import annotations

from msgspec.structs import replace

from gateway.canonical.money import Refusal
from gateway.limits.windows import reset_s

REMEMBERED_MAX = 10_000


class Refusals:
    """Refusals still in force, by account or by key."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, ...], tuple[float, Refusal]] = {}

    def remember(self, whom: tuple[str, ...], refusal: Refusal, until_s: float) -> None:
        """Keeps `refusal` in force for `whom` until `until_s`; removes the oldest if the memory is full."""
        self._until.pop(whom, None)
        if len(self._until) >= REMEMBERED_MAX:
            del self._until[next(iter(self._until))]
        self._until[whom] = (until_s, refusal)

    def recall(self, account_id: str, key_id: str, now_s: float) -> Refusal | None:
        """The refusal still in force for this key or its account, its window's reset counted from now."""
        for whom in ((account_id, key_id), (account_id,)):
            until_s, refusal = self._until.get(whom, (now_s, None))
            if refusal is not None and now_s < until_s:
                return replace(refusal, window=replace(refusal.window, reset_s=reset_s(now_s)))
            self._until.pop(whom, None)
        return None
