"""The worst-case cost of a request, before its tokens are counted; the real cost is never higher.

Tokenizers of all providers in the catalog are byte-level: text of n UTF-8 bytes is at most n tokens. Decoded text is
never longer than its JSON (escapes only lengthen), so the body's length bounds all text in it. Tokens that a provider
adds are bounded by a number per message and tool; anything without a bound counts as the model's context window, and so
does what a provider keeps.
"""

from __future__ import annotations

from gateway.canonical.money import NanoUsd
from gateway.canonical.parts import Audio, Document, Image, InlineMedia, media_in
from gateway.canonical.request import ChatRequest
from gateway.canonical.usage import Usage, counted
from gateway.ledger.prices import Terms, cost_at_most
from gateway.ledger.tool_prices import NO_TOOLS, OfferedTools

# OpenAI counts 3 to 7 framing tokens a message and 3 to prime the answer; Anthropic and Gemini are similar.
# https://github.com/openai/openai-cookbook/blob/main/examples/How_to_count_tokens_with_tiktoken.ipynb
FRAME_TOKENS = 16
# Anthropic puts a system prompt of up to 804 tokens before any tools, and some tools bring their own.
# https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview#pricing
TOOLS_TOKENS = 1_024
# The most expensive image known: gpt-4o-mini, 2,833 + 5,667 a tile, 8 tiles at most.
# https://platform.openai.com/docs/guides/images-vision#calculating-costs
IMAGE_TOKENS_MAX = 48_169
# Of sound. Models make 10 to 17 tokens of a second, Gemini's 32.
SOUND_TOKENS_PER_S = 40
# Held for an answer whose length the caller did not bound; a stream extends the hold while it runs.
OPEN_OUTPUT_TOKENS = 4_096


def input_tokens_at_most(
    request: ChatRequest,
    context_window: int,
    image_tokens: int = IMAGE_TOKENS_MAX,
    tools: OfferedTools = NO_TOOLS,
    output_tokens: int = 0,
) -> int:
    """An upper bound of the prompt's tokens, as the provider will count them, over all conversations and rounds.

    Where the provider runs `tools`, each round reads the request again, and the answer of at most `output_tokens`.
    """
    once = _prompt_tokens_at_most(request, context_window, image_tokens)
    if tools.tools:
        once = tools.prompt_tokens_at_most(once + output_tokens, context_window)
    return once * request.samplings


def _prompt_tokens_at_most(request: ChatRequest, context_window: int, image_tokens: int) -> int:
    conversations = 1 + len(request.batch)
    media = media_in(request.messages)
    is_open_ended = request.provider_state is not None or any(map(_is_open_ended, media))
    if is_open_ended or any(tool.builtin and not tool.provider_run for tool in request.tools):
        return context_window * conversations
    pictures = [part for part in media if isinstance(part, Image)]
    text_bytes = max(0, len(request.source) - sum(map(_inline_bytes, pictures)) - request.sound.source_bytes)
    framing = FRAME_TOKENS * (1 + len(request.messages) + len(request.tools)) + TOOLS_TOKENS * bool(request.tools)
    media_tokens = image_tokens * len(pictures) + request.sound.tokens
    return min(context_window * conversations, text_bytes + framing * conversations + media_tokens)


def output_tokens_at_most(request: ChatRequest, model_max: int, open_output_tokens: int = OPEN_OUTPUT_TOKENS) -> int:
    """An upper bound of the answer's tokens if the caller set one, else the first amount to hold."""
    requested = open_output_tokens if request.max_output_tokens is None else request.max_output_tokens
    return min(requested, model_max) * max(1, request.choices) * (1 + len(request.batch)) * request.samplings


def usage_at_most(usage: Usage, *, prompt_tokens: int, output_tokens: int) -> Usage:
    """The part of the reported tokens that is within these bounds; what is over them is taken from the dearer classes.

    No use of a tool is kept.
    """
    left = prompt_tokens
    kept: dict[str, int] = {}
    for name in ("cache_read", "input", "cache_write_5m", "cache_write_1h"):
        kept[name] = min(max(0, getattr(usage, name)), left)
        left -= kept[name]
    within = {"output": min(usage.output, output_tokens), **kept}
    parts = {name: getattr(usage, name) for name in ("reasoning", "audio_input", "audio_output", "image_output")}
    return counted(**within, **parts)


def worst_case(
    request: ChatRequest,
    agreed: Terms,
    *,
    context_window: int,
    model_max: int,
    image_tokens: int = IMAGE_TOKENS_MAX,
    open_output_tokens: int = OPEN_OUTPUT_TOKENS,
    tools: OfferedTools = NO_TOOLS,
) -> NanoUsd:
    """The amount to hold for the request on a model with these limits: its tokens, and the uses of its tools."""
    output_tokens = output_tokens_at_most(request, model_max, open_output_tokens)
    input_tokens = input_tokens_at_most(request, context_window, image_tokens, tools, output_tokens)
    return cost_at_most(input_tokens, output_tokens, agreed) + tools.cost_at_most(agreed.tool_basis_points)


def _is_open_ended(part: Image | Document | Audio) -> bool:
    """True for a part without a bound: a document is read as text and as images, what is remote has an unknown length,
    and a video that stands still has seconds of 290 tokens in a few bytes.

    Inline sound that could not be measured counts as its bytes, which are far more than 32 tokens a second.
    """
    if not isinstance(part, Audio):
        return isinstance(part, Document)
    return not isinstance(part.source, InlineMedia) or part.source.media_type.startswith("video/")


def _inline_bytes(picture: Image) -> int:
    return len(picture.source.data_base64) if isinstance(picture.source, InlineMedia) else 0
