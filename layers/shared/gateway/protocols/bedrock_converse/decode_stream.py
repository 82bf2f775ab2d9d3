"""ConverseStream's messages to events, the same however the bytes are cut; a stream that was cut never ends cleanly.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html. `messageStop` is not the end: a
stream is whole when `metadata` has come, which carries the usage (field case B12). Kinds of events that are not known
mean nothing to other wires.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

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
from gateway.errors import UnreadableAnswer, UpstreamError
from gateway.framing.eventstream import EventStreamDecoder, Message
from gateway.protocols.bedrock_converse import answer
from gateway.protocols.bedrock_converse.answer import PROTOCOL
from gateway.protocols.bedrock_converse.errors import decode_exception
from gateway.protocols.shared.framed import CUT
from gateway.protocols.shared.provider_json import as_arguments, as_object, as_position, as_text, as_word, dumped, load


class ConverseStreamDecoder:
    """One provider stream. `Decoded.frame` is a message's own bytes."""

    def __init__(self, answer_id: str = "") -> None:
        self._messages = EventStreamDecoder()
        self._ids = CallIds(answer_id)
        self._parts: dict[int, int] = {}
        # The calls by their part; a tool that the provider runs itself has no index.
        self._calls: dict[int, int | None] = {}
        self._called = 0
        self._ended = False

    def feed(self, data: bytes) -> list[Decoded]:
        """Decodes the messages in `data`. An unreadable one becomes a `Failed` event, and no event follows the end."""
        read: list[Decoded] = []
        if not self._ended:
            try:
                self._decode(data, read)
            except UpstreamError as broken:
                self._ended = True
                read.append(Decoded((Failed(broken),), b""))
        return read

    def flush(self) -> list[Decoded]:
        """Returns no event after a whole stream, and a `Failed` event after a cut one."""
        if self._ended:
            return []
        self._ended = True
        return [Decoded((Failed(UpstreamError(CUT)),), b"")]

    def _decode(self, data: bytes, read: list[Decoded]) -> None:
        for message in self._messages.feed(data):
            events: list[Event] = []
            # In place before it is filled: what a broken message said first is kept.
            read.append(Decoded(events, message.raw))
            self._read(message, events)
            if self._ended:
                return

    def _read(self, message: Message, events: list[Event]) -> None:
        headers = message.headers
        kind = headers.get(":event-type")
        if headers.get(":message-type", "event") != "event":
            self._ended = True
            events.append(Failed(decode_exception(headers, message.payload)))
        elif isinstance(kind, str) and kind in _EVENTS:
            _EVENTS[kind](self, load(message.payload), events)

    def _part(self, value: Mapping[str, Any]) -> int:
        """The ordinal of the block's part; blocks of text have no event that opens them."""
        return self._parts.setdefault(as_position(value.get("contentBlockIndex")), len(self._parts))

    def read_message_start(self, _: Mapping[str, Any], events: list[Event]) -> None:
        """The wire gives the answer no id and does not name the model."""
        events.append(Started(upstream_id="", model=""))

    def read_block_start(self, value: Mapping[str, Any], events: list[Event]) -> None:
        """Reads a call that opens. The other blocks with an opening event do not exist on other wires."""
        part = self._part(value)
        start = as_object(value.get("start"))
        use = as_object(start.get("toolUse"))
        if not use or answer.is_server_tool(use):
            self._calls[part] = None
            events.append(OpaqueDelta(PROTOCOL, dumped({"start": start}), part))
            return
        index = self._calls[part] = self._called
        self._called += 1
        identity, name = self._ids.of(as_word(use.get("toolUseId"))), as_text(use.get("name"))
        events.append(ToolCallStarted(identity, name, index, part))

    def read_block_delta(self, value: Mapping[str, Any], events: list[Event]) -> None:
        """Reads more of a block of any kind."""
        part = self._part(value)
        for name, delta in as_object(value.get("delta")).items():
            if delta is not None:
                _DELTAS.get(name, _opaque)(_Delta(name, delta, part), self._calls, events)

    def read_message_stop(self, value: Mapping[str, Any], events: list[Event]) -> None:
        """The message is complete, the stream is not."""
        reason = answer.decode_finish_reason(value.get("stopReason"), called=self._called > 0)
        stop_sequence = answer.decode_stop_sequence(value.get("additionalModelResponseFields"))
        events.append(Finished(reason, stop_sequence=stop_sequence))

    def read_metadata(self, value: Mapping[str, Any], events: list[Event]) -> None:
        """Reads the answer's usage, and ends it."""
        usage = answer.decode_usage(value.get("usage"))
        if usage is not None:
            events.append(UsageReported(usage))
        events.append(Ended())
        self._ended = True


class _Delta(NamedTuple):
    """One delta of a block: its kind, its value and the part it belongs to."""

    name: str
    value: object
    part: int


_Calls = Mapping[int, int | None]


def _text(delta: _Delta, _: _Calls, events: list[Event]) -> None:
    """Reads a piece of text; an empty one makes no event."""
    if text := as_text(delta.value):
        events.append(TextDelta(text, delta.part))


def _tool_use(delta: _Delta, calls: _Calls, events: list[Event]) -> None:
    """Reads a piece of a call's arguments; those of a tool that the provider runs are the provider's."""
    if delta.part not in calls:
        raise UnreadableAnswer("more of a tool call came before the call")
    index = calls[delta.part]
    if index is None:
        _opaque(delta, calls, events)
    elif arguments := as_arguments(as_object(delta.value).get("input")):
        events.append(ToolCallDelta(arguments, index, delta.part))


def _reasoning(delta: _Delta, _: _Calls, events: list[Event]) -> None:
    """A thought, its signature at the end, or a whole thought that is encrypted."""
    reasoning = as_object(delta.value)
    text, signature = as_text(reasoning.get("text")), as_text(reasoning.get("signature"))
    redacted = as_text(reasoning.get("redactedContent"))
    if signature:
        events.append(ThinkingDelta(text, delta.part, signature=signature, signed_by=PROTOCOL))
    elif text:
        events.append(ThinkingDelta(text, delta.part))
    if redacted:
        events.append(RedactedThinkingDelta(redacted, delta.part, signed_by=PROTOCOL))


def _citation(delta: _Delta, _: _Calls, events: list[Event]) -> None:
    """A source of the text that the block holds."""
    events.append(CitationAdded(answer.citation(delta.value), delta.part))


def _opaque(delta: _Delta, _: _Calls, events: list[Event]) -> None:
    """Ignores a delta that no other wire can express."""
    json_text = dumped({"delta": {delta.name: delta.value}})
    events.append(OpaqueDelta(PROTOCOL, json_text, delta.part))


_DELTAS: Mapping[str, Callable[[_Delta, _Calls, list[Event]], None]] = {
    "text": _text,
    "toolUse": _tool_use,
    "reasoningContent": _reasoning,
    "citation": _citation,
}
_EVENTS: Mapping[str, Callable[[ConverseStreamDecoder, Mapping[str, Any], list[Event]], None]] = {
    "messageStart": ConverseStreamDecoder.read_message_start,
    "contentBlockStart": ConverseStreamDecoder.read_block_start,
    "contentBlockDelta": ConverseStreamDecoder.read_block_delta,
    "messageStop": ConverseStreamDecoder.read_message_stop,
    "metadata": ConverseStreamDecoder.read_metadata,
}
