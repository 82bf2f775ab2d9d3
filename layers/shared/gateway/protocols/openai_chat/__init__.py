"""OpenAI's chat completions wire: the client side and the upstream side, one object each."""

from gateway.protocols.openai_chat.codec import ChatClient, ChatUpstream

CLIENT = ChatClient()
UPSTREAM = ChatUpstream()

__all__ = ["CLIENT", "UPSTREAM"]
