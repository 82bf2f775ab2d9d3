"""Tools and the choice among them; a namespace's tools are qualified by its name, so that every wire can carry them.

https://platform.openai.com/docs/api-reference/responses/create#responses-create-tools
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from gateway.canonical.request import Tool, ToolChoice
from gateway.protocols.shared.document import Node

_MODES = ("none", "auto", "required")
_EITHER = "one of a string or an object"
_ANY_TEXT = {"type": "text"}
# A search that a provider makes by itself, one for tools that come late, and pictures: Codex offers them to any model.
_SPARE = frozenset(
    {
        "image_generation",
        "tool_search",
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
    }
)
# Run by the caller. All others are the provider's, by the catalog's words; one without a word there is not sold.
_RUN_BY_CALLER = frozenset({"apply_patch", "computer", "computer_use_preview", "local_shell"})
WORDS: Mapping[str, str] = {
    "web_search_2025_08_26": "web_search",
    "web_search_preview_2025_03_11": "web_search_preview",
}

Unmapped = dict[str, Any]


def qualified_name(namespace: str, name: str) -> str:
    """The one name of a tool inside a namespace, for wires without namespaces."""
    return f"{namespace}__{name}"


def namespaced(tools: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Namespace and name by qualified name, of the tools as a request declared them."""
    return {
        qualified_name(tool["name"], inner["name"]): (tool["name"], inner["name"])
        for tool in tools
        if tool.get("type") == "namespace"
        for inner in tool["tools"]
    }


def decode_tools(root: Node, unmapped: Unmapped) -> tuple[Tool, ...]:
    """The tools of a request in order; those of a namespace in its place."""
    tools = root.member("tools")
    if tools is None:
        return ()
    return tuple(decoded for tool in tools.elements() for decoded in _tools(tool, unmapped))


def decode_late_tools(root: Node) -> dict[str, Tool]:
    """The provider's tools that items of the input bring, by their path.

    Other tools of such items are of no account; those that an MCP server lists have no type.
    """
    given = root.member("input")
    if given is None or not isinstance(given.value, list):
        return {}
    brought = [tools for item in given.elements() if (tools := item.member("tools")) is not None]
    typed = [node for tools in brought for node in tools.elements() if node.member("type") is not None]
    return {node.path: tool for node in typed for tool in _tools(node, {}) if tool.provider_run}


def decode_tool_choice(root: Node, unmapped: Unmapped) -> ToolChoice | None:
    """Reads the tools that the model may or must call; a choice of the provider's own tools goes to `unmapped`."""
    choice = root.member("tool_choice")
    if choice is None:
        return None
    if isinstance(choice.value, str):
        return _MODE_CHOICES[choice.as_one_of(_MODES)]
    if not isinstance(choice.value, dict):
        raise choice.wrong_type(_EITHER)
    decode = _OBJECT_CHOICES.get(choice.required("type").as_string())
    decoded = None if decode is None else decode(choice)
    if decoded is None:
        unmapped["tool_choice"] = choice.value
    return decoded


def _tools(tool: Node, unmapped: Unmapped) -> list[Tool]:
    kind = tool.required("type").as_string()
    if kind == "namespace":
        namespace = _name(tool)
        return [_qualified(_within(node, unmapped), namespace) for node in tool.required("tools").elements()]
    if kind == "custom":
        return [_custom(tool)]
    if kind != "function":
        run = None if _is_run_by_caller(tool, kind) else WORDS.get(kind, kind)
        return [Tool(name=kind, builtin=tool.as_object(), spare=kind in _SPARE, provider_run=run)]
    return [_function(tool, unmapped)]


def _is_run_by_caller(tool: Node, kind: str) -> bool:
    """A shell is the caller's own unless it is asked for in a container, and a tool search if the caller answers it."""
    if kind == "shell":
        environment = tool.member("environment")
        return environment is None or environment.required("type").as_string() == "local"
    if kind == "tool_search":
        execution = tool.member("execution")
        return execution is not None and execution.as_string() == "client"
    return kind in _RUN_BY_CALLER


def _within(tool: Node, unmapped: Unmapped) -> Tool:
    """A tool of a namespace."""
    kind = tool.required("type").as_string()
    if kind == "custom":
        return _custom(tool)
    if kind != "function":
        message = f"The tool '{kind}' cannot stand in a namespace, which holds functions and custom tools: offer it in"
        raise tool.error(f"{message} 'tools' itself.", "unsupported_tool")
    return _function(tool, unmapped)


def _qualified(tool: Tool, namespace: str) -> Tool:
    return replace(tool, name=qualified_name(namespace, tool.name))


def _custom(tool: Node) -> Tool:
    """A tool that takes free text."""
    description, shape = tool.member("description"), tool.member("format")
    return Tool(
        name=_name(tool),
        description=None if description is None else description.as_string(),
        free_text=_ANY_TEXT if shape is None else shape.as_object(),
    )


def _function(tool: Node, unmapped: Unmapped) -> Tool:
    """A function. That it may be loaded late, or what it answers, changes nothing about how it is called."""
    description, parameters, strict = tool.member("description"), tool.member("parameters"), tool.member("strict")
    callers = tool.member("allowed_callers")
    if callers is not None and [caller.as_string() for caller in callers.elements()] != ["direct"]:
        unmapped[callers.path] = callers.value
    return Tool(
        name=_name(tool),
        description=None if description is None else description.as_string(),
        parameters=None if parameters is None else parameters.as_object(),
        strict=None if strict is None else strict.as_boolean(),
    )


def _name(holder: Node) -> str:
    """A name, in any characters: which of them are taken is for the provider to say."""
    return holder.required("name").as_string(minimum=1)


def _named(choice: Node) -> ToolChoice:
    namespace, name = choice.member("namespace"), _name(choice)
    return ToolChoice("tool", tool=name if namespace is None else qualified_name(namespace.as_string(), name))


def _allowed(choice: Node) -> ToolChoice | None:
    mode = choice.required("mode").as_one_of(("auto", "required"))
    tools = choice.required("tools").elements(minimum=1)
    if any(tool.required("type").as_string() not in _OBJECT_CHOICES for tool in tools):
        return None
    return ToolChoice("required" if mode == "required" else "auto", allowed=tuple(_name(tool) for tool in tools))


_MODE_CHOICES: Mapping[str, ToolChoice] = {
    "none": ToolChoice("none"),
    "auto": ToolChoice("auto"),
    "required": ToolChoice("required"),
}
_OBJECT_CHOICES: Mapping[str, Callable[[Node], ToolChoice | None]] = {
    "function": _named,
    "custom": _named,
    "allowed_tools": _allowed,
}
