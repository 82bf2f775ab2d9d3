"""Tools and the choice among them.

https://ai.google.dev/api/caching#Tool and https://ai.google.dev/api/caching#ToolConfig.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.request import Tool, ToolChoice
from gateway.protocols.gemini.names import camel, member, others, required, string, word
from gateway.protocols.gemini.schema import from_openapi
from gateway.protocols.shared.document import Node

_FUNCTIONS_MAX = 512
_DECLARED = frozenset({"name", "description", "parameters", "parametersJsonSchema"})
# What a function answers is told to the model by its response; how arguments are streamed changes no argument.
_WITHOUT_EFFECT = frozenset({"response", "responseJsonSchema"})
_BLOCKING = ("UNSPECIFIED", "BLOCKING")
# Searches that a provider makes by itself: agents offer them beside their functions to any model.
_SPARE = frozenset({"enterpriseWebSearch", "googleSearch", "googleSearchRetrieval", "urlContext"})
# Run by the caller. All others are the provider's, by the catalog's words; one without a word there is not sold.
_RUN_BY_CALLER = frozenset({"computerUse"})
WORDS: Mapping[str, str] = {
    "codeExecution": "code_execution",
    "googleMaps": "google_maps",
    "googleSearch": "google_search",
    "urlContext": "url_context",
}


def decode_tools(root: Node) -> tuple[tuple[Tool, ...], dict[str, Any]]:
    """The tools, and the members of functions that no other wire is known to express, by their path."""
    tools = member(root, "tools")
    unmapped: dict[str, Any] = {}
    if tools is None:
        return (), unmapped
    return tuple(tool for node in tools.elements() for tool in _tools(node, unmapped)), unmapped


def decode_tool_choice(root: Node) -> tuple[ToolChoice | None, dict[str, Any]]:
    """Reads the functions that the model may or must call, and the members that only this wire has."""
    config = member(root, "toolConfig")
    if config is None:
        return None, {}
    unmapped = {extra.path: extra.value for extra in others(config, {"functionCallingConfig"}) if extra.value}
    calling = member(config, "functionCallingConfig")
    if calling is None:
        return None, unmapped
    mode = word(calling, "mode", tuple(_MODES)) or "AUTO"
    names = member(calling, "allowedFunctionNames")
    allowed = () if names is None else tuple(name.as_string(minimum=1) for name in names.elements())
    return _MODES[mode](allowed), unmapped


def _required(allowed: tuple[str, ...]) -> ToolChoice:
    return ToolChoice("tool", tool=allowed[0]) if len(allowed) == 1 else ToolChoice("required", allowed=allowed)


_MODES: Mapping[str, Callable[[tuple[str, ...]], ToolChoice]] = {
    "AUTO": lambda _: ToolChoice("auto"),
    "ANY": _required,
    "NONE": lambda _: ToolChoice("none"),
    "VALIDATED": lambda allowed: ToolChoice("auto", allowed=allowed),
    "MODE_UNSPECIFIED": lambda _: ToolChoice("auto"),
}


def _tools(node: Node, unmapped: dict[str, Any]) -> list[Tool]:
    """One entry holds any number of functions and of the provider's own tools."""
    functions = member(node, "functionDeclarations")
    listed = [] if functions is None else functions.elements(0, _FUNCTIONS_MAX)
    declared = [_function(function, unmapped) for function in listed]
    own = [name for name in node.as_object() if camel(name) != "functionDeclarations"]
    return declared + [
        Tool(
            camel(name),
            builtin={name: node.value[name]},
            spare=camel(name) in _SPARE,
            provider_run=None if camel(name) in _RUN_BY_CALLER else WORDS.get(camel(name), camel(name)),
        )
        for name in own
        if node.value[name] is not None
    ]


def _function(node: Node, unmapped: dict[str, Any]) -> Tool:
    for extra in others(node, _DECLARED | _WITHOUT_EFFECT):
        if extra.value not in _BLOCKING:
            unmapped[extra.path] = extra.value
    return Tool(
        name=required(node, "name").as_string(minimum=1),
        description=string(node, "description"),
        parameters=_parameters(node),
    )


def _parameters(node: Node) -> dict[str, Any] | None:
    whole, subset = member(node, "parametersJsonSchema"), member(node, "parameters")
    if whole is not None:
        if subset is not None:
            raise whole.error("Only one of 'parameters' and 'parametersJsonSchema' can be set.")
        return whole.as_object()
    if subset is None:
        return None
    converted: dict[str, Any] = from_openapi(subset.as_object(), subset.path)
    return converted
