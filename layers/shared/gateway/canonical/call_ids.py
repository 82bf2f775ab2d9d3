"""Ids of the tool calls of one answer, unique within it and across answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Call = dict[str, Any]


class CallIds:
    """Keeps the ids that a provider gave, and makes one for each call without an id.

    `answer_id` is unique to the answer and consists of letters, digits, `_` and `-`, which every wire takes. If it is
    empty, the ids stay unchanged.
    """

    def __init__(self, answer_id: str) -> None:
        self._answer_id = answer_id
        self._given: set[str] = set()
        self._count = 0

    def of(self, given: str) -> str:
        """The next call's id: `given`, unless it is empty or an earlier call of the answer has it."""
        self._count += 1
        if self._answer_id and (not given or given in self._given):
            return f"call_{self._answer_id}_{self._count - 1}"
        self._given.add(given)
        return given

    def complete(self, calls: Iterable[Call]) -> bool:
        """Sets the `id` member of each call of a wire's JSON in place; returns true if any id changed."""
        has_changed = False
        for call in calls:
            given = call.get("id")
            identity = self.of(given if isinstance(given, str) else "")
            has_changed = has_changed or identity != given
            call["id"] = identity
        return has_changed
