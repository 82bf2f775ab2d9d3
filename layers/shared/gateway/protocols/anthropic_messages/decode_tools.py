"""Tools and the choice among them; what only this wire can say of a tool is kept apart under its path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.request import Tool, ToolChoice
from gateway.protocols.anthropic_messages.decode_messages import decode_cache
from gateway.protocols.shared.document import Node

# What another provider can do without: the tool is there from the start, and its input arrives as it does anyway.
_KNOWN = frozenset(
    {
        "cache_control",
        "defer_loading",
        "description",
        "eager_input_streaming",
        "input_schema",
        "name",
        "strict",
        "type",
    }
)
_DIRECT = ["direct"]
# Searches that a provider makes by itself, for the web and for tools that come late: Cline offers one to any model.
_SPARE = ("tool_search_tool_", "web_fetch_", "web_search_")
# Run by the caller. All others are the provider's, by the catalog's words; one without a word there is not sold.
_RUN_BY_CALLER = ("bash_", "computer_", "memory_", "text_editor_")
WORDS: Mapping[str, str] = {
    "mcp_toolset": "mcp",
    "tool_search_tool_": "tool_search",
    "web_fetch_": "web_fetch",
    "web_search_": "web_search",
}
_USES_MAX = 2**31 - 1


def decode_tools(root: Node) -> tuple[tuple[Tool, ...], dict[str, Any]]:
    """The tools of a request, and the members of them that no other wire is known to express, by their path."""
    tools = root.member("tools")
    unmapped: dict[str, Any] = {}
    return () if tools is None else tuple(_tool(tool, unmapped) for tool in tools.elements()), unmapped


def decode_tool_choice(root: Node) -> ToolChoice | None:
    """Reads the tools that the model may or must call."""
    choice = root.member("tool_choice")
    if choice is None:
        return None
    return _CHOICES[choice.required("type").as_one_of(tuple(_CHOICES))](choice)


def decode_parallel(root: Node) -> bool | None:
    """Reads whether several tools may be called at once, a setting that this wire has inside the choice."""
    choice = root.member("tool_choice")
    disabled = None if choice is None else choice.member("disable_parallel_tool_use")
    return None if disabled is None else not disabled.as_boolean()


def _tool(tool: Node, unmapped: dict[str, Any]) -> Tool:
    """A function, with or without the `type` that clients leave out (field case E6); else the provider's own tool."""
    kind = tool.member("type")
    word = "custom" if kind is None else kind.as_string()
    if word != "custom":
        return _builtin(tool, word)
    for name, value in tool.as_object().items():
        if name not in _KNOWN and value is not None and (name, value) != ("allowed_callers", _DIRECT):
            unmapped[Node(None, tool, name).path] = value
    description, strict = tool.member("description"), tool.member("strict")
    return Tool(
        name=tool.required("name").as_string(minimum=1),
        description=None if description is None else description.as_string(),
        parameters=tool.required("input_schema").as_object(),
        strict=None if strict is None else strict.as_boolean(),
        cache=decode_cache(tool),
    )


def _builtin(tool: Node, word: str) -> Tool:
    run = next((name for prefix, name in WORDS.items() if word.startswith(prefix)), word)
    uses, content = tool.member("max_uses"), tool.member("max_content_tokens")
    return Tool(
        name=word,
        cache=decode_cache(tool),
        builtin=tool.as_object(),
        spare=word.startswith(_SPARE),
        provider_run=None if word.startswith(_RUN_BY_CALLER) else run,
        max_uses=None if uses is None else uses.as_integer(1, _USES_MAX),
        max_content_tokens=None if content is None else content.as_integer(1, _USES_MAX),
    )


_CHOICES: Mapping[str, Callable[[Node], ToolChoice]] = {
    "auto": lambda _: ToolChoice("auto"),
    "any": lambda _: ToolChoice("required"),
    "none": lambda _: ToolChoice("none"),
    "tool": lambda choice: ToolChoice("tool", tool=choice.required("name").as_string(minimum=1)),
}
