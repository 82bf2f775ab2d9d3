"""OpenAI's Responses wire: the client side and the upstream side, one object each.

What a store of responses needs of the wire is in `items`.
"""

from gateway.protocols.openai_responses.codec import ResponsesClient, ResponsesUpstream

CLIENT = ResponsesClient()
UPSTREAM = ResponsesUpstream()

__all__ = ["CLIENT", "UPSTREAM"]
