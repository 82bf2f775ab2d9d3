"""Anthropic's Messages wire: the client side and the upstream side, one object each."""

from gateway.protocols.anthropic_messages.codec import MessagesClient, MessagesUpstream

CLIENT = MessagesClient()
UPSTREAM = MessagesUpstream()

__all__ = ["CLIENT", "UPSTREAM"]
