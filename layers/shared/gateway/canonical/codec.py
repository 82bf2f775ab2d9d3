"""The verbs of every wire, in the same order in each: learn one codec, read all.

A codec never waits: values in, values out, no clock, no environment. The client side faces callers, the upstream side
faces providers, and forwarding edits the bytes of a wire that is the same on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.canonical.events import Event
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import ChatResponse, Extension, Stamp
from gateway.canonical.target import Target
from gateway.errors import GatewayError


@dataclass(frozen=True, slots=True)
class Decoded:
    """One upstream frame: the events it means, and its bytes for forwarding on the same wire."""

    events: Sequence[Event]
    frame: bytes


class StreamDecoder(Protocol):
    """A provider's bytes to events; the same events however the bytes are cut."""

    def feed(self, data: bytes) -> list[Decoded]:
        """Whole frames in `data` and what was kept from before; garbage is a `Failed` event in its place."""

    def flush(self) -> list[Decoded]:
        """What the end of the bytes completes; a cut stream is a `Failed` event."""


class StreamEncoder(Protocol):
    """Events, or frames of the same wire, to a caller's bytes. Returns whole SSE events, or nothing."""

    def encode(self, event: Event) -> bytes:
        """The bytes of one event on this wire."""

    def forward(self, decoded: Decoded) -> bytes:
        """The frame of the same wire with the gateway's names in it, all other bytes untouched."""

    def finish(self, extension: Extension) -> bytes:
        """All that was kept back for the end, with the extension, and the wire's terminal event."""

    def cut_short(self, extension: Extension) -> bytes:
        """A well-formed early end: finish reason `length` and the terminal event."""

    def fail(self, error: GatewayError) -> bytes:
        """The wire's error event."""


class ClientCodec(Protocol):
    """The side of a wire that callers speak to.

    `id_prefix` opens the ids of its answers (`chatcmpl-`). `stream_type` is a stream's content type, and `keep_alive`
    what may fill its silences; a wire whose readers would mind anything has nothing there.
    """

    protocol: str
    id_prefix: str
    stream_type: str = "text/event-stream; charset=utf-8"
    keep_alive: bytes = b": NX\n\n"

    def decode_request(self, body: bytes) -> ChatRequest:
        """Raises `InvalidRequest` with the JSON path of what is wrong."""

    def encode_response(self, response: ChatResponse, stamp: Stamp, extension: Extension) -> bytes: ...

    def forward_response(self, body: bytes, stamp: Stamp, extension: Extension) -> bytes:
        """The same wire's body with id, model and extension set, all other bytes untouched."""

    def stream_encoder(self, request: ChatRequest, stamp: Stamp) -> StreamEncoder: ...

    def encode_error(self, error: GatewayError, request_id: str) -> bytes: ...


class UpstreamCodec(Protocol):
    """The side of a wire that providers speak."""

    protocol: str

    def encode_request(self, request: ChatRequest, target: Target) -> bytes:
        """The body for `target`, within what its profile accepts.

        Edits the caller's bytes where the wires are the same; raises `InvalidRequest` for what the wire cannot express.
        """

    def decode_response(self, body: bytes) -> ChatResponse:
        """Raises `UpstreamError` where the body is not what the wire promises."""

    def stream_decoder(self) -> StreamDecoder: ...

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
        """What a provider's refusal means to our caller; only text that a client may see is kept."""
