"""A provider's events to canonical ones, the same however the bytes are cut; a stream that was cut never ends cleanly.

The events are those of https://platform.openai.com/docs/api-reference/responses-streaming. What came in deltas is not
said again when its item is done; what came only whole, as some who speak this wire send it, is said then. Kinds that
are not known, and the progress of a provider's own tools, mean nothing to other wires and are forwarded on this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

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
from gateway.errors import UpstreamError
from gateway.framing.provider_json import UNREADABLE, as_index, as_object, as_objects, as_text, created_s, dumped, load
from gateway.framing.sse import Frame, SSEDecoder, sse_event
from gateway.protocols.openai_responses import answer
from gateway.protocols.openai_responses.decode_answer import chat_logprobs
from gateway.protocols.openai_responses.errors import decode_error_object

CUT = "The provider's stream was cut."

Json = dict[str, Any]


class ResponsesStreamDecoder:
    """One provider stream. `Decoded.frame` is a whole event, empty where there is nothing to forward."""

    def __init__(self) -> None:
        self._sse = SSEDecoder()
        self._said = _Said()
        self._ended = False

    def feed(self, data: bytes) -> list[Decoded]:
        """What the frames in `data` mean; garbage is a `Failed` event in its place. Nothing follows the end."""
        try:
            frames = self._sse.feed(data)
        except UpstreamError as too_large:
            return [self._failed(too_large)]
        return self._read(frames)

    def flush(self) -> list[Decoded]:
        """A stream is whole when its last event said so; else it was cut."""
        decoded = self._read(self._sse.flush())
        return decoded if self._ended else [*decoded, self._failed(UpstreamError(CUT))]

    def _read(self, frames: Iterable[Frame]) -> list[Decoded]:
        read = []
        for frame in frames:
            if self._ended:
                break
            try:
                read.append(self._decoded(frame))
            except UpstreamError as error:
                read.append(self._failed(error))
        return read

    def _decoded(self, frame: Frame) -> Decoded:
        if frame.data.startswith(b"[DONE]"):
            return Decoded((), b"")
        # Between JSON's values a line break is but a space, and one line is what forwarding expects.
        data = frame.data.replace(b"\n", b" ")
        event = load(data)
        kind = as_text(event.get("type") or frame.event or ("error" if "error" in event else None))
        if not kind or not kind.isprintable():
            raise UpstreamError(UNREADABLE)
        if kind in _ENDINGS:
            return self._end(event, kind, data)
        events: list[Event] = []
        if kind in _READERS:
            _READERS[kind](self._said, event, events)
        return Decoded(events, sse_event(data, kind))

    def _end(self, event: Json, kind: str, data: bytes) -> Decoded:
        events = _ENDINGS[kind](self._said, event)
        self._ended = True
        failed = isinstance(events[-1], Failed)
        return Decoded(events, b"" if failed else sse_event(data, kind))

    def _failed(self, error: UpstreamError) -> Decoded:
        self._ended = True
        return Decoded((Failed(error),), b"")


class _Said:
    """What has been said so far: which parts there are, and which calls."""

    def __init__(self) -> None:
        self.started = False
        self._parts: dict[tuple[int, str, int], int] = {}
        self._calls: dict[int, int] = {}
        self._argued: set[int] = set()
        self._cited: dict[tuple[int, str, int], int] = {}

    @property
    def calls_tools(self) -> bool:
        """Whether a caller's tool is called."""
        return bool(self._calls)

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been said."""
        return not self._parts

    def start(self, event: Json, events: list[Event]) -> None:
        """The response begins, once."""
        response = as_object(event.get("response"))
        if not self.started:
            self.started = True
            events.append(
                Started(
                    upstream_id=as_text(response.get("id")),
                    model=as_text(response.get("model")),
                    created_s=created_s(response.get("created_at")),
                )
            )

    def add_text(self, event: Json, events: list[Event]) -> None:
        """More of a text part, with its log probabilities; half a character is scored without any text."""
        text, logprobs = as_text(event.get("delta")), event.get("logprobs")
        if text or logprobs:
            part = self._part(_index(event), "text", as_index(event.get("content_index"), 0))
            events.append(TextDelta(text, part, logprobs=chat_logprobs(logprobs)))

    def add_refusal(self, event: Json, events: list[Event]) -> None:
        """More of a refusal."""
        if text := as_text(event.get("delta")):
            part = self._part(_index(event), "refusal", as_index(event.get("content_index"), 0))
            events.append(RefusalDelta(text, part))

    def add_summary(self, event: Json, events: list[Event]) -> None:
        """More of a summary of reasoning."""
        if text := as_text(event.get("delta")):
            part = self._part(_index(event), "summary", as_index(event.get("summary_index"), 0))
            events.append(ThinkingDelta(text, part))

    def add_reasoning(self, event: Json, events: list[Event]) -> None:
        """More of reasoning itself, where a model shows it."""
        if text := as_text(event.get("delta")):
            part = self._part(_index(event), "reasoning", as_index(event.get("content_index"), 0))
            events.append(ThinkingDelta(text, part))

    def add_arguments(self, event: Json, events: list[Event]) -> None:
        """More of the input of a call; one that has not been opened says it all when it is done."""
        index = _index(event)
        text = as_text(event.get("delta"))
        if text and index in self._calls:
            self._argued.add(index)
            events.append(ToolCallDelta(text, self._calls[index], self._part(index, "call", 0)))

    def add_annotation(self, event: Json, events: list[Event]) -> None:
        """A source of a text part."""
        key = _index(event), "text", as_index(event.get("content_index"), 0)
        self._cite(key, event.get("annotation"), events)

    def open_item(self, event: Json, events: list[Event]) -> None:
        """Of items that open, only calls say something already: their id and name."""
        item = as_object(event.get("item"))
        if item.get("type") in _CALL_INPUTS:
            self._open_call(_index(event), item, events)

    def close_item(self, event: Json, events: list[Event]) -> None:
        """Whatever of an item has not been said."""
        self.complete(_index(event), as_object(event.get("item")), events)

    def complete(self, index: int, item: Json, events: list[Event]) -> None:
        """Whatever of the item at `index` has not been said; an item of the provider's own tools is said whole."""
        kind = as_text(item.get("type"))
        if kind in _COMPLETIONS:
            _COMPLETIONS[kind](self, index, item, events)
        elif kind:
            events.append(OpaqueDelta(answer.PROTOCOL, dumped(item), self._part(index, "opaque", 0)))

    def complete_message(self, index: int, item: Json, events: list[Event]) -> None:
        """Texts, refusals and citations that did not come by themselves."""
        for position, part in enumerate(as_objects(item.get("content"))):
            if part.get("type") == "output_text":
                key = index, "text", position
                if key not in self._parts:
                    self.add_text(_whole(index, position, part, "text"), events)
                for annotation in as_objects(part.get("annotations"))[self._cited.get(key, 0) :]:
                    self._cite(key, annotation, events)
            elif part.get("type") == "refusal":
                if (index, "refusal", position) not in self._parts:
                    self.add_refusal(_whole(index, position, part, "refusal"), events)
            else:
                ordinal = self._part(index, "opaque", position)
                events.append(OpaqueDelta(answer.PROTOCOL, dumped(part), ordinal))

    def complete_reasoning(self, index: int, item: Json, events: list[Event]) -> None:
        """Reasoning that did not come by itself, and what encrypts it: the signature of its last part."""
        for position, part in enumerate(as_objects(item.get("summary"))):
            if (index, "summary", position) not in self._parts:
                self.add_summary(_whole(index, position, part, "text"), events)
        for position, part in enumerate(as_objects(item.get("content"))):
            if (index, "reasoning", position) not in self._parts:
                self.add_reasoning(_whole(index, position, part, "text"), events)
        encrypted = as_text(item.get("encrypted_content"))
        if not encrypted:
            return
        told = [ordinal for (at, _, _), ordinal in self._parts.items() if at == index]
        if told:
            events.append(ThinkingDelta("", max(told), signature=encrypted, signed_by=answer.PROTOCOL))
        else:
            ordinal = self._part(index, "encrypted", 0)
            events.append(RedactedThinkingDelta(encrypted, ordinal, signed_by=answer.PROTOCOL))

    def complete_call(self, index: int, item: Json, events: list[Event]) -> None:
        """A call that was not opened, or whose input did not come by itself."""
        if index not in self._calls:
            self._open_call(index, item, events)
        if index not in self._argued:
            whole = item.get(_CALL_INPUTS[item["type"]])
            self.add_arguments({"output_index": index, "delta": whole}, events)

    def _open_call(self, index: int, item: Json, events: list[Event]) -> None:
        call = self._calls[index] = len(self._calls)
        identity = as_text(item.get("call_id") or item.get("id")) or f"call_{call}"
        custom = item["type"] == "custom_tool_call"
        part = self._part(index, "call", 0)
        events.append(ToolCallStarted(identity, as_text(item.get("name")), call, part, custom=custom))

    def _cite(self, key: tuple[int, str, int], annotation: object, events: list[Event]) -> None:
        self._cited[key] = self._cited.get(key, 0) + 1
        events.append(CitationAdded(Citation(answer.PROTOCOL, dumped(annotation)), self._part(*key)))

    def _part(self, index: int, kind: str, position: int) -> int:
        """The ordinal of a part, in the order in which parts were first heard of."""
        return self._parts.setdefault((index, kind, position), len(self._parts))


def _index(event: Json) -> int:
    return as_index(event.get("output_index"), 0)


def _whole(index: int, position: int, part: Json, member: str) -> Json:
    """A part that came at once, as the one delta that it could have been."""
    return {
        "output_index": index,
        "content_index": position,
        "summary_index": position,
        "delta": part.get(member),
        "logprobs": part.get("logprobs"),
    }


def _finished(said: _Said, event: Json) -> list[Event]:
    """Nothing that was streamed is repeated; a stream that said nothing has it all in its last event."""
    response = as_object(event.get("response"))
    events: list[Event] = []
    said.start(event, events)
    if said.is_empty:
        for index, item in enumerate(as_objects(response.get("output"))):
            said.complete(index, item, events)
    usage = answer.decode_usage(response.get("usage"))
    if usage is not None:
        events.append(UsageReported(usage))
    reason = answer.decode_ending(response, said.calls_tools) or FinishReason.STOP
    return [*events, Finished(reason), Ended()]


def _failed(_: _Said, event: Json) -> list[Event]:
    return [Failed(decode_error_object(as_object(event.get("response")).get("error")))]


def _error(_: _Said, event: Json) -> list[Event]:
    """The error stands in the event itself, or, as the service sends it, one level below."""
    return [Failed(decode_error_object(event.get("error") or event))]


_CALL_INPUTS: Mapping[str, str] = {"function_call": "arguments", "custom_tool_call": "input"}
_COMPLETIONS: Mapping[str, Callable[[_Said, int, Json, list[Event]], None]] = {
    "message": _Said.complete_message,
    "reasoning": _Said.complete_reasoning,
    "function_call": _Said.complete_call,
    "custom_tool_call": _Said.complete_call,
}
_READERS: Mapping[str, Callable[[_Said, Json, list[Event]], None]] = {
    "response.created": _Said.start,
    "response.output_text.delta": _Said.add_text,
    "response.output_text.annotation.added": _Said.add_annotation,
    "response.refusal.delta": _Said.add_refusal,
    "response.reasoning_summary_text.delta": _Said.add_summary,
    "response.reasoning_text.delta": _Said.add_reasoning,
    "response.function_call_arguments.delta": _Said.add_arguments,
    "response.custom_tool_call_input.delta": _Said.add_arguments,
    "response.output_item.added": _Said.open_item,
    "response.output_item.done": _Said.close_item,
}
_ENDINGS: Mapping[str, Callable[[_Said, Json], list[Event]]] = {
    "response.completed": _finished,
    "response.incomplete": _finished,
    "response.failed": _failed,
    "error": _error,
}
