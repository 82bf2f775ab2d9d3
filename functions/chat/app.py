"""Serves chat and legacy completions on OpenAI's wires."""

from functools import partial

from gateway.http.app import only
from gateway.http.routes import OperationRoute
from gateway.http.streaming_app import StreamingApp
from gateway.protocols import openai_chat, openai_completions
from gateway.wiring.chat import chat
from gateway.wiring.streaming import services

ROUTES = {
    "/v1/chat/completions": OperationRoute(partial(chat, openai_chat.CLIENT)),
    "/v1/completions": OperationRoute(partial(chat, openai_completions.CLIENT)),
}
app = StreamingApp(services, openai_chat.CLIENT, only(ROUTES))
