"""About how many tokens something is, where nobody has counted: shown to clients, and billed only where a provider
died before it could say.

One token for three bytes of text, as for an answer that was cut short: right for Chinese, high for English. A picture
and a document are a round figure each: https://docs.claude.com/en/docs/build-with-claude/vision#calculate-image-costs
has 1,600 for the largest picture that is not scaled down, and a page of a PDF is 1,500 to 3,000.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.canonical.parts import Audio, Document, Image, InlineMedia, Message, Part, ToolResult
from gateway.canonical.request import ChatRequest

BYTES_PER_TOKEN = 3
IMAGE_TOKENS = 1_600
DOCUMENT_TOKENS = 3_000


def estimated_tokens(text_bytes: int) -> int:
    """About how many tokens so much UTF-8 is."""
    return -(-text_bytes // BYTES_PER_TOKEN)


def estimated_input_tokens(request: ChatRequest) -> int:
    """About how many tokens a prompt is, whoever counts."""
    media = [part for part in _parts(request.messages) if isinstance(part, Image | Document | Audio)]
    inline_bytes = sum(len(part.source.data_base64) for part in media if isinstance(part.source, InlineMedia))
    round_figures = sum(IMAGE_TOKENS if isinstance(part, Image) else DOCUMENT_TOKENS for part in media)
    return estimated_tokens(max(len(request.source) - inline_bytes, 0)) + round_figures


def _parts(messages: Iterable[Message]) -> Iterator[Part]:
    for message in messages:
        for part in message.parts:
            yield part
            if isinstance(part, ToolResult):
                yield from part.parts
