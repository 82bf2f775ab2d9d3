"""The erasure of what an account has left, after its end."""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import Struct


class Erased(Struct, frozen=True):
    """The result of one step, by counts. `left` are those that have to stay for now; the next step goes on `after`."""

    erased: int = 0
    left: int = 0
    after: Any = None


class Erasable(Protocol):
    """A store that keeps content by account. A step that is repeated, or was cut off, harms nothing."""

    async def erase_some(self, account_id: str, after: Any) -> Erased:
        """Erases the next of an account's content, some dozens at most; raises `ServiceUnavailable`."""


class Erasures(Protocol):
    """Erasures that go on by themselves."""

    async def begin(self, account_id: str) -> None:
        """Begins the erasure of what an account has left, once; raises `ServiceUnavailable`."""
