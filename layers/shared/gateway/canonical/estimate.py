"""Estimates tokens that no provider has counted: shown to clients, and billed only if a provider fails before it
reports.

One token for three bytes of text, as for an answer that was cut short: right for Chinese, high for English. An image
and a document are a fixed number each: https://docs.claude.com/en/docs/build-with-claude/vision#calculate-image-costs
has 1,600 for the largest image that is not scaled down, and a page of a PDF is 1,500 to 3,000.
"""

from __future__ import annotations

from gateway.canonical.parts import Image, InlineMedia, media_in
from gateway.canonical.request import ChatRequest

BYTES_PER_TOKEN = 3
IMAGE_TOKENS = 1_600
DOCUMENT_TOKENS = 3_000


def estimated_tokens(text_bytes: int) -> int:
    """Estimated tokens of that many bytes of UTF-8."""
    return -(-text_bytes // BYTES_PER_TOKEN)


def estimated_text_tokens(text: str) -> int:
    """Estimated tokens of a text to embed, of which no answer tells: four letters each, one for a character of Chinese.

    A run of spaces is one. https://ai.google.dev/gemini-api/docs/tokens
    """
    letters = len(text) - 2 * text.count("  ")
    beyond_ascii = 0 if text.isascii() else len(text.encode()) - len(text)
    return max(1, -(-(2 * letters + 3 * beyond_ascii) // 8))


def estimated_input_tokens(request: ChatRequest) -> int:
    """Estimated tokens of a prompt, for every tokenizer."""
    media = media_in(request.messages)
    inline_bytes = sum(len(part.source.data_base64) for part in media if isinstance(part.source, InlineMedia))
    round_figures = sum(IMAGE_TOKENS if isinstance(part, Image) else DOCUMENT_TOKENS for part in media)
    text_bytes = len(request.source) - request.unread_bytes - inline_bytes
    return estimated_tokens(max(text_bytes, 0)) + round_figures
