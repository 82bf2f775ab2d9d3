"""The worst case of a request, before anyone has counted its tokens: never less than what it can come to.

Tokenizers of all providers we sell are byte-level: text of n UTF-8 bytes is at most n tokens. Decoded text is
never longer than the JSON it came in (escapes only lengthen), so the body's length bounds all text in it.
What a provider adds by itself is bounded by a figure per message and tool; what cannot be bounded is bounded
by the model's context window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.canonical.money import NanoUsd
from gateway.canonical.parts import Audio, Document, Image, InlineMedia, Message, Part, ToolResult
from gateway.canonical.request import ChatRequest
from gateway.ledger.prices import Terms, cost_at_most

# OpenAI counts 3 to 7 tokens of framing a message and 3 to prime the answer; Anthropic's and Gemini's are of
# that order.
# https://github.com/openai/openai-cookbook/blob/main/examples/How_to_count_tokens_with_tiktoken.ipynb
FRAME_TOKENS = 16
# Anthropic puts a system prompt of up to 804 tokens before any tools, and some tools bring their own.
# https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview#pricing
TOOLS_TOKENS = 1_024
# The dearest picture we know of: gpt-4o-mini, 2,833 + 5,667 a tile, 8 tiles at most.
# https://platform.openai.com/docs/guides/images-vision#calculating-costs
IMAGE_TOKENS_MAX = 48_169
# What is held for an answer whose length the caller did not bound; a stream extends it while it runs.
OPEN_OUTPUT_TOKENS = 4_096


def input_tokens_at_most(request: ChatRequest, context_window: int, image_tokens: int = IMAGE_TOKENS_MAX) -> int:
    """An upper bound of the tokens of the prompt, or of all of them, as the provider will count them."""
    asked = 1 + len(request.batch)
    parts = list(_parts(request.messages))
    if any(map(_is_open_ended, parts)) or any(tool.builtin for tool in request.tools):
        return context_window * asked
    pictures = [part for part in parts if isinstance(part, Image)]
    text_bytes = len(request.source) - sum(map(_inline_bytes, pictures))
    framing = FRAME_TOKENS * (1 + len(request.messages) + len(request.tools)) + TOOLS_TOKENS * bool(request.tools)
    return min(context_window * asked, text_bytes + framing * asked + image_tokens * len(pictures))


def output_tokens_at_most(request: ChatRequest, model_max: int, open_output_tokens: int = OPEN_OUTPUT_TOKENS) -> int:
    """An upper bound of the answer's tokens where the caller set one, else the bounded amount to begin with."""
    asked = open_output_tokens if request.max_output_tokens is None else request.max_output_tokens
    return min(asked, model_max) * max(1, request.choices) * (1 + len(request.batch))


def worst_case(
    request: ChatRequest,
    agreed: Terms,
    *,
    context_window: int,
    model_max: int,
    image_tokens: int = IMAGE_TOKENS_MAX,
    open_output_tokens: int = OPEN_OUTPUT_TOKENS,
) -> NanoUsd:
    """What to hold for the request on a model of these limits."""
    return cost_at_most(
        input_tokens_at_most(request, context_window, image_tokens),
        output_tokens_at_most(request, model_max, open_output_tokens),
        agreed,
    )


def _parts(messages: Iterable[Message]) -> Iterator[Part]:
    for message in messages:
        for part in message.parts:
            yield part
            if isinstance(part, ToolResult):
                yield from part.parts


def _is_open_ended(part: Part) -> bool:
    """A document's pages are read as text and as pictures; what a provider fetches has no length yet.

    Inline audio needs no figure of its own: at 32 tokens a second it is far shorter than its bytes.
    """
    remote_audio = isinstance(part, Audio) and not isinstance(part.source, InlineMedia)
    return isinstance(part, Document) or remote_audio


def _inline_bytes(picture: Image) -> int:
    return len(picture.source.data_base64) if isinstance(picture.source, InlineMedia) else 0
