"""Arguments that Vertex streams value by value, put together to the object that they come to.

https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc: each piece names its
place by a JSON Path (RFC 9535) of names and positions alone; pieces of one string follow each other.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from gateway.errors import UnreadableAnswer
from gateway.protocols.shared.provider_json import as_text, dumped

_STEP = re.compile(r"\.([^.\[]+)|\[(\d{1,4})\]|\['([^']*)'\]")
_VALUES = ("stringValue", "numberValue", "boolValue", "nullValue")


class PartialArguments:
    """The arguments of one call so far."""

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}

    def add(self, piece: dict[str, Any]) -> None:
        """One value, or more of a string; raises `UnreadableAnswer` where the path leads nowhere."""
        path = as_text(piece.get("jsonPath"))
        steps = [match[1] or match[3] or int(match[2]) for match in _STEP.finditer(path)]
        kind = next((name for name in _VALUES if name in piece), None)
        if not steps or kind is None:
            raise UnreadableAnswer("a piece of arguments has no place or no value")
        holder: Any = self._root
        for step, following in pairwise(steps):
            holder = _grown(holder, step, [] if isinstance(following, int) else {})
        before = _grown(holder, steps[-1], "" if kind == "stringValue" else None)
        holder[steps[-1]] = None if kind == "nullValue" else piece[kind]
        if kind == "stringValue":
            holder[steps[-1]] = as_text(before) + as_text(piece[kind])

    def as_json(self) -> str:
        """The object as JSON text."""
        return dumped(self._root)


def _grown(holder: Any, step: str | int, empty: object) -> Any:
    """Returns the value at `step`, and puts an empty one there if there is none."""
    if isinstance(holder, list) and isinstance(step, int):
        if step == len(holder):
            holder.append(empty)
        if step < len(holder):
            return holder[step]
    if isinstance(holder, dict) and isinstance(step, str):
        return holder.setdefault(step, empty)
    raise UnreadableAnswer("a piece of arguments leads nowhere")
