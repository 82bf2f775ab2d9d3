"""The interface of every wire's codec, with its methods in the same order.

A codec never waits: values in, values out, no clock, no environment. The client side faces callers, the upstream side
faces providers, and forwarding edits the bytes of a wire that is the same on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from gateway.canonical.events import Event
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import ChatResponse, Extension, Stamp
from gateway.canonical.target import Target
from gateway.canonical.usage import Uses
from gateway.canonical.wire import Wire
from gateway.errors import GatewayError


class Decoded(Struct, frozen=True):
    """One upstream frame: the events it means, and its bytes for forwarding on the same wire.

    `uses` counts the tools that the provider has run, as far as its stream has shown them by now; a stream that is cut
    before it reports them is charged for these.
    """

    events: Sequence[Event]
    frame: bytes
    uses: Uses = ()


class StreamDecoder(Protocol):
    """Turns a provider's bytes into events; the chunking of the bytes does not change the events."""

    def feed(self, data: bytes) -> list[Decoded]:
        """Decodes the frames that `data` completes; garbage gives a `Failed` event in its place."""

    def flush(self) -> list[Decoded]:
        """Decodes the rest at the end of the bytes; a cut stream gives a `Failed` event."""


class StreamEncoder(Protocol):
    """Turns events, or frames of the same wire, into a caller's bytes: whole SSE events, or empty."""

    def encode(self, event: Event) -> bytes:
        """The bytes of one event on this wire."""

    def forward(self, decoded: Decoded) -> bytes:
        """The frame of the same wire with the gateway's names in it; all other bytes are unchanged."""

    def finish(self, extension: Extension) -> bytes:
        """The bytes held back for the end, with the extension, and the wire's terminal event."""

    def cut_short(self, extension: Extension) -> bytes:
        """A well-formed early end: finish reason `length` and the terminal event."""

    def fail(self, error: GatewayError) -> bytes:
        """The wire's error event."""


class ClientCodec(Wire, Protocol):
    """The side of a chat wire that callers speak to."""

    def decode_request(self, body: bytes) -> ChatRequest:
        """Reads a request; raises `InvalidRequest` with the JSON path of the error."""

    def file_members(self) -> Any:
        """The wire's `protocols.shared.files.FileMembers`; nothing on one whose requests name no files."""
        return None

    def encode_response(self, response: ChatResponse, stamp: Stamp, extension: Extension) -> bytes: ...

    def forward_response(self, body: bytes, stamp: Stamp, extension: Extension) -> bytes:
        """The same wire's body with id, model and extension set; all other bytes are unchanged."""

    def stream_encoder(self, request: ChatRequest, stamp: Stamp) -> StreamEncoder: ...


class UpstreamCodec(Protocol):
    """The side of a wire that providers speak."""

    protocol: str

    def encode_request(self, request: ChatRequest, target: Target) -> bytes:
        """The body for `target`, within what its profile accepts.

        Edits the caller's bytes where the wires are the same; raises `InvalidRequest` for what the wire cannot express.
        """

    def decode_response(self, body: bytes, answer_id: str = "") -> ChatResponse:
        """Reads a provider's answer; raises `UnreadableAnswer` if the body breaks the wire's format.

        `answer_id` is unique to the answer; ids for calls without one are made from it.
        """

    def stream_decoder(self, answer_id: str = "") -> StreamDecoder:
        """Creates a decoder; ids for calls without one are made from `answer_id`, which is unique to the answer."""

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
        """Translates a provider's refusal into an error for the caller; keeps only text that a client may see."""
