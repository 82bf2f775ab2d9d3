"""Serves chat and legacy completions on OpenAI's wires."""

from functools import partial

from gateway.http.app import only
from gateway.http.routes import OperationRoute
from gateway.http.streaming_app import StreamingApp
from gateway.operations.chat import ChatOperation
from gateway.protocols import openai_chat
from gateway.wiring.chat import chat
from gateway.wiring.streaming import services


def completions() -> ChatOperation:
    """Imports the legacy wire at its first use, so that a cold start of chat does not pay for it."""
    from gateway.protocols import openai_completions  # noqa: PLC0415  # no cold start pays for it

    return chat(openai_completions.CLIENT)


ROUTES = {
    "/v1/chat/completions": OperationRoute(partial(chat, openai_chat.CLIENT)),
    "/v1/completions": OperationRoute(completions),
}
app = StreamingApp(services, openai_chat.CLIENT, only(ROUTES))
