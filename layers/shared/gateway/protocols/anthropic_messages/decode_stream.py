"""A provider's events to ours, the same however the bytes are cut; a stream that was cut never ends cleanly.

The shape is https://docs.claude.com/en/api/messages-streaming: one `message_start`, blocks that open, grow and close
under their index, `message_delta` with the stop reason and cumulative usage, and `message_stop`, without which the
stream is not whole. Kinds of events that are not known yet are forwarded and mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.errors import UpstreamError
from gateway.framing.provider_json import UNREADABLE, as_object, as_objects, as_position, as_text, dumped, load
from gateway.framing.sse import Frame, SSEDecoder, sse_event
from gateway.protocols.anthropic_messages import answer
from gateway.protocols.anthropic_messages.answer import PROTOCOL
from gateway.protocols.anthropic_messages.decode_answer import citation
from gateway.protocols.anthropic_messages.errors import decode_error_object

CUT = "The provider's stream was cut."

Json = dict[str, Any]


@dataclass(slots=True)
class _Block:
    """An open block. A call's `index` counts calls; `input` is what it was opened with, where no delta follows."""

    kind: str
    part: int
    index: int = 0
    input: object = None
    has_grown: bool = False


class MessagesStreamDecoder:
    """One provider stream. `Decoded.frame` is the whole event as SSE, its comments and line ends made regular."""

    def __init__(self) -> None:
        self._sse = SSEDecoder()
        self._blocks: dict[int, _Block] = {}
        self._parts = 0
        self._calls = 0
        self._usage: Json = {}
        self._started = False
        self._finished = False
        self._ended = False

    def feed(self, data: bytes) -> list[Decoded]:
        """What the frames in `data` mean; garbage is a `Failed` event in its place. Nothing follows the end."""
        try:
            frames = self._sse.feed(data)
        except UpstreamError as too_large:
            return [self._fail(too_large)]
        return self._read(frames)

    def flush(self) -> list[Decoded]:
        """The end of the bytes; a `Failed` event where `message_stop` did not come."""
        decoded = self._read(self._sse.flush())
        return decoded if self._ended else [*decoded, self._fail(UpstreamError(CUT))]

    def _read(self, frames: Iterable[Frame]) -> list[Decoded]:
        read = []
        for frame in frames:
            if self._ended:
                break
            try:
                read.append(self._decoded(frame.data))
            except UpstreamError as error:
                read.append(self._fail(error))
        return read

    def _decoded(self, data: bytes) -> Decoded:
        value = load(data)
        kind = as_text(value.get("type"))
        reader = _READERS.get(kind)
        if reader is None:
            if not kind.isidentifier():
                raise UpstreamError(UNREADABLE)
            return Decoded((), sse_event(data, kind))
        if not self._started and kind not in _OPENING:
            raise UpstreamError(UNREADABLE)
        return Decoded(reader(self, value), sse_event(data, kind))

    def _fail(self, error: UpstreamError) -> Decoded:
        self._ended = True
        return Decoded((Failed(error),), b"")

    def read_error(self, value: Json) -> Sequence[Event]:
        """The provider's own error ends the stream."""
        self._ended = True
        return (Failed(decode_error_object(value.get("error"))),)

    def read_start(self, value: Json) -> Sequence[Event]:
        """The one preamble (field case D6), with the prompt's usage."""
        message = as_object(value.get("message"))
        if self._started or not message:
            raise UpstreamError(UNREADABLE)
        self._started = True
        self._usage = dict(as_object(message.get("usage")))
        return (
            Started(
                upstream_id=as_text(message.get("id")),
                model=as_text(message.get("model")),
                usage=answer.decode_usage(self._usage),
            ),
        )

    def read_block_start(self, value: Json) -> Sequence[Event]:
        """A block opens; text and thoughts usually open empty."""
        place = as_position(value.get("index"))
        if place in self._blocks:
            raise UpstreamError(UNREADABLE)
        content = as_object(value.get("content_block"))
        block = self._blocks[place] = _Block(as_text(content.get("type")), self._parts)
        self._parts += 1
        opener = _OPENERS.get(block.kind)
        if opener is None:
            return (OpaqueDelta(PROTOCOL, dumped(content), block.part),)
        return opener(self, block, content)

    def open_text(self, block: _Block, content: Json) -> Sequence[Event]:
        """Text, and the sources it was opened with."""
        text = as_text(content.get("text"))
        sources = as_objects(content.get("citations"))
        cited = [CitationAdded(citation(source), block.part) for source in sources]
        return [*((TextDelta(text, block.part),) if text else ()), *cited]

    def open_thinking(self, block: _Block, content: Json) -> Sequence[Event]:
        """A thought, which may come whole."""
        return _thought(block, content.get("thinking"), content.get("signature"))

    def open_redacted(self, block: _Block, content: Json) -> Sequence[Event]:
        """An encrypted thought comes whole."""
        return (RedactedThinkingDelta(as_text(content.get("data")), block.part, signed_by=PROTOCOL),)

    def open_call(self, block: _Block, content: Json) -> Sequence[Event]:
        """A call; its arguments follow, or were all in `input`."""
        block.index, block.input = self._calls, as_object(content.get("input"))
        self._calls += 1
        identity, name = as_text(content.get("id")), as_text(content.get("name"))
        return (ToolCallStarted(identity, name, block.index, block.part),)

    def read_delta(self, value: Json) -> Sequence[Event]:
        """More of an open block."""
        block = self._blocks.get(as_position(value.get("index")))
        if block is None:
            raise UpstreamError(UNREADABLE)
        delta = as_object(value.get("delta"))
        if block.kind not in _OPENERS:
            return (OpaqueDelta(PROTOCOL, dumped(delta), block.part),)
        grower = _GROWERS.get(as_text(delta.get("type")))
        return () if grower is None else grower(block, delta)

    def read_block_stop(self, value: Json) -> Sequence[Event]:
        """A block closes; a call that never grew had its arguments from the start."""
        block = self._blocks.pop(as_position(value.get("index")), None)
        if block is None:
            raise UpstreamError(UNREADABLE)
        if block.kind != "tool_use" or block.has_grown:
            return ()
        return (ToolCallDelta(dumped(block.input), block.index, block.part),)

    def read_message_delta(self, value: Json) -> Sequence[Event]:
        """The stop reason, and counts that replace those of the start; a count left out stays as it was."""
        events: list[Event] = []
        delta = as_object(value.get("delta"))
        reason = answer.decode_finish_reason(delta.get("stop_reason"))
        if reason is not None and not self._finished:
            self._finished = True
            events.append(Finished(reason, stop_sequence=answer.stop_sequence(delta.get("stop_sequence"))))
        counts = as_object(value.get("usage"))
        self._usage |= {name: count for name, count in counts.items() if count is not None}
        usage = answer.decode_usage(self._usage)
        if counts and usage is not None:
            events.append(UsageReported(usage))
        return events

    def read_stop(self, _: Json) -> Sequence[Event]:
        """The stream is whole."""
        self._ended = True
        return (Ended(),)


def _thought(block: _Block, text: object, signature: object) -> Sequence[Event]:
    words, seal = as_text(text), as_text(signature)
    if not words and not seal:
        return ()
    return (ThinkingDelta(words, block.part, signature=seal or None, signed_by=PROTOCOL if seal else None),)


def _more_text(block: _Block, delta: Json) -> Sequence[Event]:
    return (TextDelta(as_text(delta.get("text")), block.part),)


def _more_arguments(block: _Block, delta: Json) -> Sequence[Event]:
    """An empty piece opens every call."""
    arguments = as_text(delta.get("partial_json"))
    block.has_grown = block.has_grown or bool(arguments)
    return (ToolCallDelta(arguments, block.index, block.part),) if arguments else ()


_GROWERS: Mapping[str, Callable[[_Block, Json], Sequence[Event]]] = {
    "text_delta": _more_text,
    "input_json_delta": _more_arguments,
    "thinking_delta": lambda block, delta: _thought(block, delta.get("thinking"), None),
    "signature_delta": lambda block, delta: _thought(block, None, delta.get("signature")),
    "citations_delta": lambda block, delta: (CitationAdded(citation(delta.get("citation")), block.part),),
}
_OPENERS: Mapping[str, Callable[[MessagesStreamDecoder, _Block, Json], Sequence[Event]]] = {
    "text": MessagesStreamDecoder.open_text,
    "thinking": MessagesStreamDecoder.open_thinking,
    "redacted_thinking": MessagesStreamDecoder.open_redacted,
    "tool_use": MessagesStreamDecoder.open_call,
}
_READERS: Mapping[str, Callable[[MessagesStreamDecoder, Json], Sequence[Event]]] = {
    "message_start": MessagesStreamDecoder.read_start,
    "content_block_start": MessagesStreamDecoder.read_block_start,
    "content_block_delta": MessagesStreamDecoder.read_delta,
    "content_block_stop": MessagesStreamDecoder.read_block_stop,
    "message_delta": MessagesStreamDecoder.read_message_delta,
    "message_stop": MessagesStreamDecoder.read_stop,
    "error": MessagesStreamDecoder.read_error,
}
# What may come before the preamble.
_OPENING = frozenset({"message_start", "error"})
