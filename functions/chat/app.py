"""Chat completions, and the legacy completions before them: OpenAI's doors to the corridor."""

from gateway.bootstrap import chat_services
from gateway.protocols import openai_chat, openai_completions
from gateway.web import Door, only

ROUTES = {"/v1/chat/completions": openai_chat.CLIENT, "/v1/completions": openai_completions.CLIENT}

app = Door(chat_services, openai_chat.CLIENT, only(ROUTES))
