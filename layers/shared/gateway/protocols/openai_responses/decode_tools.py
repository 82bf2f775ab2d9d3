"""Tools and the choice among them; a namespace's tools are qualified by its name, so that every wire can carry them.

https://platform.openai.com/docs/api-reference/responses/create#responses-create-tools
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from gateway.canonical.request import Tool, ToolChoice
from gateway.framing.document import Node

_NAME_CHARACTERS_MAX = 128
_MODES = ("none", "auto", "required")
_EITHER = "one of a string or an object"
_ANY_TEXT = {"type": "text"}
# A search that a provider makes by itself, and one for tools that come late: Codex offers them to any model.
_SPARE = frozenset(
    {
        "tool_search",
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
    }
)

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


def decode_tool_choice(root: Node, unmapped: Unmapped) -> ToolChoice | None:
    """Which tools the model may or must call; a choice of the provider's own tools goes to `unmapped`."""
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
        inner = [found for node in tool.required("tools").elements() for found in _tools(node, unmapped)]
        return [_qualified(found, namespace) for found in inner]
    if kind == "custom":
        return [_custom(tool)]
    if kind != "function":
        return [Tool(name=kind, builtin=tool.as_object(), spare=kind in _SPARE)]
    return [_function(tool, unmapped)]


def _qualified(tool: Tool, namespace: str) -> Tool:
    if tool.builtin is not None:
        return tool
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
    """A name as OpenAI allows it: letters, digits, underscores and dashes."""
    node = holder.required("name")
    name = node.as_string(1, _NAME_CHARACTERS_MAX)
    if not (name.isascii() and name.replace("_", "a").replace("-", "a").isalnum()):
        raise node.error(
            f"Invalid '{node.path}': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        )
    return name


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
