"""Chat completions: the OpenAI wire's door to the corridor."""

from gateway.bootstrap import chat_services
from gateway.protocols import openai_chat
from gateway.web import Door

app = Door(chat_services, posts={"/v1/chat/completions": openai_chat.CLIENT})
