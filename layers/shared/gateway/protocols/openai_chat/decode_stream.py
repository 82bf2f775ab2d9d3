"""A provider's chunks to events, the same however the bytes are cut; a stream that was cut never ends
cleanly.

The shape is https://platform.openai.com/docs/api-reference/chat/streaming. A stream is whole when `[DONE]`
came, or, with providers that leave it out, when every choice has finished and usage was reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.canonical.call_ids import CallIds
from gateway.canonical.codec import Decoded
from gateway.canonical.estimate import BYTES_PER_TOKEN
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
    UsageReported,
)
from gateway.canonical.parts import Citation, Opaque, Text, Thinking
from gateway.errors import UpstreamError
from gateway.framing.json_edit import edit
from gateway.framing.sse import Frame, SSEDecoder
from gateway.protocols.openai_chat import answer
from gateway.protocols.openai_chat.decode_answer import (
    cited_pages,
    content_parts,
    details_text,
    legacy_call,
    reported_usage,
)
from gateway.protocols.openai_chat.decode_calls import StreamedCalls
from gateway.protocols.openai_chat.errors import decode_error_object, refused_in
from gateway.protocols.shared.framed import CUT, FramedDecoder
from gateway.protocols.shared.provider_json import (
    as_array,
    as_index,
    as_logprobs,
    as_object,
    as_objects,
    as_shares,
    as_text,
    as_word,
    created_s,
    dumped,
    load,
)

# What the wire's frames are called, where they are called anything; others are a server's own and no chunks.
_NAMES = frozenset({None, "", "message", "chat.completion.chunk", "error"})


class ChatStreamDecoder(FramedDecoder[Frame]):
    """One provider stream. `Decoded.frame` is a chunk's JSON, empty where there is nothing to forward."""

    def __init__(self, answer_id: str = "") -> None:
        super().__init__(SSEDecoder())
        self._ids = CallIds(answer_id)
        self._choices: dict[int, _Choice] = {}
        self._reported = False

    def _rest(self) -> list[Decoded]:
        """The end of a stream without `[DONE]`, which is whole where all choices and the usage have come."""
        finished = [choice.finished for choice in self._choices.values()]
        whole = self._reported and finished != [] and all(finished)
        events: list[Event] = []
        for choice in self._choices.values():
            choice.end_calls(events)
        ended = self._end(Ended() if whole else Failed(UpstreamError(CUT)))
        return [*([Decoded(events, b"")] if events else []), ended]

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
        if "base_resp" in chunk and (refused := refused_in(chunk)) is not None:
            return self._end(Failed(refused))
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
        events: list[Event] = []
        for choice in self._choices.values():
            if not choice.finished:
                choice.end(events)
        return events

    def _end(self, event: Event) -> Decoded:
        self._ended = True
        return Decoded((event,), b"")

    def _events(self, chunk: dict[str, Any], told: object) -> tuple[list[Event], bool]:
        """The chunk's events, and whether a choice had to be put right in place."""
        events: list[Event] = []
        repaired = False
        listed = as_array(chunk.get("choices"))
        if None in listed:
            listed = chunk["choices"] = [choice for choice in listed if choice is not None]
            repaired = True
        for position, choice in enumerate(as_objects(listed)):
            if not self._choices:
                events.append(_started(chunk))
            index = as_index(choice.get("index"), position)
            state = self._choices.get(index)
            if state is None:
                state = self._choices[index] = _Choice(index, self._ids)
            if "citations" in chunk or "search_results" in chunk:
                state.pages = cited_pages(chunk)
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
        self._parts = 0
        self._open = ""
        self._calls = StreamedCalls(index, ids, self._next_call_part)
        self.finished = False
        self.repaired = False
        # The pages that the last chunk told of, which each chunk repeats: they are told once, at the end.
        self.pages: tuple[Citation, ...] = ()

    def read(self, choice: dict[str, Any], events: list[Event]) -> None:
        """Adds the events of one chunk's choice; `repaired` says whether its calls or its ending were put right."""
        self.repaired = False
        delta = as_object(choice.get("delta"))
        if choice.get("logprobs"):
            delta = self._read_scored_text(delta, choice["logprobs"], events)
        if len(delta) > 1:
            delta = _said_once(delta)
        for name, value in delta.items():
            if value and name in _READERS:
                if name not in _CALLS:
                    self._calls.begin_named(events)
                _READERS[name](self, value, events)
        word = choice.get("finish_reason")
        if word == "":
            # No word is null; some readers of this wire take an empty one for an end.
            choice["finish_reason"] = None
            self.repaired = True
        elif word is not None and not self.finished:
            self.end(events, word)

    def end(self, events: list[Event], word: object = None) -> None:
        """Ends this choice, by the provider's word or without one."""
        self.finished = True
        events += [CitationAdded(page, self._part("text"), self._index) for page in self.pages]
        self.end_calls(events)
        events.append(Finished(answer.decode_finish_reason(word, self._calls.called), self._index))

    def end_calls(self, events: list[Event]) -> None:
        """Adds the calls that have not begun, since nothing follows."""
        self._calls.end(events)

    def _part(self, kind: str) -> int:
        """The ordinal of the open part, a new one where the kind changes."""
        if kind != self._open:
            self._open = kind
            self._parts += 1
        return self._parts - 1

    def _next_call_part(self) -> int:
        """The ordinal of a new call's part."""
        self._open = "call"
        self._parts += 1
        return self._parts - 1

    def _read_scored_text(self, delta: dict[str, Any], logprobs: object, events: list[Event]) -> dict[str, Any]:
        """Text with its log probabilities, and what else there is; half a character is scored without any text."""
        if not as_shares(logprobs).get("content"):
            return delta
        text = as_text(delta.get("content"))
        self._calls.begin_named(events)
        events.append(TextDelta(text, self._part("text"), self._index, as_logprobs(logprobs)))
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
        """Sound and its text, which only this wire streams in this form."""
        said = as_object(audio)
        sound, text = as_text(said.get("data")), as_text(said.get("transcript")).encode()
        counted = len(text) + -(-len(sound) * BYTES_PER_TOKEN // _SOUND_BASE64_PER_TOKEN)
        json_text = dumped({"audio": audio})
        events.append(OpaqueDelta(answer.PROTOCOL, json_text, self._part("audio"), self._index, counted_bytes=counted))

    def read_annotations(self, annotations: object, events: list[Event]) -> None:
        """Citations of the open text."""
        for annotation in as_objects(annotations):
            citation = Citation(answer.PROTOCOL, dumped(annotation))
            events.append(CitationAdded(citation, self._part("text"), self._index))

    def read_function_call(self, function: object, events: list[Event]) -> None:
        """The one call of the wire's first manner; SDKs of that manner know no ids."""
        self._calls.read({"index": 0, "function": function}, 0, 1, events)

    def read_tool_calls(self, calls: object, events: list[Event]) -> None:
        """Calls that open, and more of calls that are open."""
        listed = as_array(calls)
        kept = [as_object(call) for call in listed if not self._calls.says_nothing(call)]
        if len(kept) < len(listed):
            listed[:] = kept
            self.repaired = True
        for position, call in enumerate(kept):
            is_repaired = self._calls.read(call, position, len(kept), events)
            self.repaired = self.repaired or is_repaired


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


_CALLS = frozenset({"tool_calls", "function_call"})
# Sound is streamed as 24,000 samples of 16 bits a second, of which a token is a twentieth: 2,400 bytes.
_SOUND_BASE64_PER_TOKEN = 3_200
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
