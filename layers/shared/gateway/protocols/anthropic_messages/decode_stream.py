"""A provider's events to ours, the same however the bytes are cut; a stream that was cut never ends cleanly.

The shape is https://docs.claude.com/en/api/messages-streaming: one `message_start`, blocks that open, grow and close
under their index, `message_delta` with the stop reason and cumulative usage, and `message_stop`, without which the
stream is not whole. Kinds of events that are not known yet are forwarded and mean nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct

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
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.usage import Uses, uses_of
from gateway.errors import UnreadableAnswer
from gateway.framing.json_edit import edit
from gateway.framing.sse import Frame, SSEDecoder, sse_event
from gateway.protocols.anthropic_messages import answer
from gateway.protocols.anthropic_messages.answer import PROTOCOL
from gateway.protocols.anthropic_messages.decode_answer import (
    citation,
    failed_tool,
    input_text,
    is_generated,
    used_tool,
)
from gateway.protocols.anthropic_messages.errors import decode_error_object
from gateway.protocols.shared.framed import FramedDecoder
from gateway.protocols.shared.provider_json import as_object, as_objects, as_position, as_text, as_word, dumped, load

Json = dict[str, Any]


class _Block(Struct):
    """An open block. A call's `index` counts calls; `input` is what it was opened with, where no delta follows."""

    kind: str
    part: int
    index: int = 0
    input: object = None
    has_grown: bool = False
    is_generated: bool = True


class MessagesStreamDecoder(FramedDecoder[Frame]):
    """One provider stream. `Decoded.frame` is the whole event as SSE, its comments and line ends made regular."""

    def __init__(self, answer_id: str = "") -> None:
        super().__init__(SSEDecoder())
        self._ids = CallIds(answer_id)
        self._blocks: dict[int, _Block] = {}
        self._parts = 0
        self._calls = 0
        self._usage: Json = {}
        self._used: Counter[str] = Counter()
        self._started = False
        self._finished = False

    def _decoded(self, frame: Frame) -> Decoded | None:
        """One frame's meaning; nothing where it is no event of this wire, as another wire's `[DONE]` is none."""
        data = frame.data
        if not data.strip() or data.startswith(b"[DONE]"):
            return None
        value = load(data)
        kind = as_text(value.get("type")) or _name(frame)
        reader = _READERS.get(kind)
        if not kind and frame.event:
            return None
        if reader is None:
            if not kind.isidentifier():
                raise UnreadableAnswer("an event's type is no name")
            return Decoded((), sse_event(data, kind))
        if not self._started and kind not in _OPENING:
            raise UnreadableAnswer(f"{kind} came before message_start")
        events = reader(self, value)
        return Decoded(events, sse_event(_with_id(value, data, events), kind), self._seen)

    @property
    def _seen(self) -> Uses:
        """The uses of the provider's own tools that have begun and have not failed."""
        return uses_of(self._used)

    def read_error(self, value: Json) -> Sequence[Event]:
        """The provider's own error ends the stream."""
        self._ended = True
        return (Failed(decode_error_object(value.get("error"))),)

    def read_start(self, value: Json) -> Sequence[Event]:
        """The one preamble (field case D6), with the prompt's usage."""
        message = as_object(value.get("message"))
        if self._started or not message:
            raise UnreadableAnswer("message_start came twice, or without a message")
        self._started = True
        self._usage = dict(as_object(message.get("usage")))
        # No tool has run yet: this count would hide those of a provider that counts them nowhere else.
        self._usage.pop("server_tool_use", None)
        return (
            Started(
                upstream_id=as_word(message.get("id")),
                model=as_word(message.get("model")),
                usage=answer.decode_usage(self._usage, self._seen),
            ),
        )

    def read_block_start(self, value: Json) -> Sequence[Event]:
        """A block opens; text and thoughts usually open empty."""
        place = as_position(value.get("index"))
        if place in self._blocks:
            raise UnreadableAnswer("a block was opened twice")
        content = as_object(value.get("content_block"))
        block = self._blocks[place] = _Block(as_text(content.get("type")), self._parts)
        self._parts += 1
        opener = _OPENERS.get(block.kind)
        if opener is None:
            block.is_generated = is_generated(content)
            self._used.update(filter(None, [used_tool(content)]))
            self._used.subtract(filter(None, [failed_tool(content)]))
            return (OpaqueDelta(PROTOCOL, dumped(content), block.part, generated=block.is_generated),)
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
        block.index, block.input = self._calls, content.get("input")
        self._calls += 1
        identity, name = self._ids.of(as_word(content.get("id"))), as_text(content.get("name"))
        return (ToolCallStarted(identity, name, block.index, block.part),)

    def read_delta(self, value: Json) -> Sequence[Event]:
        """Reads a delta of an open block."""
        block = self._blocks.get(as_position(value.get("index")))
        if block is None:
            raise UnreadableAnswer("a block grew that is not open")
        delta = as_object(value.get("delta"))
        if block.kind not in _OPENERS:
            return (OpaqueDelta(PROTOCOL, dumped(delta), block.part, generated=block.is_generated),)
        grower = _GROWERS.get(as_text(delta.get("type")))
        return () if grower is None else grower(block, delta)

    def read_block_stop(self, value: Json) -> Sequence[Event]:
        """A block closes; a call that never grew had its arguments from the start."""
        block = self._blocks.pop(as_position(value.get("index")), None)
        if block is None:
            raise UnreadableAnswer("a block was closed that is not open")
        if block.kind != "tool_use" or block.has_grown:
            return ()
        return (ToolCallDelta(input_text(block.input), block.index, block.part),)

    def read_message_delta(self, value: Json) -> Sequence[Event]:
        """The stop reason, and counts that replace those of the start; a count left out stays as it was.

        Without a count of the output it is no report: that of the start is of none.
        """
        events: list[Event] = []
        delta = as_object(value.get("delta"))
        if delta.get("stop_reason") and not self._finished:
            self._finished = True
            reason = answer.decode_finish_reason(delta["stop_reason"], called=self._calls > 0)
            events.append(Finished(reason, stop_sequence=answer.stop_sequence(delta.get("stop_sequence"))))
        counts = as_object(value.get("usage"))
        self._usage |= {name: count for name, count in counts.items() if count is not None}
        usage = answer.decode_usage(self._usage, self._seen)
        if counts.get("output_tokens") is not None and usage is not None:
            events.append(UsageReported(usage))
        return events

    def read_stop(self, _: Json) -> Sequence[Event]:
        """The stream is whole, also where its provider gave no reason."""
        self._ended = True
        if self._finished:
            return (Ended(),)
        return (Finished(answer.decode_finish_reason(None, called=self._calls > 0)), Ended())


def _name(frame: Frame) -> str:
    """Returns the frame's name, if it is an event of this wire."""
    name = frame.event or ""
    return name if name in _READERS else ""


def _with_id(value: Json, data: bytes, events: Sequence[Event]) -> bytes:
    """The event with the id of the call that it opens, where the provider gave none, or one that is not unique."""
    for event in events:
        content = value.get("content_block")
        if isinstance(event, ToolCallStarted) and isinstance(content, dict) and (content.get("id") or "") != event.id:
            return edit(data, {"content_block": orjson.dumps(content | {"id": event.id})})
    return data


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
