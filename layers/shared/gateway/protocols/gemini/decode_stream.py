"""A provider's chunks to events, the same however the bytes are cut; a stream that was cut never ends cleanly.

The shape is that of whole answers, a piece at a time: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent,
as server-sent events or as one JSON array. The wire has no terminal mark: a stream is whole when its bytes have ended
and every candidate has finished, or the prompt was blocked. Chunks may follow the one with the finish reason, so
finishes are told at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

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
from gateway.framing.provider_json import as_index, as_object, as_objects, as_text, load
from gateway.framing.sse import SSEDecoder
from gateway.protocols.gemini import answer
from gateway.protocols.gemini.decode_answer import CallIds, parts_of, read_citations, read_part
from gateway.protocols.gemini.errors import decode_error_object
from gateway.protocols.gemini.json_array import JsonArrayDecoder
from gateway.protocols.gemini.partial_args import PartialArguments

CUT = "The provider's stream was cut."


class _Frames(Protocol):
    def feed(self, data: bytes) -> Sequence[bytes]: ...

    def flush(self) -> Sequence[bytes]: ...


class _SseFrames:
    """The data of server-sent events."""

    def __init__(self) -> None:
        self._sse = SSEDecoder()

    def feed(self, data: bytes) -> list[bytes]:
        return [frame.data for frame in self._sse.feed(data)]

    def flush(self) -> list[bytes]:
        return [frame.data for frame in self._sse.flush()]


class GeminiStreamDecoder:
    """One provider stream. `Decoded.frame` is a chunk's JSON, empty where there is nothing to forward."""

    def __init__(self) -> None:
        self._lead = b""
        self._frames: _Frames | None = None
        self._choices: dict[int, _Choice] = {}
        self._ids: CallIds | None = None
        self._blocked = False
        self._ended = False

    def feed(self, data: bytes) -> list[Decoded]:
        """What the chunks in `data` mean; garbage is a `Failed` event in its place. Nothing follows the end."""
        if self._frames is None:
            data = self._lead = self._lead + data
            opening = data.lstrip()[:1]
            if not opening:
                return []
            self._frames = JsonArrayDecoder() if opening in b"[{" else _SseFrames()
        try:
            frames = self._frames.feed(data)
        except UpstreamError as too_large:
            return [self._end(Failed(too_large))]
        return self._read(frames)

    def flush(self) -> list[Decoded]:
        """The finishes and the end; a `Failed` event where the stream was cut."""
        decoded = self._read(self._frames.flush() if self._frames else ())
        if self._ended:
            return decoded
        self._ended = True
        finishes = [choice.finish() for choice in self._choices.values()]
        if self._blocked and not finishes:
            finishes = [Finished(FinishReason.CONTENT_FILTER)]
        whole = [finish for finish in finishes if finish is not None]
        if not whole or len(whole) < len(finishes):
            return [*decoded, Decoded((Failed(UpstreamError(CUT)),), b"")]
        return [*decoded, Decoded((*whole, Ended()), b"")]

    def _read(self, frames: Iterable[bytes]) -> list[Decoded]:
        read = []
        for frame in frames:
            if self._ended:
                break
            try:
                read.append(self._decoded(frame))
            except UpstreamError as error:
                read.append(self._end(Failed(error)))
        return read

    def _decoded(self, frame: bytes) -> Decoded:
        chunk = load(frame)
        if chunk.get("error"):
            return self._end(Failed(decode_error_object(chunk["error"])))
        events: list[Event] = []
        usage = answer.decode_usage(chunk.get("usageMetadata"))
        if self._ids is None:
            identity = as_text(chunk.get("responseId"))
            self._ids = CallIds(identity)
            events.append(Started(identity, as_text(chunk.get("modelVersion")), usage=usage))
        self._blocked = self._blocked or answer.is_blocked(chunk)
        for position, candidate in enumerate(as_objects(chunk.get("candidates"))):
            index = as_index(candidate.get("index"), position)
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = _Choice(index, self._ids)
            choice.read(candidate, events)
        if usage is not None:
            events.append(UsageReported(usage))
        return Decoded(events, frame)

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
        """How the candidate ended, or nothing where it did not."""
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
                events.append(OpaqueDelta(protocol, json_text, self._part(None), self._index))
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
        """Whether a call comes in pieces, or this is the last of them."""
        members = as_object(function)
        return self._partial is not None or bool(members.get("willContinue") or members.get("partialArgs"))

    def _read_partial(self, part: dict[str, Any], events: list[Event]) -> None:
        function = as_object(part["functionCall"])
        if self._partial is None:
            self._partial = PartialArguments()
            signature = as_text(part.get("thoughtSignature")) or None
            name = as_text(function.get("name"))
            self._start_call(ToolCall(self._ids.of(function), name, "", signature=signature), events)
        for piece in as_objects(function.get("partialArgs")):
            self._partial.add(piece)
        if not function.get("willContinue"):
            self._end_call(self._partial.as_json(), events)
            self._partial = None
