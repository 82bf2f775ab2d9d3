"""The provider's side of the wire, verb by verb; each verb is a module of this folder."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.canonical.codec import StreamDecoder, UpstreamCodec
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import ChatResponse
from gateway.canonical.target import Target
from gateway.errors import GatewayError
from gateway.protocols.cohere_chat.answer import PROTOCOL
from gateway.protocols.cohere_chat.decode_answer import decode_response
from gateway.protocols.cohere_chat.decode_stream import CohereStreamDecoder
from gateway.protocols.cohere_chat.encode import encode_request
from gateway.protocols.cohere_chat.errors import decode_error


class CohereUpstream(UpstreamCodec):
    """The codec of Cohere's `/v2/chat`."""

    protocol = PROTOCOL

    def encode_request(self, request: ChatRequest, target: Target) -> bytes:
        return encode_request(request, target)

    def decode_response(self, body: bytes, answer_id: str = "") -> ChatResponse:
        return decode_response(body, answer_id)

    def stream_decoder(self, answer_id: str = "") -> StreamDecoder:
        return CohereStreamDecoder(answer_id)

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
        return decode_error(status, headers, body)
