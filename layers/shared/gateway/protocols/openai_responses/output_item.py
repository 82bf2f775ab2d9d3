"""One output item as it is written: opened, filled part by part, closed, each step with the events that tell of it.

The order of events is that of https://platform.openai.com/docs/api-reference/responses-streaming; the official SDK's
stream helper raises where an item's or a part's opening is missing or holds more than it opens with, and agents act on
its end.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.protocols.shared.provider_json import as_word

Json = dict[str, Any]


class Wire(NamedTuple):
    """An event before it is numbered."""

    name: str
    members: Json


class _Place(NamedTuple):
    """The member in which an item keeps its parts, and the form in which events name them."""

    member: str
    position: str
    stem: str


class _Text(NamedTuple):
    """A growing text: its member, the stem of its events, the content of its last event, and its place."""

    member: str
    stem: str
    repeated: tuple[str, ...] = ()
    place: _Place | None = None


_CONTENT = _Place("content", "content_index", "response.content_part")
_SUMMARY = _Place("summary", "summary_index", "response.reasoning_summary_part")
# By the type of the part, or of the item that grows as a whole.
_TEXTS: Mapping[str, _Text] = {
    "output_text": _Text("text", "response.output_text", ("logprobs",), _CONTENT),
    "refusal": _Text("refusal", "response.refusal", (), _CONTENT),
    "summary_text": _Text("text", "response.reasoning_summary_text", (), _SUMMARY),
    "reasoning_text": _Text("text", "response.reasoning_text", (), _CONTENT),
    "function_call": _Text("arguments", "response.function_call_arguments", ("name",)),
    "custom_tool_call": _Text("input", "response.custom_tool_call_input"),
}
# Reasoning has no status: states and nulls in it are refused when it is sent back (field case E10).
_WITHOUT_STATUS = frozenset({"reasoning"})


class OutputItem:
    """An item in progress. `value` is the item as it stands, save for the text that is growing.

    `part` is the choice and the ordinal of the canonical part written last.
    """

    def __init__(self, value: Json, output_index: int) -> None:
        self.value = value
        self.output_index = output_index
        self.part: tuple[int, int] | None = None
        self._ids: Json = {"item_id": value.get("id"), "output_index": output_index}
        self._text: _Text | None = None
        self._holder: Json = {}
        self._where: Json = {}
        self._delta_name = ""
        self._pieces: list[str] = []
        text = _TEXTS.get(self.kind)
        if text is not None:
            self._grow(text, value, {})

    @property
    def kind(self) -> str:
        """The item's type."""
        return as_word(self.value.get("type"))

    @property
    def growing(self) -> str | None:
        """The type of the part that is open."""
        return self._holder.get("type")

    def added(self) -> Wire:
        """The item's opening, without what grows in it before the event is written."""
        item = copy.deepcopy(self.value)
        return Wire("response.output_item.added", {"output_index": self.output_index, "item": item})

    def open_part(self, part: Json) -> list[Wire]:
        """A new part, after the one that was open; a type that does not grow gives nothing."""
        events = self.close_part()
        text = _TEXTS.get(as_word(part.get("type")))
        if text is None or text.place is None:
            return events
        parts = self.value.get(text.place.member)
        if not isinstance(parts, list):
            parts = self.value[text.place.member] = []
        position = {text.place.position: len(parts)}
        parts.append(part)
        self._grow(text, part, position)
        return [*events, Wire(f"{text.place.stem}.added", {**self._where, "part": copy.deepcopy(part)})]

    def write(self, piece: str) -> Wire:
        """Writes a piece of the part or the arguments that are open in this item."""
        self._pieces.append(piece)
        return Wire(self._delta_name, {**self._where, "delta": piece})

    def write_scored(self, piece: str, logprobs: list[Any]) -> Wire:
        """Writes a piece of the open text, with its log probabilities."""
        self._pieces.append(piece)
        if logprobs:
            self._holder["logprobs"] += logprobs
        return Wire(self._delta_name, {**self._where, "delta": piece, "logprobs": logprobs})

    def annotate(self, annotation: Json) -> Wire:
        """A source of the text that is growing."""
        annotations = self._holder["annotations"]
        annotations.append(annotation)
        members = {"annotation_index": len(annotations) - 1, "annotation": annotation}
        return Wire("response.output_text.annotation.added", {**self._where, **members})

    def close_part(self) -> list[Wire]:
        """The end of what is growing, if anything is."""
        text, holder = self._text, self._holder
        if text is None:
            return []
        holder[text.member] = as_word(holder.get(text.member)) + "".join(self._pieces)
        told = {name: holder[name] for name in (text.member, *text.repeated) if name in holder}
        events = [Wire(f"{text.stem}.done", {**self._where, **told})]
        if text.place is not None:
            events.append(Wire(f"{text.place.stem}.done", {**self._where, "part": dict(holder)}))
        self._text, self._holder = None, {}
        return events

    def close(self, status: str) -> list[Wire]:
        """The end of the item."""
        events = self.close_part()
        if self.kind not in _WITHOUT_STATUS:
            self.value["status"] = status
        return [*events, Wire("response.output_item.done", {"output_index": self.output_index, "item": self.value})]

    def _grow(self, text: _Text, holder: Json, position: Json) -> None:
        self._text, self._holder, self._where = text, holder, {**self._ids, **position}
        self._delta_name, self._pieces = f"{text.stem}.delta", []
