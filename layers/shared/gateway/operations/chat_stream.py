"""Turns a provider's stream of a generation into the caller's."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from gateway.canonical.arguments import ObjectStream
from gateway.canonical.chat_models import ChatModel
from gateway.canonical.codec import ClientCodec, Decoded, UpstreamCodec
from gateway.canonical.custom_tools import CustomToolStream
from gateway.canonical.events import Ended, Event, Failed, Started, UsageReported, delivered_bytes
from gateway.canonical.replay import replayed_events
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import ChatResponse, Extension, Stamp
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError
from gateway.pipeline.operation import Continuation, Piece
from gateway.ports.signatures import SignedCall
from gateway.routing.plan import Candidate
from gateway.signatures import Collector

if TYPE_CHECKING:
    # Loaded by requests that use the cache of answers.
    from gateway.operations.chat_cache import StreamCodec

    # Requests of the provider's own wire load no constraints.
    from gateway.providers.constraints import Renaming

Keep = Callable[[str, Sequence[SignedCall]], Coroutine[Any, Any, None] | None]


class ChatAnswer(Struct, frozen=True):
    """A provider's whole answer: its bytes, for forwarding on the same wire, and what they mean."""

    body: bytes
    response: ChatResponse
    protocol: str


def _unchanged(events: Iterable[Event]) -> Iterable[Event]:
    return events


class ChatTranscoder:
    """One caller's stream: frames of the same wire with the gateway's names in them, else events written anew."""

    def __init__(
        self,
        wire: ClientCodec,
        request: ChatRequest,
        stamp: Stamp,
        codec_of: Callable[[Candidate[ChatModel]], StreamCodec | UpstreamCodec],
        renaming_of: Callable[[Candidate[ChatModel]], Renaming | None],
        keep: Keep,
    ) -> None:
        self._wire = wire
        self._request = request
        self._stamp = stamp
        self._codec_of = codec_of
        self._renaming_of = renaming_of
        self._keep = keep
        self._encoder = wire.stream_encoder(request, stamp)
        self._custom_tools = CustomToolStream(request.tools)
        self._objects = ObjectStream()
        self._forwards = False
        self._collector: Collector | None = None

    def begin(self, candidate: Candidate[ChatModel]) -> None:
        """Starts an attempt with a fresh decoder and encoder."""
        codec = self._codec_of(candidate)
        self._decoder = codec.stream_decoder(self._stamp.answer_id)
        self._forwards = codec.protocol == self._request.protocol
        self._encoder = self._wire.stream_encoder(self._request, self._stamp)
        renaming = self._renaming_of(candidate)
        self._undone = _unchanged if renaming is None else renaming.undoing()
        self._custom_tools = CustomToolStream(self._request.tools)
        self._objects = ObjectStream()
        self._collector = None if self._forwards else Collector(codec.protocol)

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The pieces that the bytes complete."""
        return map(self._piece, self._decoder.feed(data))

    def flush(self) -> Iterator[Piece]:
        """The pieces that the end of the bytes completes."""
        return map(self._piece, self._decoder.flush())

    def replay(self, answer: ChatAnswer) -> Iterable[Piece]:
        """A whole answer as events."""
        self._forwards = False
        return [self._piece(Decoded(tuple(replayed_events(answer.response)), b""))]

    def finish(self, extension: Extension) -> bytes:
        """All that was kept back for the end, and the wire's terminal event."""
        return self._encoder.finish(extension)

    def cut_short(self, extension: Extension) -> bytes:
        """A well-formed early end."""
        return self._encoder.cut_short(extension)

    def fail(self, error: GatewayError) -> bytes:
        """The wire's error event."""
        return self._encoder.fail(error)

    def go_on(self, before: Usage) -> Continuation | None:
        """Nothing: the caller has not asked for it, or the request does not allow it."""
        del before
        return None

    def keep(self, account_id: str) -> Coroutine[Any, Any, None] | None:
        """Keeps the signatures that the caller's wire did not carry."""
        return None if self._collector is None else self._keep(account_id, self._collector.calls)

    def _piece(self, decoded: Decoded) -> Piece:
        piece = Piece(uses=decoded.uses)
        for event in decoded.events:
            if self._collector is not None:
                self._collector.note(event)
            if delivered := delivered_bytes(event):
                piece.delivered_bytes += delivered
                continue
            match event:
                case Failed(error):
                    piece.error = error
                    return piece
                case UsageReported(usage):
                    piece.usage = usage
                case Started(usage=usage):
                    piece.usage = usage or piece.usage
                case Ended():
                    piece.ended = True
        piece.data = self._encode(decoded)
        return piece

    def _encode(self, decoded: Decoded) -> bytes:
        if self._forwards:
            return self._encoder.forward(decoded)
        events = self._objects.events(self._undone(decoded.events))
        return b"".join([self._encoder.encode(event) for event in self._custom_tools.events(events)])
