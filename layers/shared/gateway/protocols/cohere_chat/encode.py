"""A canonical request as Cohere's body. No caller speaks this wire, so the body is always built anew.

https://docs.cohere.com/reference/chat. What it cannot express is refused by name. Mappings, each with a test: one tool
that must be called is the only one offered; tools are strict where every one of them is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.canonical.reasoning import budget_of
from gateway.canonical.request import ChatRequest, OutputFormat, Reasoning, Tool, bridged_tools, unbridged
from gateway.canonical.target import Profile, Target
from gateway.protocols.cohere_chat.encode_messages import encode_messages
from gateway.protocols.shared.inexpressible import inexpressible_parameter

_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}
_CHOICES = {"required": "REQUIRED", "tool": "REQUIRED", "none": "NONE"}
# The most that `p` may be; at 1 nothing is left out, which is as good as this.
_P_MAX = 0.99


def encode_request(request: ChatRequest, target: Target) -> bytes:
    """The body for `target`; raises `InvalidRequest` naming what the wire or the model cannot take."""
    for path in unbridged(request):
        raise inexpressible_parameter(path)
    if request.choices > 1:
        raise inexpressible_parameter("n")
    body: dict[str, Any] = {"model": target.model, "messages": encode_messages(request.messages)}
    body["stream"] = request.stream
    body |= _sampling(request, target.profile)
    body |= _tools(request)
    body |= _given({"response_format": _format(request.output_format)})
    body |= _given({"thinking": _thinking(request.reasoning, target.profile)})
    return orjson.dumps(body)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _sampling(request: ChatRequest, profile: Profile) -> dict[str, Any]:
    sampling = request.sampling
    top_p = None if sampling.top_p is None else min(sampling.top_p, _P_MAX)
    return _given(
        {
            "max_tokens": request.max_output_tokens,
            "temperature": None if profile.fixed_sampling else sampling.temperature,
            "p": None if profile.fixed_sampling else top_p,
            "k": sampling.top_k,
            "seed": sampling.seed,
            "stop_sequences": list(sampling.stop) or None,
            "presence_penalty": sampling.presence_penalty,
            "frequency_penalty": sampling.frequency_penalty,
        }
    )


def _tools(request: ChatRequest) -> dict[str, Any]:
    choice = request.tool_choice
    tools = bridged_tools(request)
    if choice is not None:
        named = {choice.tool} if choice.tool is not None else {*choice.allowed}
        tools = [(place, tool) for place, tool in tools if not named or tool.name in named]
    if not tools:
        return {}
    mode = None if choice is None else _CHOICES.get(choice.mode)
    strict = True if all(tool.strict for _, tool in tools) else None
    return {"tools": _encoded(tools)} | _given({"tool_choice": mode, "strict_tools": strict})


def _encoded(tools: Sequence[tuple[int, Tool]]) -> list[dict[str, Any]]:
    encoded = []
    for place, tool in tools:
        if tool.builtin is not None:
            raise inexpressible_parameter(f"tools[{place}]")
        function = {"name": tool.name, "parameters": tool.parameters or _NO_PARAMETERS}
        encoded.append({"type": "function", "function": function | _given({"description": tool.description})})
    return encoded


def _format(wanted: OutputFormat | None) -> dict[str, Any] | None:
    """JSON of any kind, or by a schema; the wire knows neither a name nor a description of one."""
    if wanted is None or wanted.kind == "text":
        return None
    return {"type": "json_object"} | _given({"schema": wanted.schema})


def _thinking(reasoning: Reasoning | None, profile: Profile) -> dict[str, Any] | None:
    """https://docs.cohere.com/docs/reasoning: on or off, with a bound of tokens."""
    if reasoning is None or profile.thinking == "none":
        return None
    if reasoning.disabled or reasoning.effort == "none":
        return {"type": "disabled"}
    budget = reasoning.budget_tokens
    if budget is None and reasoning.effort is not None:
        budget = budget_of(reasoning.effort)
    return {"type": "enabled"} | _given({"token_budget": budget})
