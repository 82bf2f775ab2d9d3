"""Finds the needs of a request: kinds of input, tools, a schema held, and room for the prompt. Pure.

Where several models may serve, one that cannot is left out before another is asked in vain.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from gateway.canonical.chat_models import ChatModel
from gateway.canonical.estimate import estimated_input_tokens
from gateway.canonical.parts import all_parts, input_kind
from gateway.canonical.request import ChatRequest

# English has four bytes and more to a token, so that an estimate of one for three may be too high by half.
_SURELY = 0.6


class Needs(Struct, frozen=True):
    """The needs of one request. `reasons` is true where it asks for reasoning."""

    inputs: frozenset[str]
    capabilities: frozenset[str]
    reasons: bool
    prompt_tokens: int


def needs_of(request: ChatRequest) -> Needs:
    """The needs that a model has to meet to serve the request in full."""
    parts = [part for messages in (request.messages, *request.batch) for part in all_parts(messages)]
    return Needs(
        frozenset(kind for kind in map(input_kind, parts) if kind is not None),
        capabilities_asked(request),
        reasons(request),
        estimated_input_tokens(request),
    )


def capabilities_asked(request: ChatRequest) -> frozenset[str]:
    """The catalog's words for what the request's parameters ask of a model."""
    asked = set()
    choice = request.tool_choice
    if any(tool.builtin is None for tool in request.tools) and (choice is None or choice.mode != "none"):
        asked.add("tools")
    if request.output_format is not None and request.output_format.kind == "schema":
        asked.add("structured_output")
    return frozenset(asked)


def reasons(request: ChatRequest) -> bool:
    """True if the caller asks for reasoning."""
    reasoning = request.reasoning
    if reasoning is None or reasoning.disabled or reasoning.effort == "none":
        return False
    return reasoning.adaptive or reasoning.effort is not None or reasoning.budget_tokens is not None


def lack_of(model: ChatModel, needs: Needs, *, chosen_by_name: bool) -> str | None:
    """Names the need that the model does not meet, in words; nothing where it can serve.

    A model that the caller has `chosen_by_name` is left out only where it surely cannot: what it lacks of other
    things, bridging may make up for.
    """
    missing = needs.inputs - {*model.input_modalities}
    if missing:
        return f"takes no input of kind {_listed(missing)}"
    if needs.prompt_tokens * _SURELY > model.context_window:
        return f"has a context window of {model.context_window} tokens"
    if chosen_by_name:
        return None
    missing = needs.capabilities - {*model.capabilities}
    if missing:
        return f"lacks {_listed(missing)}"
    if needs.prompt_tokens > model.context_window:
        return f"has a context window of {model.context_window} tokens"
    return None


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))
