"""Chunks to a caller: a provider's of the same wire with the gateway's names in them, or new ones from events.

The event that ends a candidate is held back until the bill is known, so that the last chunk carries `nexevo`. The rest
is sent at once, except calls: this wire has them whole, so they are sent with the end. Two framings, by the URL's
`alt`: server-sent events, and one JSON array.
"""

from __future__ import annotations

from typing import Protocol

import orjson
from msgspec import Struct, field

from gateway.canonical.codec import Decoded
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
)
from gateway.canonical.parts import Citation, Opaque, Part, RedactedThinking, Refusal, Text, Thinking, ToolCall
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import Extension, FinishReason, Stamp
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError
from gateway.framing.json_edit import edit
from gateway.framing.json_values import reread
from gateway.protocols.gemini.answer import encode_logprobs, encode_usage
from gateway.protocols.gemini.encode_answer import Json, candidate_of, encode_part, own_sources
from gateway.protocols.gemini.errors import error_object
from gateway.protocols.gemini.rename import Renamer
from gateway.protocols.shared.choices import ends_of_open
from gateway.protocols.shared.provider_json import as_index, as_objects

# Members that only a chunk which ends something has: a name in quotes is never part of a string's text.
_ENDINGS = (b'"finishReason"', b'"blockReason"')


class Framing(Protocol):
    """The separators between chunks."""

    def chunk(self, body: bytes) -> bytes:
        """One chunk on its way; `body` is a JSON object."""

    def end(self) -> bytes:
        """Returns the bytes that close the stream."""


class SseFraming:
    """Server-sent events with Google's line ends. A chunk is one line: the Node SDK reads no event of more."""

    def chunk(self, body: bytes) -> bytes:
        if body.find(b"\n") >= 0 or body.find(b"\r") >= 0:
            body = body.replace(b"\r", b" ").replace(b"\n", b" ")
        return b"data: " + body + b"\r\n\r\n"

    def end(self) -> bytes:
        return b""


class ArrayFraming:
    """One JSON array, an element a chunk."""

    def __init__(self) -> None:
        self._separator = b"["

    def chunk(self, body: bytes) -> bytes:
        separator, self._separator = self._separator, b",\r\n"
        return separator + body

    def end(self) -> bytes:
        return b"]" if self._separator != b"[" else b"[]"


class _Call(Struct):
    """A call on its way."""

    started: ToolCallStarted
    pieces: list[str] = field(default_factory=list)

    def whole(self) -> ToolCall:
        """The call with all of its arguments."""
        started = self.started
        return ToolCall(started.id, started.name, "".join(self.pieces), started.signature, custom=started.custom)


class GeminiStreamEncoder:
    """One caller's stream."""

    def __init__(self, request: ChatRequest, stamp: Stamp, framing: Framing) -> None:
        self._request = request
        self._names = {"modelVersion": stamp.model, "responseId": stamp.response_id}
        self._closing = b'],"modelVersion":%b,"responseId":%b}' % (
            orjson.dumps(stamp.model),
            orjson.dumps(stamp.response_id),
        )
        self._framing = framing
        self._renamer = Renamer(stamp)
        self._held = b""
        self._held_is_ours = False
        self._usage: Usage | None = None
        self._finished: set[int] = set()
        self._calls: dict[tuple[int, int], _Call] = {}
        self._citations: dict[int, list[Citation]] = {}

    def forward(self, decoded: Decoded) -> bytes:
        """The same wire's chunk with both names set, all other bytes untouched."""
        for event in decoded.events:
            if isinstance(event, UsageReported):
                self._usage = event.usage
        frame = decoded.frame
        if not frame:
            return b""
        chunk = self._renamer.rename(frame)
        if not any(ending in frame for ending in _ENDINGS):
            return self._release() + self._framing.chunk(chunk)
        candidates = as_objects(reread(frame).get("candidates"))
        self._finished |= {as_index(place.get("index"), 0) for place in candidates if place.get("finishReason")}
        return self._hold(chunk, is_ours=False)

    def encode(self, event: Event) -> bytes:
        """The chunk of one event; what this wire has no word for is left out, as docs/bridging.md has it."""
        match event:
            case TextDelta(text, _, choice, None, None):
                # Nearly all events of nearly all streams.
                return self._chunk(b'{"text":%b}' % orjson.dumps(text), choice) if text else b""
            case UsageReported(usage):
                self._usage = usage
            case Started(usage=usage):
                self._usage = usage
            case Finished(reason, choice):
                return self._finish_choice(choice, reason)
            case ToolCallStarted():
                self._calls[event.choice, event.index] = _Call(event)
            case ToolCallDelta(arguments, index, choice=choice):
                self._calls[choice, index].pieces.append(arguments)
            case CitationAdded(citation, choice=choice):
                self._citations.setdefault(choice, []).append(citation)
            case Ended() | Failed():
                pass
            case _:
                return self._content(event)
        return b""

    def finish(self, extension: Extension) -> bytes:
        """The last chunk, with the usage and `nexevo` in it, and what closes the framing."""
        out = b"" if self._held else self._finish_choice(0, FinishReason.STOP)
        put = {"nexevo": orjson.dumps(extension.as_json())}
        if self._held_is_ours and self._usage is not None:
            put = {"usageMetadata": orjson.dumps(encode_usage(self._usage))} | put
        last, self._held = edit(self._held, put), b""
        return out + self._framing.chunk(last) + self._framing.end()

    def cut_short(self, extension: Extension) -> bytes:
        """Finish reason `MAX_TOKENS` for every candidate that is still open, and the end."""
        return ends_of_open(self._request.choices, self._finished, self._finish_choice) + self.finish(extension)

    def fail(self, error: GatewayError) -> bytes:
        """The error in the place of a chunk, on which the official SDKs raise; `error` has to be its first member."""
        return self._release() + self._framing.chunk(orjson.dumps({"error": error_object(error)})) + self._framing.end()

    def _hold(self, chunk: bytes, *, is_ours: bool) -> bytes:
        """Keeps `chunk` in the place of the one that was kept before, which goes out."""
        out = self._release()
        self._held, self._held_is_ours = chunk, is_ours
        return out

    def _release(self) -> bytes:
        held, self._held = self._held, b""
        return self._framing.chunk(held) if held else b""

    def _finish_choice(self, choice: int, reason: FinishReason) -> bytes:
        self._finished.add(choice)
        calls = [call.whole() for (owner, _), call in sorted(self._calls.items()) if owner == choice]
        candidate = candidate_of(calls, choice, reason) | own_sources(self._citations.get(choice, ()))
        return self._hold(orjson.dumps({"candidates": [candidate], **self._names}), is_ours=True)

    def _content(self, event: Content) -> bytes:
        part = encode_part(_as_part(event))
        if part is None or (part.keys() <= {"text", "thought"} and not part["text"]):
            return b""
        scored = encode_logprobs(event.logprobs) if isinstance(event, TextDelta) else {}
        return self._chunk(orjson.dumps(part), event.choice, scored)

    def _chunk(self, part: bytes, choice: int, more: Json | None = None) -> bytes:
        members = b"," + orjson.dumps(more)[1:-1] if more else b""
        body = b'{"candidates":[{"content":{"parts":[%b],"role":"model"},"index":%d%b}%b' % (
            part,
            choice,
            members,
            self._closing,
        )
        return self._release() + self._framing.chunk(body)


def _as_part(event: Content) -> Part:
    """A piece of content as the part that it is a piece of."""
    match event:
        case TextDelta(text, signature=signature):
            return Text(text, signature=signature)
        case ThinkingDelta(text, signature=signature, signed_by=signed_by):
            return Thinking(text, signature, signed_by)
        case RedactedThinkingDelta(data, signed_by=signed_by):
            return RedactedThinking(data, signed_by)
        case RefusalDelta(text):
            return Refusal(text)
        case OpaqueDelta(protocol, json_text):
            return Opaque(protocol, json_text)
        case ToolCallStarted() | ToolCallDelta() | CitationAdded():
            raise TypeError(f"{type(event).__name__} is gathered, not written at once")
