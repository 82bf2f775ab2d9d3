"""Chat completions: the OpenAI wire's door to the corridor."""

from gateway.bootstrap import chat_services
from gateway.protocols.openai_chat import CLIENT
from gateway.web import Door, only

app = Door(chat_services, CLIENT, only({"/v1/chat/completions": CLIENT}))
