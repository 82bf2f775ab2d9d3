"""Chooses among the betas that a caller asks Anthropic for: those that change what is generated, never its price.

https://docs.claude.com/en/api/beta-headers. A beta that is not known here stays behind, since it may cost more.
"""

from __future__ import annotations

from gateway.errors import InvalidRequest

BETAS = "anthropic-beta"

# Each has the date of its version behind it.
_WITHIN_PRICE = (
    *("adaptive-thinking-", "advanced-tool-use-", "claude-code-", "compact-", "computer-use-", "context-management-"),
    *("effort-", "extended-cache-ttl-", "files-api-", "fine-grained-tool-streaming-", "interleaved-thinking-"),
    *("max-tokens-", "mcp-client-", "mid-conversation-system-", "model-context-window-exceeded-", "oauth-", "output-"),
    *("pdfs-", "prompt-caching-", "redact-thinking-", "search-results-", "structured-outputs-", "task-budgets-"),
    *("token-counting-", "token-efficient-tools-", "tool-examples-", "tool-search-tool-", "web-fetch-"),
)
# https://docs.claude.com/en/docs/about-claude/pricing: long prompts at twice the price, and fast answers at six times.
_DEARER = ("context-1m-", "fast-mode-")


def betas_within_price(header: str) -> tuple[str, ...]:
    """The betas of a header that are served; raises `InvalidRequest` for one that is known to cost more."""
    asked = tuple(filter(None, map(str.strip, header.split(","))))
    for beta in asked:
        if beta.startswith(_DEARER):
            message = f"The beta '{beta}' is charged above the model's price and not sold here: leave it out."
            raise InvalidRequest(message, param=BETAS, code="unsupported_value")
    return tuple(beta for beta in asked if beta.startswith(_WITHIN_PRICE))
