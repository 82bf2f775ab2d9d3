"""Cohere's chat wire, version 2. Only the provider speaks it: there is no client side."""

from gateway.protocols.cohere_chat.codec import CohereUpstream

UPSTREAM = CohereUpstream()

__all__ = ["UPSTREAM"]
