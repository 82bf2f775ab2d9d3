"""A provider's events to canonical ones, the same however the bytes are cut; a stream that was cut never ends cleanly.

The events are those of https://platform.openai.com/docs/api-reference/responses-streaming. What came in deltas is not
said again when its item is done; what came only whole, as some who speak this wire send it, is said then. Kinds that
are not known, and the progress of a provider's own tools, mean nothing to other wires and are forwarded on this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gateway.canonical.call_ids import CallIds
from gateway.canonical.codec import Decoded
from gateway.canonical.events import (
    CitationAdded,
    Ended,
    Event,
    Failed,
    Finished,
    OpaqueDelta,
    RedactedThinkingDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.parts import Citation
from gateway.canonical.response import FinishReason
from gateway.canonical.usage import Uses
from gateway.errors import UnreadableAnswer
from gateway.framing.sse import Frame, SSEDecoder, sse_event
from gateway.protocols.openai_responses import answer
from gateway.protocols.openai_responses.decode_answer import (
    TEXTS,
    chat_logprobs,
    content_of,
    is_empty_call,
    is_generated,
)
from gateway.protocols.openai_responses.errors import decode_error_object
from gateway.protocols.openai_responses.places import Places
from gateway.protocols.shared.framed import FramedDecoder
from gateway.protocols.shared.provider_json import (
    as_arguments,
    as_index,
    as_object,
    as_objects,
    as_parts,
    as_text,
    as_word,
    created_s,
    dumped,
    load,
)

Json = dict[str, Any]


class ResponsesStreamDecoder(FramedDecoder[Frame]):
    """One provider stream. `Decoded.frame` is a whole event, empty where there is nothing to forward."""

    def __init__(self, answer_id: str = "") -> None:
        super().__init__(SSEDecoder())
        self._reader = _AnswerReader(CallIds(answer_id))

    def _decoded(self, frame: Frame) -> Decoded:
        if frame.data.startswith(b"[DONE]") or not frame.data.strip():
            return Decoded((), b"")
        # Between JSON's values a line break is but a space, and one line is what forwarding expects.
        data = frame.data.replace(b"\n", b" ")
        event = load(data)
        kind = as_text(event.get("type") or _name(frame) or ("error" if "error" in event else None))
        if not kind and frame.event:
            # A server's own frame, such as a ping, and no event of this wire.
            return Decoded((), b"")
        if not kind or not kind.isprintable():
            raise UnreadableAnswer("an event's type is no name")
        if kind in _ENDINGS:
            return self._end(event, kind, data)
        events: list[Event] = []
        self._reader.read(kind, event, events)
        return Decoded(events, sse_event(data, kind), self._reader.uses)

    def _end(self, event: Json, kind: str, data: bytes) -> Decoded:
        events = _ENDINGS[kind](self._reader, event)
        self._ended = True
        failed = isinstance(events[-1], Failed)
        return Decoded(events, b"" if failed else sse_event(data, kind), self._reader.uses)


class _AnswerReader:
    """The content so far: its parts and its calls."""

    def __init__(self, ids: CallIds) -> None:
        self.started = False
        self._ids = ids
        self._places = Places()
        self._parts: dict[tuple[int, str, int], int] = {}
        self._calls: dict[int, int] = {}
        self._argued: set[int] = set()
        self._cited: dict[tuple[int, str, int], int] = {}
        self._items: dict[int, Json] = {}

    @property
    def uses(self) -> Uses:
        """The uses of the provider's own tools so far: those that have begun count, until they prove to be free."""
        return answer.decode_uses(self._items.values())

    @property
    def calls_tools(self) -> bool:
        """True if a caller's tool is called."""
        return bool(self._calls)

    @property
    def is_empty(self) -> bool:
        """True if there is no content yet."""
        return not self._parts

    def read(self, kind: str, event: Json, events: list[Event]) -> None:
        """Reads an event of any kind."""
        if kind == "response.created":
            self.start(event, events)
        elif kind == "response.output_item.added":
            self._open_item(self._places.open(event), event, events)
        elif kind in _READERS:
            _READERS[kind](self, self._places.of(event), event, events)

    def start(self, event: Json, events: list[Event]) -> None:
        """The response begins, once."""
        response = as_object(event.get("response"))
        if not self.started:
            self.started = True
            events.append(
                Started(
                    upstream_id=as_word(response.get("id")),
                    model=as_word(response.get("model")),
                    created_s=created_s(response.get("created_at")),
                )
            )

    def add_text(self, place: int, event: Json, events: list[Event]) -> None:
        """Reads a piece of a text part, with its log probabilities; half a character is scored without any text."""
        text, logprobs = as_text(event.get("delta")), event.get("logprobs")
        if text or logprobs:
            part = self._part(place, "text", as_index(event.get("content_index"), 0))
            events.append(TextDelta(text, part, logprobs=chat_logprobs(logprobs)))

    def add_refusal(self, place: int, event: Json, events: list[Event]) -> None:
        """Reads a piece of a refusal."""
        if text := as_text(event.get("delta")):
            part = self._part(place, "refusal", as_index(event.get("content_index"), 0))
            events.append(RefusalDelta(text, part))

    def add_summary(self, place: int, event: Json, events: list[Event]) -> None:
        """Reads a piece of a summary of reasoning."""
        if text := as_text(event.get("delta")):
            part = self._part(place, "summary", as_index(event.get("summary_index"), 0))
            events.append(ThinkingDelta(text, part))

    def add_reasoning(self, place: int, event: Json, events: list[Event]) -> None:
        """Reads a piece of reasoning itself, where a model shows it."""
        if text := as_text(event.get("delta")):
            part = self._part(place, "reasoning", as_index(event.get("content_index"), 0))
            events.append(ThinkingDelta(text, part))

    def add_arguments(self, place: int, event: Json, events: list[Event]) -> None:
        """Reads a piece of the input of a call; one that has not been opened says it all when it is done."""
        text = as_text(event.get("delta"))
        if text and place in self._calls:
            self._argued.add(place)
            events.append(ToolCallDelta(text, self._calls[place], self._part(place, "call", 0)))

    def add_annotation(self, place: int, event: Json, events: list[Event]) -> None:
        """A source of a text part."""
        key = place, "text", as_index(event.get("content_index"), 0)
        self._cite(key, event.get("annotation"), events)

    def _open_item(self, place: int, event: Json, events: list[Event]) -> None:
        """Opens an item. Only calls have content at this point: their id and name."""
        item = as_object(event.get("item"))
        self._note_item(place, item)
        if as_word(item.get("type")) in _CALL_INPUTS and item.get("name"):
            self._open_call(place, item, events)

    def close_item(self, place: int, event: Json, events: list[Event]) -> None:
        """Emits the part of an item that has not been emitted."""
        item = as_object(event.get("item"))
        self._note_item(place, item)
        self.complete(place, item, events)
        self._places.close(place)

    def note_listed(self, items: Iterable[Json]) -> None:
        """Keeps the items of the provider's own tools, as the whole answer has them."""
        for index, item in enumerate(items):
            self._note_item(self._places.listed(index, item), item)

    def _note_item(self, index: int, item: Json) -> None:
        """Keeps an item of the provider's own tools, as it is known by now."""
        if answer.is_search(item) or index in self._items:
            self._items[index] = item

    def complete(self, index: int, item: Json, events: list[Event]) -> None:
        """Emits the missing part of the item at `index`; an item of the provider's own tools is emitted whole."""
        kind = as_text(item.get("type"))
        if kind in _COMPLETIONS:
            _COMPLETIONS[kind](self, index, item, events)
        elif kind:
            place = self._part(index, "opaque", 0)
            events.append(OpaqueDelta(answer.PROTOCOL, dumped(item), place, generated=is_generated(item)))

    def complete_message(self, index: int, item: Json, events: list[Event]) -> None:
        """Texts, refusals and citations that did not come by themselves."""
        texts, refusals = self._streamed(index, "text"), self._streamed(index, "refusal")
        for position, part in enumerate(content_of(item)):
            if as_word(part.get("type")) in TEXTS:
                key = next(texts, (index, "text", position))
                if key not in self._parts:
                    self.add_text(index, _whole(position, part, "text"), events)
                for annotation in as_objects(part.get("annotations"))[self._cited.get(key, 0) :]:
                    self._cite(key, annotation, events)
            elif part.get("type") == "refusal":
                if next(refusals, None) is None:
                    self.add_refusal(index, _whole(position, part, "refusal"), events)
            else:
                ordinal = self._part(index, "opaque", position)
                events.append(OpaqueDelta(answer.PROTOCOL, dumped(part), ordinal))

    def complete_reasoning(self, index: int, item: Json, events: list[Event]) -> None:
        """Reasoning that did not come by itself, and what encrypts it: the signature of its last part."""
        summaries, thoughts = self._streamed(index, "summary"), self._streamed(index, "reasoning")
        for position, part in enumerate(as_parts(item.get("summary"))):
            if next(summaries, None) is None:
                self.add_summary(index, _whole(position, part, "text"), events)
        for position, part in enumerate(as_parts(item.get("content"))):
            if next(thoughts, None) is None:
                self.add_reasoning(index, _whole(position, part, "text"), events)
        encrypted = as_text(item.get("encrypted_content"))
        if not encrypted:
            return
        ordinals = [ordinal for (at, _, _), ordinal in self._parts.items() if at == index]
        if ordinals:
            events.append(ThinkingDelta("", max(ordinals), signature=encrypted, signed_by=answer.PROTOCOL))
        else:
            ordinal = self._part(index, "encrypted", 0)
            events.append(RedactedThinkingDelta(encrypted, ordinal, signed_by=answer.PROTOCOL))

    def complete_call(self, index: int, item: Json, events: list[Event]) -> None:
        """A call that was not opened, or whose input did not come by itself."""
        if is_empty_call(item):
            return
        if index not in self._calls:
            self._open_call(index, item, events)
        if index not in self._argued:
            whole = as_arguments(item.get(_CALL_INPUTS[item["type"]]))
            self.add_arguments(index, {"delta": whole}, events)

    def _open_call(self, index: int, item: Json, events: list[Event]) -> None:
        call = self._calls[index] = len(self._calls)
        identity = self._ids.of(as_word(item.get("call_id")))
        custom = item["type"] == "custom_tool_call"
        part = self._part(index, "call", 0)
        events.append(ToolCallStarted(identity, as_text(item.get("name")), call, part, custom=custom))

    def _cite(self, key: tuple[int, str, int], annotation: object, events: list[Event]) -> None:
        self._cited[key] = self._cited.get(key, 0) + 1
        events.append(CitationAdded(Citation(answer.PROTOCOL, dumped(as_object(annotation))), self._part(*key)))

    def _streamed(self, index: int, kind: str) -> Iterator[tuple[int, str, int]]:
        """The item's parts of a kind that came in deltas, in order; a finished item may number them otherwise."""
        return iter([key for key in self._parts if key[:2] == (index, kind)])

    def _part(self, index: int, kind: str, position: int) -> int:
        """The ordinal of a part, in the order in which parts were first heard of."""
        return self._parts.setdefault((index, kind, position), len(self._parts))


def _name(frame: Frame) -> str | None:
    """Returns the frame's name, if it is an event of this wire."""
    name = frame.event or ""
    return name if name.startswith("response.") or name == "error" else None


def _whole(position: int, part: Json, member: str) -> Json:
    """A part that came at once, as the one delta that it could have been."""
    return {
        "content_index": position,
        "summary_index": position,
        "delta": part.get(member),
        "logprobs": part.get("logprobs"),
    }


def _finished(reader: _AnswerReader, event: Json) -> list[Event]:
    """Ends the stream without repeating streamed content; without any, the last event contains all of it."""
    response = as_object(event.get("response"))
    events: list[Event] = []
    reader.start(event, events)
    if reader.is_empty:
        for index, item in enumerate(as_objects(response.get("output"))):
            reader.complete(index, item, events)
    reader.note_listed(as_objects(response.get("output")))
    usage = answer.decode_usage(response.get("usage"), reader.uses)
    if usage is not None:
        events.append(UsageReported(usage))
    reason = answer.decode_ending(response, reader.calls_tools) or FinishReason.STOP
    return [*events, Finished(reason), Ended()]


def _failed(_: _AnswerReader, event: Json) -> list[Event]:
    return [Failed(decode_error_object(as_object(event.get("response")).get("error")))]


def _error(_: _AnswerReader, event: Json) -> list[Event]:
    """The error stands in the event itself, or, as the service sends it, one level below."""
    return [Failed(decode_error_object(event.get("error") or event))]


_CALL_INPUTS: Mapping[str, str] = {"function_call": "arguments", "custom_tool_call": "input"}
_COMPLETIONS: Mapping[str, Callable[[_AnswerReader, int, Json, list[Event]], None]] = {
    "message": _AnswerReader.complete_message,
    "reasoning": _AnswerReader.complete_reasoning,
    "function_call": _AnswerReader.complete_call,
    "custom_tool_call": _AnswerReader.complete_call,
}
_READERS: Mapping[str, Callable[[_AnswerReader, int, Json, list[Event]], None]] = {
    "response.output_text.delta": _AnswerReader.add_text,
    "response.output_text.annotation.added": _AnswerReader.add_annotation,
    "response.refusal.delta": _AnswerReader.add_refusal,
    "response.reasoning_summary_text.delta": _AnswerReader.add_summary,
    "response.reasoning_text.delta": _AnswerReader.add_reasoning,
    "response.function_call_arguments.delta": _AnswerReader.add_arguments,
    "response.custom_tool_call_input.delta": _AnswerReader.add_arguments,
    "response.output_item.done": _AnswerReader.close_item,
}
_ENDINGS: Mapping[str, Callable[[_AnswerReader, Json], list[Event]]] = {
    "response.completed": _finished,
    "response.incomplete": _finished,
    "response.failed": _failed,
    "error": _error,
}
