"""The two sides of the wire, verb by verb; each verb is a module of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.canonical.codec import ClientCodec, StreamDecoder, StreamEncoder, UpstreamCodec
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import ChatResponse, Extension, Stamp
from gateway.canonical.target import Target
from gateway.errors import GatewayError
from gateway.protocols.openai_chat.answer import PROTOCOL
from gateway.protocols.openai_chat.decode import decode_request
from gateway.protocols.openai_chat.decode_answer import decode_response
from gateway.protocols.openai_chat.decode_stream import ChatStreamDecoder
from gateway.protocols.openai_chat.encode import encode_request
from gateway.protocols.openai_chat.encode_answer import encode_response
from gateway.protocols.openai_chat.encode_stream import ChatStreamEncoder
from gateway.protocols.openai_chat.errors import decode_error
from gateway.protocols.openai_chat.rename import forward_response
from gateway.protocols.shared.openai_errors import encode_error

if TYPE_CHECKING:
    # Requests that name files load it.
    from gateway.protocols.shared.files import FileMembers


class ChatClient(ClientCodec):
    """The codec of callers on this wire."""

    protocol = PROTOCOL
    id_prefix = "chatcmpl-"

    def decode_request(self, body: bytes) -> ChatRequest:
        return decode_request(body)

    def file_members(self) -> FileMembers:
        from gateway.protocols.openai_chat.files import FILES  # noqa: PLC0415  # few requests name files

        return FILES

    def encode_response(self, response: ChatResponse, stamp: Stamp, extension: Extension) -> bytes:
        return encode_response(response, stamp, extension)

    def forward_response(self, body: bytes, stamp: Stamp, extension: Extension) -> bytes:
        return forward_response(body, stamp, extension)

    def stream_encoder(self, request: ChatRequest, stamp: Stamp) -> StreamEncoder:
        return ChatStreamEncoder(request, stamp)

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        del request_id  # This wire carries it in a header, x-request-id.
        return encode_error(error)


class ChatUpstream(UpstreamCodec):
    """The codec of providers on this wire."""

    protocol = PROTOCOL

    def encode_request(self, request: ChatRequest, target: Target) -> bytes:
        return encode_request(request, target)

    def decode_response(self, body: bytes, answer_id: str = "") -> ChatResponse:
        return decode_response(body, answer_id)

    def stream_decoder(self, answer_id: str = "") -> StreamDecoder:
        return ChatStreamDecoder(answer_id)

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
        return decode_error(status, headers, body)
