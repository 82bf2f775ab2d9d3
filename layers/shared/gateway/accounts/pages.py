"""Lists in the contract's one shape, page after page. A cursor is the id of the last element that was shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """Elements of a list, and the id to go on from where there are more."""

    elements: Sequence[T]
    next_cursor: str | None

    def shown(self, view: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
        """As the contract's lists answer (section 2)."""
        return {
            "object": "list",
            "data": [view(element) for element in self.elements],
            "has_more": self.next_cursor is not None,
            "next_cursor": self.next_cursor,
        }


def page_of(found: Sequence[T], limit: int, identity: Callable[[T], str]) -> Page[T]:
    """The first `limit` of what was found; whoever asks finds one more than that, to know whether there is more."""
    shown = found[:limit]
    return Page(shown, identity(shown[-1]) if len(found) > limit else None)


def iso_utc(at_s: int) -> str:
    """Epoch seconds as ISO 8601, in UTC."""
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")
