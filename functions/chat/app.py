"""Serves chat and legacy completions on OpenAI's wires, and the plan of a chat request."""

from functools import partial

from gateway.auth.principal import Principal
from gateway.http.app import only
from gateway.http.request import Request
from gateway.http.routes import JsonRoute, OperationRoute, Route
from gateway.http.streaming_app import StreamingApp
from gateway.operations.chat import ChatOperation
from gateway.pipeline.operation import InboundRequest
from gateway.protocols import openai_chat
from gateway.wiring.chat import chat
from gateway.wiring.streaming import services


def completions() -> ChatOperation:
    """Imports the legacy wire at its first use, so that a cold start of chat does not pay for it."""
    from gateway.protocols import openai_completions  # noqa: PLC0415  # no cold start pays for it

    return chat(openai_completions.CLIENT)


async def plan(principal: Principal, request: Request) -> bytes:
    """Explains what would serve a chat request, free of charge."""
    from gateway.operations.explained import explained  # noqa: PLC0415  # no cold start pays for it

    inbound = InboundRequest(principal, request.body, request.request_id, request.deadline_s, request.headers)
    return explained(chat(openai_chat.CLIENT), inbound)


ROUTES: dict[str, Route] = {
    "/v1/chat/completions": OperationRoute(partial(chat, openai_chat.CLIENT)),
    "/v1/completions": OperationRoute(completions),
    "/v1/route": JsonRoute({"POST": plan}),
}
app = StreamingApp(services, openai_chat.CLIENT, only(ROUTES))
