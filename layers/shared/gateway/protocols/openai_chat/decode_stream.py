"""A provider's chunks to events, the same however the bytes are cut; a stream that was cut never ends
cleanly.

The shape is https://platform.openai.com/docs/api-reference/chat/streaming. A stream is whole when `[DONE]`
came, or, with providers that leave it out, when every choice has finished and usage was reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from gateway.canonical.codec import Decoded
from gateway.canonical.events import (
    CitationAdded,
    Ended,
    Event,
    Failed,
    Finished,
    OpaqueDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.parts import Citation, Opaque, Text, Thinking
from gateway.errors import UpstreamError
from gateway.framing.provider_json import (
    UNREADABLE,
    as_array,
    as_index,
    as_object,
    as_objects,
    as_text,
    created_s,
    dumped,
    load,
)
from gateway.framing.splice import edit
from gateway.framing.sse import Frame, SSEDecoder
from gateway.protocols.openai_chat import answer
from gateway.protocols.openai_chat.decode_answer import arguments_text, content_parts
from gateway.protocols.openai_chat.errors import decode_error_object

CUT = "The provider's stream was cut."


class ChatStreamDecoder:
    """One provider stream. `Decoded.frame` is a chunk's JSON, empty where there is nothing to forward."""

    def __init__(self) -> None:
        self._sse = SSEDecoder()
        self._choices: dict[int, _Choice] = {}
        self._reported = False
        self._ended = False

    def feed(self, data: bytes) -> list[Decoded]:
        """What the frames in `data` mean; garbage is a `Failed` event in its place. Nothing follows the end."""
        try:
            frames = self._sse.feed(data)
        except UpstreamError as too_large:
            return [self._end(Failed(too_large))]
        return self._read(frames)

    def flush(self) -> list[Decoded]:
        """The end of a stream without `[DONE]`; a `Failed` event where it was cut."""
        decoded = self._read(self._sse.flush())
        if self._ended:
            return decoded
        finished = [choice.finished for choice in self._choices.values()]
        whole = self._reported and finished != [] and all(finished)
        return [*decoded, self._end(Ended() if whole else Failed(UpstreamError(CUT)))]

    def _read(self, frames: Iterable[Frame]) -> list[Decoded]:
        read = []
        for frame in frames:
            if self._ended:
                break
            try:
                read.append(self._decoded(frame))
            except UpstreamError as error:
                read.append(self._end(Failed(error)))
        return read

    def _decoded(self, frame: Frame) -> Decoded:
        data = frame.data
        if data.startswith(b"[DONE]"):
            if not self._choices:
                raise UpstreamError(CUT)
            self._ended = True
            return Decoded((*self._unsaid_ends(), Ended()), b"")
        chunk = load(data)
        if frame.event == "error" or chunk.get("error"):
            return self._end(Failed(decode_error_object(chunk.get("error") or chunk)))
        events, repaired = self._events(chunk)
        if repaired:
            data = edit(data, {"choices": orjson.dumps(chunk["choices"])})
        return Decoded(events, data)

    def _unsaid_ends(self) -> list[Event]:
        """The end of each choice whose provider gave no reason: the mark says that it is whole."""
        return [choice.end() for choice in self._choices.values() if not choice.finished]

    def _end(self, event: Event) -> Decoded:
        self._ended = True
        return Decoded((event,), b"")

    def _events(self, chunk: dict[str, Any]) -> tuple[list[Event], bool]:
        """The chunk's events, and whether a choice had to be put right in place."""
        events: list[Event] = []
        repaired = False
        for position, choice in enumerate(as_array(chunk.get("choices"))):
            if not self._choices:
                events.append(_started(chunk))
            index = as_index(as_object(choice).get("index"), position)
            state = self._choices.get(index)
            if state is None:
                state = self._choices[index] = _Choice(index)
            state.read(choice, events)
            repaired = repaired or state.repaired
        if chunk.get("usage"):
            usage = answer.decode_usage(chunk["usage"])
            if usage is not None:
                self._reported = True
                events.append(UsageReported(usage))
        return events, repaired


def _started(chunk: dict[str, Any]) -> Started:
    return Started(
        upstream_id=as_text(chunk.get("id")),
        model=as_text(chunk.get("model")),
        created_s=created_s(chunk.get("created")),
    )


class _Choice:
    """One alternative: which part is open, and which calls there are."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._parts = 0
        self._open = ""
        self._calls = _Calls()
        self.finished = False
        self.repaired = False

    def read(self, choice: dict[str, Any], events: list[Event]) -> None:
        """Adds the events of one chunk's choice; `repaired` says whether its tool calls were put right."""
        self.repaired = False
        delta = as_object(choice.get("delta"))
        if choice.get("logprobs"):
            delta = self._read_scored_text(delta, choice["logprobs"], events)
        if delta.get("reasoning_content"):
            # Some gateways say the same under both names.
            delta = delta | {"reasoning": None}
        for name, value in delta.items():
            if value and name in _READERS:
                _READERS[name](self, value, events)
        word = choice.get("finish_reason")
        if word is not None and not self.finished:
            events.append(self.end(word))

    def end(self, word: object = None) -> Finished:
        """The end of this choice, by the provider's word or without one."""
        self.finished = True
        return Finished(answer.decode_finish_reason(word, called=bool(self._calls.ids)), self._index)

    def _part(self, kind: str) -> int:
        """The ordinal of the open part, a new one where the kind changes."""
        if kind != self._open:
            self._open = kind
            self._parts += 1
        return self._parts - 1

    def _read_scored_text(self, delta: dict[str, Any], logprobs: object, events: list[Event]) -> dict[str, Any]:
        """Text with its log probabilities, and what else there is; half a character is scored without any text."""
        if not as_object(logprobs).get("content"):
            return delta
        text = as_text(delta.get("content"))
        events.append(TextDelta(text, self._part("text"), self._index, logprobs))
        return delta | {"content": None}

    def read_content(self, content: object, events: list[Event]) -> None:
        """Text, or the typed parts of a dialect."""
        if isinstance(content, str):
            events.append(TextDelta(content, self._part("text"), self._index))
            return
        for part in content_parts(content):
            match part:
                case Text(text):
                    events.append(TextDelta(text, self._part("text"), self._index))
                case Thinking(text):
                    events.append(ThinkingDelta(text, self._part("thinking"), self._index))
                case Opaque(protocol, json_text):
                    events.append(OpaqueDelta(protocol, json_text, self._part("opaque"), self._index))

    def read_thinking(self, text: object, events: list[Event]) -> None:
        """Reasoning under either of its names."""
        events.append(ThinkingDelta(as_text(text), self._part("thinking"), self._index))

    def read_refusal(self, text: object, events: list[Event]) -> None:
        """More of a refusal."""
        events.append(RefusalDelta(as_text(text), self._part("refusal"), self._index))

    def read_audio(self, audio: object, events: list[Event]) -> None:
        """Sound, which only this wire streams in this form."""
        json_text = dumped({"audio": audio})
        events.append(OpaqueDelta(answer.PROTOCOL, json_text, self._part("audio"), self._index))

    def read_annotations(self, annotations: object, events: list[Event]) -> None:
        """Citations of the open text."""
        for annotation in as_objects(annotations):
            citation = Citation(answer.PROTOCOL, dumped(annotation))
            events.append(CitationAdded(citation, self._part("text"), self._index))

    def read_function_call(self, function: object, events: list[Event]) -> None:
        """The one call of the wire's first manner."""
        self._read_call({"index": 0, "function": function}, 0, 1, events)

    def read_tool_calls(self, calls: object, events: list[Event]) -> None:
        """Calls that open, and more of calls that are open."""
        listed = as_objects(calls)
        for position, call in enumerate(listed):
            self._read_call(call, position, len(listed), events)

    def _read_call(self, call: dict[str, Any], position: int, together: int, events: list[Event]) -> None:
        custom, function = as_object(call.get("custom")), as_object(call.get("function"))
        name = as_text((custom or function).get("name"))
        identity = as_text(call.get("id"))
        index, is_new, misplaced = self._calls.find(call.get("index"), identity, name, position, together)
        if is_new:
            self._open = f"call {index}"
            self._calls.parts.append(self._parts)
            self._parts += 1
            identity = identity or f"call_{self._index}_{index}"
            part = self._calls.parts[index]
            events.append(ToolCallStarted(identity, name, index, part, self._index, custom=bool(custom)))
        if misplaced:
            call["index"] = index
            self.repaired = True
        if arguments := arguments_text(custom.get("input") if custom else function.get("arguments")):
            events.append(ToolCallDelta(arguments, index, self._calls.parts[index], self._index))


# What a delta may hold, by its name; whatever else it holds means nothing to other wires.
_READERS: Mapping[str, Callable[[_Choice, object, list[Event]], None]] = {
    "content": _Choice.read_content,
    "reasoning_content": _Choice.read_thinking,
    "reasoning": _Choice.read_thinking,
    "refusal": _Choice.read_refusal,
    "tool_calls": _Choice.read_tool_calls,
    "function_call": _Choice.read_function_call,
    "audio": _Choice.read_audio,
    "annotations": _Choice.read_annotations,
}


class _Calls:
    """Which call a delta belongs to, where providers leave out the index or give all calls the same one.

    Field cases B9, B10 and F5: the index counts, unless the delta opens a call with another id; without an
    index the id counts, then a name opens a call, then the place in the array or the call that was opened
    last.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.parts: list[int] = []
        self._by_wire: dict[int, int] = {}
        self._useless: set[int] = set()

    def find(self, wire: object, identity: str, name: str, position: int, together: int) -> tuple[int, bool, bool]:
        """The call's index, whether it is new, and whether the wire's own index was of no use."""
        if type(wire) is int:
            known = self._by_wire.get(wire)
            useless = known is not None and bool(identity and name) and identity != self.ids[known]
            found = None if useless else known
        else:
            found, useless = self._without_index(identity, name, position, together), True
        index = len(self.ids) if found is None else found
        if found is None:
            self.ids.append(identity)
        if type(wire) is int:
            self._by_wire[wire] = index
        if useless:
            self._useless.add(index)
        return index, found is None, index in self._useless

    def _without_index(self, identity: str, name: str, position: int, together: int) -> int | None:
        if identity:
            return self.ids.index(identity) if identity in self.ids else None
        if name:
            return None
        index = position if together > 1 else len(self.ids) - 1
        if not 0 <= index < len(self.ids):
            raise UpstreamError(UNREADABLE)
        return index
