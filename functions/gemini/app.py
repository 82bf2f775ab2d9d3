"""Serves Gemini's generateContent, streamGenerateContent, countTokens and embeddings, named in the path."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.auth.principal import Principal
from gateway.http.request import Request
from gateway.http.routes import JsonRoute, OperationRoute, Route
from gateway.http.streaming_app import StreamingApp
from gateway.protocols.gemini import CLIENT
from gateway.protocols.gemini.address import BATCH_EMBED, COUNT, EMBED, Address, parse_address
from gateway.protocols.gemini.codec import GeminiClient
from gateway.protocols.gemini.count_tokens import decode_count_request, encode_count
from gateway.wiring.chat import chat
from gateway.wiring.count_tokens import token_counter, with_files
from gateway.wiring.streaming import services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.operations.embeddings import EmbeddingsOperation


async def count(model: str, principal: Principal, request: Request) -> bytes:
    """Counts the tokens of a prompt, free of charge."""
    body = await with_files(principal, request.body, CLIENT)
    return encode_count(await token_counter().count(principal, decode_count_request(body, model=model)))


def route_at(path: str, query: Mapping[str, str]) -> Route:
    """The route of `/v1beta/models/{model}:{method}`."""
    address = parse_address(path, query)
    if address.method == COUNT:
        return JsonRoute({"POST": partial(count, address.model)}, makes_work=True)
    if address.method in (EMBED, BATCH_EMBED):
        return OperationRoute(partial(embedding, address))
    return OperationRoute(partial(chat, GeminiClient(address)))


def embedding(address: Address) -> EmbeddingsOperation:
    """The operation of embeddings, loaded at its first use: few processes of this function serve any."""
    from gateway.protocols.gemini.embeddings import GeminiEmbeddings  # noqa: PLC0415  # see above
    from gateway.wiring.embeddings import embeddings  # noqa: PLC0415  # see above

    return embeddings(GeminiEmbeddings(address))


app = StreamingApp(services, CLIENT, route_at, key_in_query=True)
