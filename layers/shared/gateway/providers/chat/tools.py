"""Lists the tools that providers run and the catalog may sell: by wire, the words that its decoder has for them."""

from __future__ import annotations

TOOLS = {
    "openai_responses": ("mcp", "tool_search", "web_search", "web_search_preview"),
    "anthropic_messages": ("mcp", "tool_search", "web_fetch", "web_search"),
    "gemini": ("code_execution", "google_maps", "google_search", "url_context"),
}
