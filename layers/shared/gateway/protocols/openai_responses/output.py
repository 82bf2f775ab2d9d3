"""Canonical content as output items: what belongs together is one item, however its parts follow one another.

Texts and refusals that follow one another are one message; reasoning is one item up to its signature; a call stays open
until the answer ends, since parallel calls may interleave. Reasoning never stands in a message (field case E10).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.events import (
    CitationAdded,
    Content,
    OpaqueDelta,
    RedactedThinkingDelta,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from gateway.canonical.parts import Citation
from gateway.framing.json_values import reread
from gateway.protocols.openai_responses.answer import PROTOCOL
from gateway.protocols.openai_responses.decode_tools import namespaced
from gateway.protocols.openai_responses.output_item import Json, OutputItem, Wire
from gateway.protocols.openai_responses.signatures import encode_redacted, encode_signature
from gateway.protocols.shared.pictures import picture_in

# The prefix of an item's id, and the item when it opens.
_OPENINGS: Mapping[str, tuple[str, Callable[[], Json]]] = {
    "message": ("msg", lambda: {"type": "message", "status": "in_progress", "role": "assistant", "content": []}),
    "reasoning": ("rs", lambda: {"type": "reasoning", "summary": []}),
    "function_call": ("fc", lambda: {"type": "function_call", "status": "in_progress", "arguments": ""}),
    "custom_tool_call": ("ctc", lambda: {"type": "custom_tool_call", "status": "in_progress", "input": ""}),
}


class Output:
    """The items of one answer, growing. Ids follow from the response's id and an item's place."""

    def __init__(self, response_id: str, echo: Mapping[str, Any]) -> None:
        self._suffix = response_id.removeprefix("resp_")
        self._namespaced = namespaced(echo.get("tools", ()))
        self._items: list[OutputItem] = []
        self._current: OutputItem | None = None
        self._calls: dict[tuple[int, int], OutputItem] = {}
        self._signature = ""

    @property
    def items(self) -> list[Json]:
        """The items as they stand, in order."""
        return [item.value for item in self._items]

    def write(self, event: Content) -> list[Wire]:
        """The events of one piece of content; what the wire has no word for gives none, as docs/bridging.md has it."""
        match event:
            case TextDelta(text, part, choice, logprobs):
                events, item = self._writing("output_text", (choice, part))
                events.append(item.write_scored(text, _entries(logprobs)))
                return events
            case ThinkingDelta():
                return self._thinking(event)
            case RedactedThinkingDelta(data, signed_by=signed_by):
                events, item = self._open("reasoning")
                item.value["encrypted_content"] = encode_redacted(data, signed_by)
                return events + self._close_current()
            case RefusalDelta(text, part, choice):
                events, item = self._writing("refusal", (choice, part))
                return [*events, item.write(text)]
            case ToolCallStarted():
                return self._call(event)
            case ToolCallDelta(arguments, index, choice=choice):
                call = self._calls.get((choice, index))
                return [] if call is None else [call.write(arguments)]
            case CitationAdded(citation):
                return self._cite(citation)
            case OpaqueDelta(protocol, json_text):
                return self._own(reread(json_text)) if protocol == PROTOCOL else self._pictured(json_text)

    def close(self, status: str) -> list[Wire]:
        """The end of all that is open."""
        still_open = [item for item in (self._current, *self._calls.values()) if item is not None]
        self._current, self._calls = None, {}
        return [wire for item in still_open for wire in item.close(status)]

    def _thinking(self, event: ThinkingDelta) -> list[Wire]:
        """Writes a piece of a thought, or its signature, which may be all that there is of it."""
        events: list[Wire] = []
        part = event.choice, event.part
        if event.text:
            events, item = self._writing("summary_text", part)
            events.append(item.write(event.text))
        if event.signature:
            item_of_part = self._current
            if item_of_part is None or item_of_part.kind != "reasoning" or item_of_part.part != part:
                opening, item_of_part = self._open("reasoning")
                item_of_part.part = part
                events += opening
            self._signature += event.signature
            item_of_part.value["encrypted_content"] = encode_signature(self._signature, event.signed_by)
        return events

    def _call(self, event: ToolCallStarted) -> list[Wire]:
        namespace, name = self._namespaced.get(event.name, (None, event.name))
        named = {"call_id": event.id, "name": name} | ({} if namespace is None else {"namespace": namespace})
        events = self._close_current()
        item = self._calls[event.choice, event.index] = self._add(
            "custom_tool_call" if event.custom else "function_call", named
        )
        return [*events, item.added()]

    def _own(self, value: Json) -> list[Wire]:
        """An item of the provider's own tools, which this wire alone knows, as it came."""
        events = self._close_current()
        item = OutputItem(value, len(self._items))
        self._items.append(item)
        done = Wire("response.output_item.done", {"output_index": item.output_index, "item": value})
        return [*events, item.added(), done]

    def _pictured(self, json_text: str) -> list[Wire]:
        """A picture that a model of another wire has made, as the item of OpenAI's own tool; else nothing."""
        picture = picture_in(json_text)
        if picture is None:
            return []
        made: Json = {
            "id": f"ig_{self._suffix}-{len(self._items)}",
            "type": "image_generation_call",
            "status": "completed",
            "output_format": picture.media_type.partition("/")[2],
            "result": picture.base64,
        }
        return self._own(made)

    def _cite(self, citation: Citation) -> list[Wire]:
        annotation = _annotation(citation)
        if annotation is None or self._current is None or self._current.growing != "output_text":
            return []
        return [self._current.annotate(annotation)]

    def _writing(self, part_type: str, part: tuple[int, int]) -> tuple[list[Wire], OutputItem]:
        """The item that takes the part, and what opened on the way to it."""
        item = self._current
        if item is not None and item.part == part and item.growing == part_type:
            return [], item
        kind, opening = _PARTS[part_type]
        events: list[Wire] = []
        if item is None or item.kind != kind or self._signature:
            events, item = self._open(kind)
        events += item.open_part(opening())
        item.part = part
        return events, item

    def _open(self, kind: str) -> tuple[list[Wire], OutputItem]:
        """A new message or reasoning item, after the one that was open."""
        events = self._close_current()
        self._current = item = self._add(kind, {})
        return [*events, item.added()], item

    def _add(self, kind: str, more: Json) -> OutputItem:
        prefix, opening = _OPENINGS[kind]
        output_index = len(self._items)
        item = OutputItem({"id": f"{prefix}_{self._suffix}-{output_index}", **opening(), **more}, output_index)
        self._items.append(item)
        return item

    def _close_current(self) -> list[Wire]:
        item, self._current, self._signature = self._current, None, ""
        return [] if item is None else item.close("completed")


# The item that takes a part of a type, and the part when it opens.
_PARTS: Mapping[str, tuple[str, Callable[[], Json]]] = {
    "output_text": ("message", lambda: {"type": "output_text", "text": "", "annotations": [], "logprobs": []}),
    "refusal": ("message", lambda: {"type": "refusal", "refusal": ""}),
    "summary_text": ("reasoning", lambda: {"type": "summary_text", "text": ""}),
}


def _entries(logprobs: Any) -> list[Any]:
    """Log probabilities in the chat shape as this wire's list; tokens and scores are the same in both."""
    return [] if logprobs is None else logprobs.get("content") or []


def _annotation(citation: Citation) -> Json | None:
    """The annotation of this wire; OpenAI's chat wire writes the same one level deeper; no other is known here."""
    annotation: Json = reread(citation.json_text)
    if citation.protocol == PROTOCOL:
        return annotation
    kind = annotation.get("type")
    nested = annotation.get(kind) if isinstance(kind, str) else None
    return {"type": kind, **nested} if isinstance(nested, dict) else None
