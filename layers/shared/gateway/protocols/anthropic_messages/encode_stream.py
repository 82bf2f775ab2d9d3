"""Events to a caller: a provider's of the same wire with the gateway's names in them, or new ones from ours.

`message_stop` is held back until the bill is known and carries `nexevo`; bridged, `message_delta` waits with it for
the usage that other wires report last. All else leaves at once. The official SDK reads nothing without its `event:`
line, and wants usage in `message_start` and in `message_delta`.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from msgspec.structs import replace

from gateway.canonical.codec import Decoded
from gateway.canonical.estimate import estimated_input_tokens, estimated_tokens
from gateway.canonical.events import (
    CitationAdded,
    Content,
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
    delivered_bytes,
)
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import Extension, FinishReason, Stamp
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError
from gateway.framing.json_edit import edit
from gateway.framing.sse import sse_event
from gateway.protocols.anthropic_messages.answer import PROTOCOL, encode_finish_reason, encode_usage
from gateway.protocols.anthropic_messages.blocks import Block, Blocks, Key, json_delta, stopped
from gateway.protocols.anthropic_messages.encode_answer import envelope
from gateway.protocols.anthropic_messages.errors import error_object
from gateway.protocols.anthropic_messages.rename import forward_start
from gateway.protocols.anthropic_messages.signatures import encode_signature
from gateway.protocols.shared.pictures import picture_in

PING = sse_event(b'{"type":"ping"}', "ping")
STOP = b'{"type":"message_stop"}'
_BLOCK_START = b"event: content_block_start\n"
_BLOCK_STOP = b"event: content_block_stop\n"


class MessagesStreamEncoder:
    """One caller's stream."""

    def __init__(self, request: ChatRequest, stamp: Stamp) -> None:
        self._request = request
        self._stamp = stamp
        self._blocks = Blocks()
        self._has_started = False
        self._usage: Usage | None = None
        self._finish: Finished | None = None
        self._finish_sent = False
        self._stop = STOP
        self._delivered_bytes = 0
        self._forwarded_blocks = 0
        self._forwarded_is_open = False

    def forward(self, decoded: Decoded) -> bytes:
        """The same wire's event, untouched but for the names in `message_start`; `message_stop` waits for the bill."""
        frame = decoded.frame
        for event in decoded.events:
            match event:
                case Started(usage=usage):
                    self._has_started, self._usage = True, usage
                    frame = sse_event(forward_start(_data(frame), self._stamp), "message_start")
                case UsageReported(usage):
                    self._usage = usage
                case Finished() if Ended() in decoded.events:
                    # The provider gave no reason before its end; `finish` tells this one.
                    self._note_finish(event)
                case Finished():
                    self._finish_sent = True
                case Ended():
                    self._stop = _data(frame)
                    return b""
                case _:
                    self._delivered_bytes += delivered_bytes(event)
        if frame.startswith(_BLOCK_START):
            self._forwarded_blocks += 1
            self._forwarded_is_open = True
        elif frame.startswith(_BLOCK_STOP):
            self._forwarded_is_open = False
        return frame

    def encode(self, event: Event) -> bytes:
        """The bytes of one event; what this wire has no word for is left out, as docs/bridging.md has it."""
        match event:
            case TextDelta() | ThinkingDelta() | ToolCallDelta():
                return self._content(event)
            case UsageReported(usage):
                self._usage = usage
            case Finished():
                self._note_finish(event)
            case Started(usage=usage):
                self._usage = usage
                return self._start()
            case Ended() | Failed():
                pass
            case _:
                return self._content(event)
        return b""

    def finish(self, extension: Extension) -> bytes:
        """The end of every block, the stop reason with the usage, and `message_stop` with `nexevo` in it."""
        out = b"" if self._has_started else self._start()
        out += self._blocks.close()
        if not self._finish_sent:
            out += self._message_delta()
        return out + sse_event(edit(self._stop, {"nexevo": orjson.dumps(extension.as_json())}), "message_stop")

    def cut_short(self, extension: Extension) -> bytes:
        """Stop reason `max_tokens`, unless the message had ended by itself, and the end."""
        out = stopped(self._forwarded_blocks - 1) if self._forwarded_is_open else b""
        if self._finish is None and not self._finish_sent:
            self._finish = Finished(FinishReason.LENGTH)
            usage = self._counted()
            self._usage = replace(usage, output=max(usage.output, estimated_tokens(self._delivered_bytes)))
        return out + self.finish(extension)

    def fail(self, error: GatewayError) -> bytes:
        """The error event, on which the official SDKs raise; no `message_stop` follows, so nothing reads it as an end.

        `status` is the one that the response would have had before it was committed.
        """
        shown = error_object(error) | {"status": error.status}
        return sse_event(orjson.dumps({"type": "error", "error": shown}), "error")

    def _start(self) -> bytes:
        """`message_start`, with an estimate where the provider counts last (field case B6), and a ping."""
        self._has_started = True
        usage = self._usage or Usage(input=estimated_input_tokens(self._request))
        start = {"type": "message_start", "message": envelope(self._stamp, usage)}
        return sse_event(orjson.dumps(start), "message_start") + PING

    def _message_delta(self) -> bytes:
        end = self._finish or Finished(FinishReason.STOP)
        value = {
            "type": "message_delta",
            "delta": {"stop_reason": encode_finish_reason(end.reason), "stop_sequence": end.stop_sequence},
            "usage": encode_usage(self._counted()),
        }
        return sse_event(orjson.dumps(value), "message_delta")

    def _counted(self) -> Usage:
        """The provider's count, or an estimate where it gave none."""
        if self._usage is not None:
            return self._usage
        return Usage(estimated_input_tokens(self._request), output=estimated_tokens(self._delivered_bytes))

    def _note_finish(self, event: Finished) -> None:
        """Records the end.

        If a provider splits one answer over choices (field case E8), the one that calls tools decides.
        """
        if self._finish is None or self._finish.reason is not FinishReason.TOOL_CALLS:
            self._finish = event

    def _content(self, event: Content) -> bytes:
        key = (event.choice, event.part)
        deltas = _deltas(event)
        self._delivered_bytes += delivered_bytes(event)
        out = b"" if self._has_started else self._start()
        block = self._blocks.find(key)
        if block is None:
            block = _opened(event, deltas)
            if block is None:
                return out
            out += self._blocks.start(key, block)
        return out + self._grown(key, block, event, deltas)

    def _grown(self, key: Key, block: Block, event: Content, deltas: Sequence[bytes]) -> bytes:
        if isinstance(event, ToolCallDelta):
            if block.closing:
                deltas = (json_delta(_escaped(event.arguments)),)
            elif block.arguments is not None:
                was_held = block.is_held
                block.arguments.append(event.arguments)
                deltas = () if block.is_held else deltas
                if was_held and deltas:
                    deltas = (json_delta("".join(block.arguments)),)
        return self._blocks.grow(key, block, deltas) if deltas else b""


def _data(frame: bytes) -> bytes:
    """The JSON of an event that `sse_event` wrote."""
    return frame.partition(b"\ndata: ")[2].removesuffix(b"\n\n").replace(b"\ndata: ", b"\n")


def _deltas(event: Content) -> tuple[bytes, ...]:
    """Returns an event's additions to its block, in the wire's JSON."""
    match event:
        case TextDelta(text) | RefusalDelta(text):
            return (b'{"type":"text_delta","text":%b}' % orjson.dumps(text),) if text else ()
        case ToolCallDelta(arguments):
            return (json_delta(arguments),) if arguments else ()
        case ThinkingDelta(text, signature=signature, signed_by=signed_by):
            words = (b'{"type":"thinking_delta","thinking":%b}' % orjson.dumps(text),) if text else ()
            seal = orjson.dumps(encode_signature(signature, signed_by))
            return (*words, b'{"type":"signature_delta","signature":%b}' % seal) if signature else words
        case OpaqueDelta(protocol, json_text) if protocol != PROTOCOL:
            picture = picture_in(json_text)
            return () if picture is None else (b'{"type":"text_delta","text":%b}' % orjson.dumps(picture.markdown),)
        case CitationAdded(citation) if citation.protocol == PROTOCOL:
            return (b'{"type":"citations_delta","citation":%b}' % citation.json_text.encode(),)
        case _:
            return ()


def _escaped(text: str) -> str:
    """A piece of a JSON string."""
    return orjson.dumps(text)[1:-1].decode()


def _opened(event: Content, deltas: Sequence[bytes]) -> Block | None:
    """The block that an event opens; nothing where the event is empty, or belongs to a block that has closed."""
    match event:
        case TextDelta() | RefusalDelta() | CitationAdded():
            return Block(b'{"type":"text","text":""}') if deltas else None
        case ThinkingDelta():
            return Block(b'{"type":"thinking","thinking":"","signature":""}') if deltas else None
        case RedactedThinkingDelta(data, signed_by=signed_by):
            return Block(orjson.dumps({"type": "redacted_thinking", "data": encode_signature(data, signed_by)}))
        case ToolCallStarted():
            return _call(event)
        case OpaqueDelta(protocol, json_text) if protocol == PROTOCOL:
            return Block(json_text.encode())
        case OpaqueDelta():
            return Block(b'{"type":"text","text":""}') if deltas else None
        case _:
            return None


def _call(event: ToolCallStarted) -> Block:
    """A call; free text becomes the member `input` of an object, whose frame is written around what comes."""
    opening = orjson.dumps({"type": "tool_use", "id": event.id, "name": event.name, "input": {}})
    if not event.custom:
        return Block(opening, arguments=[])
    block = Block(opening, arguments=[], closing=json_delta('"}'))
    block.waiting.append(json_delta('{"input":"'))
    return block
