"""Google's generateContent wire, of the Developer API and of Vertex: the client side and the upstream side."""

from gateway.protocols.gemini.codec import GeminiClient, GeminiUpstream

CLIENT = GeminiClient()
UPSTREAM = GeminiUpstream()

__all__ = ["CLIENT", "UPSTREAM"]
