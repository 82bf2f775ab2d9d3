"""OpenAI's legacy completions wire, which callers speak and no provider does."""

from gateway.protocols.openai_completions.codec import CompletionsClient

CLIENT = CompletionsClient()

__all__ = ["CLIENT"]
