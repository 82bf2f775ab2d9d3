"""A provider's chunks to events, the same however the bytes are cut; a stream that was cut never ends cleanly.

The shape is that of whole answers, a piece at a time: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent,
as server-sent events or as one JSON array. The wire has no terminal mark: a stream is whole when its bytes have ended
and every candidate has finished, or the prompt was blocked. Chunks may follow the one with the finish reason, so
finishes are told at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.parts import Opaque, Text, Thinking, ToolCall
from gateway.canonical.response import FinishReason
from gateway.errors import UpstreamError
from gateway.framing.sse import Frame, SSEDecoder
from gateway.protocols.gemini import answer
from gateway.protocols.gemini.decode_answer import parts_of, read_citations, read_part
from gateway.protocols.gemini.errors import decode_error_object
from gateway.protocols.gemini.json_array import JsonArrayDecoder
from gateway.protocols.gemini.partial_args import PartialArguments
from gateway.protocols.shared.framed import CUT, FramedDecoder, Frames
from gateway.protocols.shared.pictures import PICTURE_BYTES, picture_in
from gateway.protocols.shared.provider_json import as_index, as_object, as_objects, as_text, as_word, load

# What makes a chunk of this wire.
_MEMBERS = frozenset({"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"})


class _SseFrames:
    """The data of server-sent events."""

    def __init__(self) -> None:
        self._sse = SSEDecoder()

    def feed(self, data: bytes) -> list[bytes]:
        return _chunks(self._sse.feed(data))

    def flush(self) -> list[bytes]:
        return _chunks(self._sse.flush())


def _chunks(frames: Iterable[Frame]) -> list[bytes]:
    """The data of the frames that may be chunks: a named frame is a server's own, and another wire's end is no end."""
    unnamed = (frame.data for frame in frames if frame.event in _NAMES)
    return [data for data in unnamed if data.strip() and not data.startswith(b"[DONE]")]


_NAMES = frozenset({None, "", "message", "error"})


class _ByOpening:
    """The data of a stream's chunks, whose form its first byte tells: a JSON array, or server-sent events."""

    def __init__(self) -> None:
        self._lead = b""
        self._chosen: Frames[bytes] | None = None

    def feed(self, data: bytes) -> Sequence[bytes]:
        if self._chosen is None:
            data = self._lead = self._lead + data
            opening = data.lstrip()[:1]
            if not opening:
                return ()
            self._chosen = JsonArrayDecoder() if opening in b"[{" else _SseFrames()
        return self._chosen.feed(data)

    def flush(self) -> Sequence[bytes]:
        return () if self._chosen is None else self._chosen.flush()


class GeminiStreamDecoder(FramedDecoder[bytes]):
    """One provider stream. `Decoded.frame` is a chunk's JSON, empty where there is nothing to forward."""

    def __init__(self, answer_id: str = "") -> None:
        super().__init__(_ByOpening())
        self._choices: dict[int, _Choice] = {}
        self._ids = CallIds(answer_id)
        self._searches = answer.Searches()
        self._counted: object = None
        self._started = False
        self._blocked = False

    def _rest(self) -> list[Decoded]:
        """The finishes and the end: this wire says no end."""
        finishes = [choice.finish() for choice in self._choices.values()]
        if self._blocked and not finishes:
            finishes = [Finished(FinishReason.CONTENT_FILTER)]
        whole = [finish for finish in finishes if finish is not None]
        if not whole or len(whole) < len(finishes):
            return [self._fail(UpstreamError(CUT))]
        # Sources may follow the last count.
        usage = answer.decode_usage(self._counted, self._searches.uses) if self._searches.uses else None
        counts = () if usage is None else (UsageReported(usage),)
        self._ended = True
        return [Decoded((*counts, *whole, Ended()), b"", self._searches.uses)]

    def _decoded(self, frame: bytes) -> Decoded:
        chunk = load(frame)
        if chunk.get("error"):
            return self._end(Failed(decode_error_object(chunk["error"])))
        events: list[Event] = []
        listed = as_objects(chunk.get("candidates"))
        for position, candidate in enumerate(listed):
            self._searches.note(as_index(candidate.get("index"), position), candidate)
        self._counted = chunk.get("usageMetadata") or self._counted
        usage = answer.decode_usage(chunk.get("usageMetadata"), self._searches.uses)
        if not chunk.keys() & _MEMBERS:
            # A server's own frame, and no chunk.
            return Decoded((), b"")
        if not self._started:
            self._started = True
            identity, model = as_word(chunk.get("responseId")), as_word(chunk.get("modelVersion"))
            events.append(Started(identity, model, usage=usage))
        self._blocked = self._blocked or answer.is_blocked(chunk)
        for position, candidate in enumerate(listed):
            index = as_index(candidate.get("index"), position)
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = _Choice(index, self._ids)
            choice.read(candidate, events)
        if usage is not None:
            events.append(UsageReported(usage))
        return Decoded(events, frame, self._searches.uses)

    def _end(self, event: Event) -> Decoded:
        self._ended = True
        return Decoded((event,), b"")


class _Choice:
    """One candidate: which part is open, and what was called."""

    def __init__(self, index: int, ids: CallIds) -> None:
        self._index = index
        self._ids = ids
        self._parts = 0
        self._open: type | None = None
        self._text_part: int | None = None
        self._calls = 0
        self._partial: PartialArguments | None = None
        self._word = ""

    def read(self, candidate: dict[str, Any], events: list[Event]) -> None:
        """Adds the events of one chunk's candidate."""
        scored = candidate.get("logprobsResult")
        for part in parts_of(candidate):
            if "functionCall" in part and self._is_partial(part["functionCall"]):
                self._read_partial(part, events)
            else:
                scored = self._read_part(part, scored, events)
        for citation in read_citations(candidate):
            # Sources may come before the text, or without one.
            place = self._part(Text) if self._text_part is None else self._text_part
            events.append(CitationAdded(citation, place, self._index))
        self._word = as_text(candidate.get("finishReason")) or self._word

    def finish(self) -> Finished | None:
        """Returns the candidate's end, or None if it did not end."""
        if not self._word:
            return None
        return Finished(answer.decode_finish_reason(self._word, called=self._calls > 0), self._index)

    def _read_part(self, value: dict[str, Any], scored: object, events: list[Event]) -> object:
        """Adds the events of a part; log probabilities, which a chunk has once, go to its first text."""
        part = read_part(value, self._ids)
        match part:
            case Text(text, signature=signature):
                logprobs = answer.decode_logprobs(scored)
                self._text_part = self._part(Text)
                events.append(TextDelta(text, self._text_part, self._index, logprobs, signature))
                return None
            case Thinking(text, signature, signed_by):
                events.append(ThinkingDelta(text, self._part(Thinking), self._index, signature, signed_by))
            case ToolCall():
                self._start_call(part, events)
                self._end_call(part.arguments, events)
            case Opaque(protocol, json_text):
                counted = PICTURE_BYTES if picture_in(json_text) is not None else None
                place = self._part(None)
                events.append(OpaqueDelta(protocol, json_text, place, self._index, counted_bytes=counted))
        return scored

    def _part(self, kind: type | None) -> int:
        """The ordinal of the open part, a new one where the kind changes or has no name."""
        if kind is None or kind is not self._open:
            self._open = kind
            self._parts += 1
        return self._parts - 1

    def _start_call(self, call: ToolCall, events: list[Event]) -> None:
        place = self._part(None)
        self._calls += 1
        events.append(ToolCallStarted(call.id, call.name, self._calls - 1, place, self._index, call.signature))

    def _end_call(self, arguments: str, events: list[Event]) -> None:
        events.append(ToolCallDelta(arguments, self._calls - 1, self._parts - 1, self._index))

    def _is_partial(self, function: object) -> bool:
        """True if a call comes in pieces, or this is the last of them."""
        members = as_object(function)
        return self._partial is not None or bool(members.get("willContinue") or members.get("partialArgs"))

    def _read_partial(self, part: dict[str, Any], events: list[Event]) -> None:
        function = as_object(part["functionCall"])
        if self._partial is None:
            self._partial = PartialArguments()
            signature = as_text(part.get("thoughtSignature")) or None
            name = as_text(function.get("name"))
            identity = self._ids.of(as_word(function.get("id")))
            self._start_call(ToolCall(identity, name, "", signature=signature), events)
        for piece in as_objects(function.get("partialArgs")):
            self._partial.add(piece)
        if not function.get("willContinue"):
            self._end_call(self._partial.as_json(), events)
            self._partial = None
