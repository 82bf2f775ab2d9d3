"""A provider's chunks to events, the same however the bytes are cut; a stream that was cut never ends
cleanly.

The shape is https://platform.openai.com/docs/api-reference/chat/streaming. A stream is whole when `[DONE]`
came, or, with providers that leave it out, when every choice has finished and usage was reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from gateway.canonical.call_ids import CallIds
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
from gateway.errors import UnreadableAnswer, UpstreamError
from gateway.framing.json_edit import edit
from gateway.framing.sse import Frame, SSEDecoder
from gateway.protocols.openai_chat import answer
from gateway.protocols.openai_chat.decode_answer import (
    called_custom,
    content_parts,
    details_text,
    legacy_call,
    reported_usage,
)
from gateway.protocols.openai_chat.errors import decode_error_object
from gateway.protocols.shared.provider_json import (
    as_arguments,
    as_array,
    as_index,
    as_object,
    as_objects,
    as_text,
    as_word,
    created_s,
    dumped,
    load,
)

CUT = "The provider's stream was cut."
# What the wire's frames are called, where they are called anything; others are a server's own and no chunks.
_NAMES = frozenset({None, "", "message", "chat.completion.chunk", "error"})


class ChatStreamDecoder:
    """One provider stream. `Decoded.frame` is a chunk's JSON, empty where there is nothing to forward."""

    def __init__(self, answer_id: str = "") -> None:
        self._sse = SSEDecoder()
        self._ids = CallIds(answer_id)
        self._choices: dict[int, _Choice] = {}
        self._reported = False
        self._ended = False

    def feed(self, data: bytes) -> list[Decoded]:
        """Decodes the frames in `data`. An unreadable frame becomes a `Failed` event, and no event follows the end."""
        try:
            frames = self._sse.feed(data)
        except UpstreamError as too_large:
            return [self._end(Failed(too_large))]
        return self._read(frames)

    def flush(self) -> list[Decoded]:
        """The end of a stream without `[DONE]`; a `Failed` event where it was cut."""
        decoded = self._read(self._sse.flush(), UpstreamError(CUT))
        if self._ended:
            return decoded
        finished = [choice.finished for choice in self._choices.values()]
        whole = self._reported and finished != [] and all(finished)
        return [*decoded, self._end(Ended() if whole else Failed(UpstreamError(CUT)))]

    def _read(self, frames: Iterable[Frame], otherwise: UpstreamError | None = None) -> list[Decoded]:
        """Decodes the frames. An unreadable one fails the stream, with the error `otherwise` if there is one."""
        read = []
        for frame in frames:
            if self._ended:
                break
            try:
                decoded = self._decoded(frame)
                if decoded is not None:
                    read.append(decoded)
            except UpstreamError as error:
                read.append(self._end(Failed(otherwise or error)))
        return read

    def _decoded(self, frame: Frame) -> Decoded | None:
        """One frame's meaning; nothing where it is no chunk."""
        data = frame.data
        if not data.strip() or frame.event not in _NAMES:
            return None
        if data.startswith(b"[DONE]"):
            if not self._choices:
                raise UpstreamError(CUT)
            self._ended = True
            return Decoded((*self._unsaid_ends(), Ended()), b"")
        chunk = load(data)
        if frame.event == "error" or chunk.get("error"):
            return self._end(Failed(decode_error_object(chunk.get("error") or chunk)))
        usage = reported_usage(chunk)
        events, repaired = self._events(chunk, usage)
        if not events and "choices" not in chunk:
            return None
        put = {"choices": orjson.dumps(chunk["choices"])} if repaired else {}
        if usage and not chunk.get("usage"):
            put["usage"] = orjson.dumps(usage)
        return Decoded(events, edit(data, put) if put else data)

    def _unsaid_ends(self) -> list[Event]:
        """The end of each choice whose provider gave no reason: the mark says that it is whole."""
        return [choice.end() for choice in self._choices.values() if not choice.finished]

    def _end(self, event: Event) -> Decoded:
        self._ended = True
        return Decoded((event,), b"")

    def _events(self, chunk: dict[str, Any], told: object) -> tuple[list[Event], bool]:
        """The chunk's events, and whether a choice had to be put right in place."""
        events: list[Event] = []
        repaired = False
        for position, choice in enumerate(as_array(chunk.get("choices"))):
            if not self._choices:
                events.append(_started(chunk))
            index = as_index(as_object(choice).get("index"), position)
            state = self._choices.get(index)
            if state is None:
                state = self._choices[index] = _Choice(index, self._ids)
            state.read(choice, events)
            repaired = repaired or state.repaired
        usage = answer.decode_usage(told)
        if usage is not None:
            self._reported = True
            events.append(UsageReported(usage))
        return events, repaired


def _started(chunk: dict[str, Any]) -> Started:
    return Started(
        upstream_id=as_word(chunk.get("id")),
        model=as_word(chunk.get("model")),
        created_s=created_s(chunk.get("created")),
    )


class _Choice:
    """One alternative: which part is open, and which calls there are."""

    def __init__(self, index: int, ids: CallIds) -> None:
        self._index = index
        self._ids = ids
        self._parts = 0
        self._open = ""
        self._calls = _Calls()
        self.finished = False
        self.repaired = False

    def read(self, choice: dict[str, Any], events: list[Event]) -> None:
        """Adds the events of one chunk's choice; `repaired` says whether its calls or its ending were put right."""
        self.repaired = False
        delta = as_object(choice.get("delta"))
        if choice.get("logprobs"):
            delta = self._read_scored_text(delta, choice["logprobs"], events)
        delta = _said_once(delta)
        for name, value in delta.items():
            if value and name in _READERS:
                _READERS[name](self, value, events)
        word = choice.get("finish_reason")
        if word == "":
            # No word is null; some readers of this wire take an empty one for an end.
            choice["finish_reason"] = None
            self.repaired = True
        elif word is not None and not self.finished:
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

    def read_details(self, details: object, events: list[Event]) -> None:
        """Reasoning that only its details tell."""
        if text := details_text(details):
            self.read_thinking(text, events)

    def read_refusal(self, text: object, events: list[Event]) -> None:
        """Reads a piece of a refusal."""
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
        """The one call of the wire's first manner; SDKs of that manner know no ids."""
        self._read_call({"index": 0, "function": function}, 0, 1, events)
        self.repaired = False

    def read_tool_calls(self, calls: object, events: list[Event]) -> None:
        """Calls that open, and more of calls that are open."""
        listed = as_objects(calls)
        for position, call in enumerate(listed):
            self._read_call(call, position, len(listed), events)

    def _read_call(self, call: dict[str, Any], position: int, together: int, events: list[Event]) -> None:
        custom = called_custom(call)
        said = as_object(call.get("custom" if custom else "function"))
        name, identity = as_text(said.get("name")), as_word(call.get("id"))
        index, is_new, misplaced = self._calls.find(call.get("index"), identity, name, position, together)
        if is_new:
            self._open = f"call {index}"
            self._calls.parts.append(self._parts)
            self._parts += 1
            unique = self._ids.of(identity)
            events.append(ToolCallStarted(unique, name, index, self._calls.parts[index], self._index, custom=custom))
            if unique != identity:
                call["id"] = unique
                self.repaired = True
        if misplaced:
            call["index"] = index
            self.repaired = True
        member = "input" if custom else "arguments"
        if arguments := as_arguments(said.get(member)):
            self.repaired = self.repaired or said[member] is not arguments
            said[member] = arguments
            events.append(ToolCallDelta(arguments, index, self._calls.parts[index], self._index))


def _said_once(delta: dict[str, Any]) -> dict[str, Any]:
    """The delta without what it says a second time: some gateways tell the same under two names."""
    twice: dict[str, Any] = {}
    if delta.get("reasoning_content"):
        twice["reasoning"] = None
    if delta.get("reasoning_content") or delta.get("reasoning"):
        twice["reasoning_details"] = None
    if "function_call" in delta and legacy_call(delta) is None:
        twice["function_call"] = None
    return delta | twice if twice else delta


# The readers of a delta's members, by name. Other members mean nothing to other wires.
_READERS: Mapping[str, Callable[[_Choice, object, list[Event]], None]] = {
    "content": _Choice.read_content,
    "reasoning_content": _Choice.read_thinking,
    "reasoning": _Choice.read_thinking,
    "reasoning_details": _Choice.read_details,
    "refusal": _Choice.read_refusal,
    "tool_calls": _Choice.read_tool_calls,
    "function_call": _Choice.read_function_call,
    "audio": _Choice.read_audio,
    "annotations": _Choice.read_annotations,
}


class _Calls:
    """Finds a delta's call, also if providers omit the index or give all calls the same one.

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
            raise UnreadableAnswer("more of a tool call came before the call")
        return index
