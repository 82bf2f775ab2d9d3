"""Records a forwarded stream's content, as far as an early end must repeat it.

The provider's own events are read, not made: its ids, its places and its numbers go on where its stream was cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.framing.json_edit import members
from gateway.framing.json_values import reread
from gateway.protocols.openai_responses.output_item import Json, OutputItem, Wire
from gateway.protocols.openai_responses.places import Places
from gateway.protocols.shared.provider_json import as_object, as_text


class Transcript:
    """The state of one forwarded stream."""

    def __init__(self) -> None:
        self.response: Json = {}
        self._last = b"{}"
        self._done: dict[int, Json] = {}
        self._open: dict[int, OutputItem] = {}
        self._places = Places()

    @property
    def next_number(self) -> int:
        """The sequence number after the last event's."""
        last = reread(self._last).get("sequence_number")
        return last + 1 if isinstance(last, int) else 0

    @property
    def items(self) -> list[Json]:
        """The items as they stand, in order."""
        standing = self._done | {index: item.value for index, item in self._open.items()}
        return [standing[index] for index in sorted(standing)]

    def note(self, name: bytes, data: bytes) -> None:
        """Keeps what an event adds; `name` is its type."""
        self._last = data
        note = _NOTES.get(name)
        if note is not None:
            note(self, reread(data))

    def note_response(self, data: bytes) -> None:
        """Keeps the response that an event holds, under the gateway's names already."""
        self._last = data
        self.response = reread(members(data).get("response", b"{}"))

    def close(self, status: str) -> list[Wire]:
        """The end of all that is open."""
        events = [wire for item in self._open.values() for wire in item.close(status)]
        self._done |= {index: item.value for index, item in self._open.items()}
        self._open = {}
        return events

    def note_item(self, event: Json) -> None:
        """An item opens."""
        index = self._places.open(event)
        self._open[index] = OutputItem({"type": ""} | as_object(event.get("item")), index)

    def note_item_done(self, event: Json) -> None:
        """An item has ended, and is repeated as the provider says that it is."""
        index = self._places.of(event)
        self._places.close(index)
        self._open.pop(index, None)
        self._done[index] = as_object(event.get("item"))

    def note_part(self, event: Json) -> None:
        """A part opens."""
        item = self._item(event)
        if item is not None:
            item.open_part({"type": ""} | as_object(event.get("part")))

    def note_part_done(self, event: Json) -> None:
        """A part has ended."""
        item = self._item(event)
        if item is not None:
            item.close_part()

    def note_delta(self, event: Json) -> None:
        """Adds a piece to the item that the event names."""
        item = self._item(event)
        if item is not None:
            item.write(as_text(event.get("delta")))

    def _item(self, event: Json) -> OutputItem | None:
        return self._open.get(self._places.of(event))


_NOTES: Mapping[bytes, Callable[[Transcript, Json], None]] = {
    b"response.output_item.added": Transcript.note_item,
    b"response.output_item.done": Transcript.note_item_done,
    b"response.content_part.added": Transcript.note_part,
    b"response.content_part.done": Transcript.note_part_done,
    b"response.reasoning_summary_part.added": Transcript.note_part,
    b"response.reasoning_summary_part.done": Transcript.note_part_done,
    b"response.output_text.delta": Transcript.note_delta,
    b"response.refusal.delta": Transcript.note_delta,
    b"response.reasoning_summary_text.delta": Transcript.note_delta,
    b"response.reasoning_text.delta": Transcript.note_delta,
    b"response.function_call_arguments.delta": Transcript.note_delta,
    b"response.custom_tool_call_input.delta": Transcript.note_delta,
}
