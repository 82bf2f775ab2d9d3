"""The two sides of the wire, verb by verb; each verb is a module of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.canonical.codec import ClientCodec, StreamDecoder, StreamEncoder, UpstreamCodec
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import ChatResponse, Extension, Stamp
from gateway.canonical.target import Target
from gateway.errors import GatewayError
from gateway.protocols.gemini.address import Address, parse_address
from gateway.protocols.gemini.answer import PROTOCOL
from gateway.protocols.gemini.decode import decode_request
from gateway.protocols.gemini.decode_answer import decode_response
from gateway.protocols.gemini.decode_stream import GeminiStreamDecoder
from gateway.protocols.gemini.encode import encode_request
from gateway.protocols.gemini.encode_answer import encode_response
from gateway.protocols.gemini.encode_stream import ArrayFraming, GeminiStreamEncoder, SseFraming
from gateway.protocols.gemini.errors import decode_error, encode_error
from gateway.protocols.gemini.rename import forward_response

if TYPE_CHECKING:
    # Requests that name files load it.
    from gateway.protocols.shared.files import FileMembers


class GeminiClient(ClientCodec):
    """The codec of callers on this wire; `at` returns it with the settings of the call's URL.

    google-genai for Python takes every line for JSON, a comment too: server-sent events are kept alive by an empty
    line, and an array by nothing.
    """

    protocol = PROTOCOL
    id_prefix = ""

    def __init__(self, address: Address | None = None) -> None:
        self.address = address
        is_array = address is not None and not address.is_sse
        self._framing = ArrayFraming if is_array else SseFraming
        self.keep_alive = b"" if is_array else b"\r\n"
        if is_array:
            self.stream_type = "application/json"

    def at(self, path: str, query: Mapping[str, str]) -> GeminiClient:
        """The codec of one call; raises `NotFound` where the path names no method of this wire."""
        return GeminiClient(parse_address(path, query))

    def decode_request(self, body: bytes) -> ChatRequest:
        if self.address is None:
            return decode_request(body)
        return decode_request(body, self.address.model, stream=self.address.is_stream)

    def file_members(self) -> FileMembers:
        from gateway.protocols.gemini.files import FILES  # noqa: PLC0415  # few requests name files

        return FILES

    def encode_response(self, response: ChatResponse, stamp: Stamp, extension: Extension) -> bytes:
        return encode_response(response, stamp, extension)

    def forward_response(self, body: bytes, stamp: Stamp, extension: Extension) -> bytes:
        return forward_response(body, stamp, extension)

    def stream_encoder(self, request: ChatRequest, stamp: Stamp) -> StreamEncoder:
        return GeminiStreamEncoder(request, stamp, self._framing())

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        del request_id  # This wire carries it in a header.
        return encode_error(error)


class GeminiUpstream(UpstreamCodec):
    """The codec of providers, the Developer API and Vertex alike."""

    protocol = PROTOCOL

    def encode_request(self, request: ChatRequest, target: Target) -> bytes:
        return encode_request(request, target)

    def decode_response(self, body: bytes, answer_id: str = "") -> ChatResponse:
        return decode_response(body, answer_id)

    def stream_decoder(self, answer_id: str = "") -> StreamDecoder:
        return GeminiStreamDecoder(answer_id)

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
        return decode_error(status, headers, body)
