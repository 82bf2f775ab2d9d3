"""Tools as Converse's `toolConfig`, and what the model's own fields say of them.

The wire refuses a conversation that holds calls where no tool is offered (field case G3): tools that were called before
and are not offered now, or not to be used, are offered by name with a word that they are gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from gateway.canonical.parts import Message, ToolCall
from gateway.canonical.request import NOTHING, ChatRequest, Tool, ToolChoice, bridged_tools
from gateway.protocols.bedrock_converse.encode_messages import encode_cache_point
from gateway.protocols.bedrock_converse.families import Family
from gateway.protocols.shared.inexpressible import inexpressible_parameter

_GONE = "Called earlier in this conversation and no longer available. Do not call it."
_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


class EncodedTools(Struct, frozen=True):
    """`config` is empty where no tool is offered."""

    config: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    fields: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


def encode_tools(request: ChatRequest, family: Family) -> EncodedTools:
    """The tools that the model may call; raises `InvalidRequest` for one that the wire cannot describe."""
    choice = request.tool_choice
    offered = _offered(bridged_tools(request), choice)
    if not offered:
        gone = _called(request.messages)
        return EncodedTools({"tools": [_spec(Tool(name, _GONE)) for name in gone]} if gone else NOTHING)
    tools: list[Mapping[str, Any]] = []
    for position, tool in offered:
        _check(tool, f"tools[{position}]")
        tools.append(_spec(tool))
        if tool.cache is not None and family.caches_tools:
            tools.append(encode_cache_point(tool.cache, family))
    chosen = {} if choice is None else _choice(choice)
    return EncodedTools({"tools": tools} | chosen, _one_call(request, bool(chosen), family))


def _offered(tools: Sequence[tuple[int, Tool]], choice: ToolChoice | None) -> list[tuple[int, Tool]]:
    """The tools with their places, those only that the caller allows."""
    if choice is not None and choice.mode == "none":
        return []
    allowed = choice.allowed if choice is not None else ()
    return [(position, tool) for position, tool in tools if not allowed or tool.name in allowed]


def _called(messages: Sequence[Message]) -> list[str]:
    """The tools that the conversation has calls of, each once, in order."""
    calls = (part.name for message in messages for part in message.parts if isinstance(part, ToolCall))
    return list(dict.fromkeys(calls))


def _check(tool: Tool, path: str) -> None:
    if tool.builtin is not None:
        raise inexpressible_parameter(path)


def _spec(tool: Tool) -> Mapping[str, Any]:
    """A schema that does not say so is an object's, which is all that the wire takes."""
    schema = _NO_PARAMETERS if tool.parameters is None else {"type": "object", **tool.parameters}
    spec: dict[str, Any] = {"name": tool.name, "inputSchema": {"json": schema}}
    if tool.description:
        spec["description"] = tool.description
    if tool.strict:
        spec["strict"] = True
    return {"toolSpec": spec}


def _choice(choice: ToolChoice) -> dict[str, Any]:
    """The model's own choice is the default, and for some models the only one that may be named."""
    if choice.tool is not None:
        return {"toolChoice": {"tool": {"name": choice.tool}}}
    return {"toolChoice": {"any": {}}} if choice.mode == "required" else {}


def _one_call(request: ChatRequest, is_chosen: bool, family: Family) -> Mapping[str, Any]:
    """One call at a time, which is the model's own field; a choice's type may be told in one place only."""
    if request.parallel_tool_calls is not False:
        return NOTHING
    if family.one_call is None:
        raise inexpressible_parameter("parallel_tool_calls")
    return {"tool_choice": ({} if is_chosen else {"type": "auto"}) | dict(family.one_call)}
