"""The side of the wire that callers speak to, verb by verb; each verb is a module of this folder.

It has no other side: every request is bridged to a chat model, so nothing of this wire is ever forwarded.
"""

from __future__ import annotations

from gateway.canonical.codec import ClientCodec, StreamEncoder
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import ChatResponse, Extension, Stamp
from gateway.errors import GatewayError
from gateway.protocols.openai_completions.answer import NOT_FORWARDED, PROTOCOL
from gateway.protocols.openai_completions.decode import decode_request
from gateway.protocols.openai_completions.encode_answer import encode_response
from gateway.protocols.openai_completions.encode_stream import CompletionsStreamEncoder
from gateway.protocols.shared.openai_errors import encode_error


class CompletionsClient(ClientCodec):
    """The codec of callers on this wire."""

    protocol = PROTOCOL
    id_prefix = "cmpl-"

    def decode_request(self, body: bytes) -> ChatRequest:
        return decode_request(body)

    def encode_response(self, response: ChatResponse, stamp: Stamp, extension: Extension) -> bytes:
        return encode_response(response, stamp, extension)

    def forward_response(self, body: bytes, stamp: Stamp, extension: Extension) -> bytes:
        raise NotImplementedError(NOT_FORWARDED)

    def stream_encoder(self, request: ChatRequest, stamp: Stamp) -> StreamEncoder:
        return CompletionsStreamEncoder(request, stamp)

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        del request_id  # This wire carries it in a header, x-request-id.
        return encode_error(error)
