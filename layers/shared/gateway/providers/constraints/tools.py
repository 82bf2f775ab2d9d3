"""Tools as a target takes them: so many, of one name each, with a description and a schema that fit."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from gateway.canonical.parts import ToolCall
from gateway.canonical.request import ChatRequest, Tool, ToolChoice
from gateway.errors import InvalidRequest
from gateway.providers.constraints.enforced import enforceable
from gateway.providers.constraints.refusals import refuse
from gateway.providers.constraints.schemas import fit_root, is_closed, is_objects, with_items
from gateway.providers.constraints.table import Constraints


def fit_tools(request: ChatRequest, limits: Constraints) -> ChatRequest:
    """The request with tools that the target takes."""
    if not request.tools:
        return request
    request = _chosen(request, limits)
    fitting = request if limits.tool_names_repeat else _with_unique_names(request)
    tools = (_described(tool, limits) for tool in fitting.tools)
    fitting = replace(fitting, tools=tuple(_tool(request, at, tool, limits) for at, tool in enumerate(tools)))
    return _fewer(fitting, limits)


def _chosen(request: ChatRequest, limits: Constraints) -> ChatRequest:
    """The request with a choice that the target knows, the model's own in the place of another one.

    Where calls cannot be forbidden, the tools are left out.
    """
    choice = request.tool_choice
    if choice is None or choice.mode not in limits.tool_choices_refused:
        return request
    refuse(request, "tool_choice", f"this model's provider does not know '{choice.mode}'")
    if choice.mode == "none":
        return replace(request, tools=(), tool_choice=None)
    return replace(request, tool_choice=ToolChoice("auto"))


def _fewer(request: ChatRequest, limits: Constraints) -> ChatRequest:
    """The first tools, and of those behind them the ones that the caller names or that were called before."""
    most = limits.tools_max
    if most is None or len(request.tools) <= most:
        return request
    refuse(request, "tools", f"this model's provider takes at most {most} tools")
    choice = request.tool_choice
    named = {choice.tool, *choice.allowed} if choice is not None else set[str | None]()
    called = {part.name for message in request.messages for part in message.parts if isinstance(part, ToolCall)}
    places = sorted(range(len(request.tools)), key=lambda at: _rank(request.tools[at].name, named, called))
    kept = sorted(places[:most])
    return replace(request, tools=tuple(request.tools[at] for at in kept))


def _rank(name: str, named: set[str | None], called: set[str]) -> int:
    return 0 if name in named else 1 if name in called else 2


def _described(tool: Tool, limits: Constraints) -> Tool:
    """A tool whose schema says what its description has no room for."""
    most, said = limits.tool_description_max, tool.description or ""
    if most is None or len(said) <= most or tool.builtin is not None or tool.free_text is not None:
        return tool
    schema: dict[str, Any] = dict(tool.parameters or {"type": "object", "properties": {}})
    schema["description"] = "\n\n".join(filter(None, (said[most:], schema.get("description"))))
    return replace(tool, description=said[:most], parameters=schema)


def _with_unique_names(request: ChatRequest) -> ChatRequest:
    """The first tool of each name, as when two servers of tools offer one; another one of the name would be lost."""
    first: dict[str, Tool] = {}
    kept: list[Tool] = []
    for place, tool in enumerate(request.tools):
        if tool.builtin is not None or tool.name not in first:
            first[tool.name] = tool
            kept.append(tool)
        elif first[tool.name] != tool:
            refuse(request, f"tools[{place}]", "this model's provider takes one tool of a name")
    return request if len(kept) == len(request.tools) else replace(request, tools=tuple(kept))


def _tool(request: ChatRequest, place: int, tool: Tool, limits: Constraints) -> Tool:
    """A tool with a schema that may stand at the root of one."""
    if tool.builtin is not None or tool.free_text is not None or (tool.parameters is None and not tool.strict):
        return tool
    path = f"tools[{place}]"
    given = tool.parameters or {}
    if not is_objects(given):
        raise InvalidRequest(f"Invalid '{path}': a tool's schema is an object's.", param=path, code="invalid_schema")
    schema, is_less = fit_root(given, limits)
    schema = schema if limits.arrays_without_items else with_items(schema)
    strict = tool.strict
    if strict and not limits.tool_root_only:
        schema, tells_more = enforceable(schema, limits)
        is_less = is_less or tells_more
    if is_less:
        refuse(request, path, "this model's provider cannot hold a call to all of its schema")
    if strict and limits.strict_schemas_closed and not is_closed(schema):
        refuse(request, path, "this model's provider is strict with closed schemas only")
        strict = None
    fits = schema is tool.parameters and strict is tool.strict
    return tool if fits else replace(tool, parameters=schema, strict=strict)
