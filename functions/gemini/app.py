"""Serves Gemini's generateContent, streamGenerateContent and countTokens; model and method are in the path."""

from collections.abc import Mapping
from functools import partial

from gateway.auth.principal import Principal
from gateway.http.request import Request
from gateway.http.routes import JsonRoute, OperationRoute, Route
from gateway.http.streaming_app import StreamingApp
from gateway.protocols.gemini import CLIENT
from gateway.protocols.gemini.address import COUNT, parse_address
from gateway.protocols.gemini.codec import GeminiClient
from gateway.protocols.gemini.count_tokens import decode_count_request, encode_count
from gateway.wiring.chat import chat
from gateway.wiring.count_tokens import token_counter
from gateway.wiring.streaming import services


async def count(model: str, principal: Principal, request: Request) -> bytes:
    """Counts the tokens of a prompt, free of charge."""
    return encode_count(await token_counter().count(principal, decode_count_request(request.body, model=model)))


def route_at(path: str, query: Mapping[str, str]) -> Route:
    """The route of `/v1beta/models/{model}:{method}`."""
    address = parse_address(path, query)
    if address.method == COUNT:
        return JsonRoute({"POST": partial(count, address.model)}, makes_work=True)
    return OperationRoute(partial(chat, GeminiClient(address)))


app = StreamingApp(services, CLIENT, route_at, key_in_query=True)
