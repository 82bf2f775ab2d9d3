"""Serves Anthropic's Messages, and their token counts."""

from functools import partial

from gateway.auth.principal import Principal
from gateway.http.app import only
from gateway.http.request import Request
from gateway.http.routes import JsonRoute, OperationRoute, Route
from gateway.http.streaming_app import StreamingApp
from gateway.protocols.anthropic_messages import CLIENT
from gateway.protocols.anthropic_messages.count_tokens import decode_count_request, encode_count
from gateway.wiring.chat import chat
from gateway.wiring.count_tokens import token_counter, with_files
from gateway.wiring.streaming import services


async def count(principal: Principal, request: Request) -> bytes:
    """Counts the tokens of a prompt, free of charge."""
    body = await with_files(principal, request.body, CLIENT)
    return encode_count(await token_counter().count(principal, decode_count_request(body)))


ROUTES: dict[str, Route] = {
    "/v1/messages": OperationRoute(partial(chat, CLIENT)),
    "/v1/messages/count_tokens": JsonRoute({"POST": count}, makes_work=True),
}
app = StreamingApp(services, CLIENT, only(ROUTES))
