"""Refusals under `provider.require_parameters`, which name the member that the caller wrote."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.canonical.request import ChatRequest
from gateway.errors import InvalidRequest
from gateway.protocols.shared.inexpressible import inexpressible_parameter

_GENERATION = "generationConfig"
_THINKING = f"{_GENERATION}.thinkingConfig"
# By wire, where a parameter has another name there than in the canonical request.
_NAMES: Mapping[str, Mapping[str, str]] = {
    "openai_chat": {"max_output_tokens": "max_tokens", "effort": "reasoning_effort"},
    "openai_completions": {"max_output_tokens": "max_tokens"},
    "openai_responses": {
        "effort": "reasoning.effort",
        "response_format": "text.format",
    },
    "anthropic_messages": {
        "max_output_tokens": "max_tokens",
        "effort": "output_config.effort",
        "budget_tokens": "thinking.budget_tokens",
        "thinking": "thinking",
        "response_format": "output_config.format",
        "stop": "stop_sequences",
        "user": "metadata.user_id",
        "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    },
    "gemini": {
        "max_output_tokens": f"{_GENERATION}.maxOutputTokens",
        "effort": f"{_THINKING}.thinkingLevel",
        "budget_tokens": f"{_THINKING}.thinkingBudget",
        "thinking": _THINKING,
        "response_format": f"{_GENERATION}.responseMimeType",
        "stop": f"{_GENERATION}.stopSequences",
        "temperature": f"{_GENERATION}.temperature",
        "top_k": f"{_GENERATION}.topK",
        "seed": f"{_GENERATION}.seed",
        "presence_penalty": f"{_GENERATION}.presencePenalty",
        "frequency_penalty": f"{_GENERATION}.frequencyPenalty",
    },
}
_NEWER_BOUND = "max_completion_tokens"


def member_of(request: ChatRequest, parameter: str) -> str:
    """The path of a parameter as the caller of `request` wrote it."""
    if parameter == "max_output_tokens" and f'"{_NEWER_BOUND}"'.encode() in request.source:
        return _NEWER_BOUND
    return _NAMES.get(request.protocol, {}).get(parameter, parameter)


def refuse(request: ChatRequest, parameter: str, taken: str) -> None:
    """Raises where the caller requires every parameter; else the parameter is shaped to fit.

    `taken` says what the target takes in the place of what was asked.
    """
    if request.routing.require_parameters:
        path = member_of(request, parameter)
        raise InvalidRequest(f"Invalid '{path}': {taken}.", param=path, code="unsupported_value")


def refuse_unknown(request: ChatRequest, parameter: str) -> None:
    """Raises where the caller requires every parameter; else the one that the target does not know is left out."""
    if request.routing.require_parameters:
        raise inexpressible_parameter(member_of(request, parameter))
