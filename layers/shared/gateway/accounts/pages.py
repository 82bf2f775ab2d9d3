"""Pages of lists in the contract's one shape. A cursor is the id of the last element on the page before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from gateway.ports.keys import KeyRecord, KeyStore

T = TypeVar("T")
KEYS_AT_ONCE = 100


class Page(NamedTuple, Generic[T]):
    """Elements of a list, and the id to continue from if there are more."""

    elements: Sequence[T]
    next_cursor: str | None

    def shown(self, view: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
        """The page as the contract's lists answer it (section 2)."""
        return {
            "object": "list",
            "data": [view(element) for element in self.elements],
            "has_more": self.next_cursor is not None,
            "next_cursor": self.next_cursor,
        }


def page_of(found: Sequence[T], limit: int, identity: Callable[[T], str]) -> Page[T]:
    """The first `limit` elements of `found`; the caller fetches one more than that, which tells whether another page
    exists.
    """
    shown = found[:limit]
    return Page(shown, identity(shown[-1]) if len(found) > limit else None)


async def every_key(keys: KeyStore, account_id: str) -> list[KeyRecord]:
    """All keys of an account, page by page."""
    found: list[KeyRecord] = []
    while page := await keys.page(account_id, limit=KEYS_AT_ONCE, before=found[-1].key_id if found else None):
        found += page
    return found


# 9999-12-31T23:59:59Z: a stored time after it can still be shown.
LATEST_S = 253_402_300_799


def iso_utc(at_s: int) -> str:
    """Epoch seconds as ISO 8601, in UTC."""
    return datetime.fromtimestamp(min(at_s, LATEST_S), UTC).isoformat().replace("+00:00", "Z")
