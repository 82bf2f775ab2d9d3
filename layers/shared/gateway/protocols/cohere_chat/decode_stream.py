"""The wire's events to canonical ones, the same however the bytes are cut; a stream that was cut never ends cleanly.

https://docs.cohere.com/docs/streaming. A stream is whole when `message-end` has come, which carries the usage. Types of
events that are not known mean nothing to other wires.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.call_ids import CallIds
from gateway.canonical.codec import Decoded
from gateway.canonical.events import (
    CitationAdded,
    Ended,
    Event,
    Failed,
    Finished,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.errors import UnreadableAnswer
from gateway.framing.sse import Frame, SSEDecoder
from gateway.protocols.cohere_chat import answer
from gateway.protocols.cohere_chat.decode_answer import citation
from gateway.protocols.cohere_chat.errors import decode_error_object
from gateway.protocols.shared.framed import FramedDecoder
from gateway.protocols.shared.provider_json import as_arguments, as_index, as_object, as_text, as_word, load

Json = dict[str, Any]


class CohereStreamDecoder(FramedDecoder[Frame]):
    """One provider stream. No caller speaks the wire, so that no frame is forwarded."""

    def __init__(self, answer_id: str = "") -> None:
        super().__init__(SSEDecoder())
        self._ids = CallIds(answer_id)
        self._parts = 0
        self._open = ""
        # Calls by the wire's index: the ordinal of each, and its part.
        self._calls: dict[int, tuple[int, int]] = {}

    def _decoded(self, frame: Frame) -> Decoded | None:
        if not frame.data.strip() or frame.data.startswith(b"[DONE]"):
            return None
        return Decoded(self._events(frame), b"")

    def _events(self, frame: Frame) -> list[Event]:
        """The frame's meaning; one without a type is a server's own where it has a name, and else an error."""
        value = load(frame.data)
        events: list[Event] = []
        kind = as_word(value.get("type"))
        if not kind and frame.event:
            return events
        if not kind:
            self._ended = True
            return [Failed(decode_error_object(value))]
        if kind in _EVENTS:
            _EVENTS[kind](self, value, events)
        return events

    def _part(self, kind: str) -> int:
        """The ordinal of the open part, a new one where the kind or the wire's block changes."""
        if kind != self._open:
            self._open = kind
            self._parts += 1
        return self._parts - 1

    def read_start(self, value: Json, events: list[Event]) -> None:
        """Reads the answer's id; the wire does not name the model."""
        events.append(Started(upstream_id=as_word(value.get("id")), model=""))

    def read_content(self, value: Json, events: list[Event]) -> None:
        """Reads a piece of a block, or the opening of one, which may hold its first piece."""
        content = as_object(_message(value).get("content"))
        index = as_index(value.get("index"), 0)
        if text := as_text(content.get("text")):
            events.append(TextDelta(text, self._part(f"text {index}")))
        if thought := as_text(content.get("thinking")):
            events.append(ThinkingDelta(thought, self._part(f"thinking {index}")))

    def read_plan(self, value: Json, events: list[Event]) -> None:
        """Reads a piece of what the model plans to call."""
        if plan := as_text(_message(value).get("tool_plan")):
            events.append(ThinkingDelta(plan, self._part("plan")))

    def read_call(self, value: Json, events: list[Event]) -> None:
        """Reads a call that opens."""
        call = as_object(_message(value).get("tool_calls"))
        function = as_object(call.get("function"))
        at, index = as_index(value.get("index"), len(self._calls)), len(self._calls)
        part = self._part(f"call {at}")
        self._calls[at] = (index, part)
        name = as_text(function.get("name"))
        events.append(ToolCallStarted(self._ids.of(as_word(call.get("id"))), name, index, part))
        self._add_arguments(at, function, events)

    def read_arguments(self, value: Json, events: list[Event]) -> None:
        """Reads more of a call's arguments."""
        call = as_object(_message(value).get("tool_calls"))
        self._add_arguments(as_index(value.get("index"), len(self._calls) - 1), as_object(call.get("function")), events)

    def _add_arguments(self, at: int, function: Json, events: list[Event]) -> None:
        if at not in self._calls:
            raise UnreadableAnswer("a call's arguments came before the call")
        index, part = self._calls[at]
        if arguments := as_arguments(function.get("arguments")):
            events.append(ToolCallDelta(arguments, index, part))

    def read_citation(self, value: Json, events: list[Event]) -> None:
        """Reads a source of the open text; none is known while a call is open."""
        source = _message(value).get("citations")
        if source and self._open.startswith("text"):
            events.append(CitationAdded(citation(source), self._parts - 1))

    def read_end(self, value: Json, events: list[Event]) -> None:
        """Reads the reason and the usage, and ends the answer; one that reports an error has failed."""
        delta = as_object(value.get("delta"))
        usage = answer.decode_usage(delta.get("usage"))
        reports: list[Event] = [] if usage is None else [UsageReported(usage)]
        self._ended = True
        if delta.get("error") and delta.get("error_type") != answer.INVALID_CALL:
            events += [*reports, Failed(decode_error_object(delta["error"]))]
            return
        word = delta.get("error_type") or delta.get("finish_reason")
        reason = answer.decode_finish_reason(word, called=bool(self._calls))
        events += [Finished(reason), *reports, Ended()]


def _message(value: Json) -> Json:
    return as_object(as_object(value.get("delta")).get("message"))


_EVENTS: Mapping[str, Callable[[CohereStreamDecoder, Json, list[Event]], None]] = {
    "message-start": CohereStreamDecoder.read_start,
    "content-start": CohereStreamDecoder.read_content,
    "content-delta": CohereStreamDecoder.read_content,
    "tool-plan-delta": CohereStreamDecoder.read_plan,
    "tool-call-start": CohereStreamDecoder.read_call,
    "tool-call-delta": CohereStreamDecoder.read_arguments,
    "citation-start": CohereStreamDecoder.read_citation,
    "message-end": CohereStreamDecoder.read_end,
}
