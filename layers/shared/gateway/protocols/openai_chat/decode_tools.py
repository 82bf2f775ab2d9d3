"""Tools and the choice among them, in today's members and in the deprecated `functions` and `function_call`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from gateway.canonical.request import Tool, ToolChoice
from gateway.protocols.openai_chat.decode_messages import decode_cache
from gateway.protocols.shared.document import Node

_TOOLS_MAX = 128
_MODES = ("none", "auto", "required")
_EITHER = "one of a string or an object"
_ANY_TEXT = {"type": "text"}


def decode_tools(root: Node) -> tuple[Tool, ...]:
    """The tools of a request, `functions` among them."""
    tools, functions = root.member("tools"), root.member("functions")
    declared = () if tools is None else tuple(_tool(tool) for tool in tools.elements(0, _TOOLS_MAX))
    if functions is None:
        return declared
    return declared + tuple(_function(function) for function in functions.elements(1, _TOOLS_MAX))


def decode_tool_choice(root: Node) -> ToolChoice | None:
    """Reads the tools that the model may or must call."""
    choice, older = root.member("tool_choice"), root.member("function_call")
    if choice is not None:
        return _mode(choice) if isinstance(choice.value, str) else _object_choice(choice)
    if older is None:
        return None
    return _mode(older) if isinstance(older.value, str) else ToolChoice("tool", tool=_name(older))


def _tool(tool: Node) -> Tool:
    """A function, with or without the `type` that some clients leave out; a custom tool; or the provider's own."""
    function = tool.member("function")
    kind = tool.member("type")
    name = "function" if kind is None else kind.as_string()
    if name == "custom":
        return _custom(tool.required("custom"))
    if name != "function":
        return Tool(name=name, builtin=tool.as_object(), provider_run=name)
    declared = _function(tool.required("function") if function is None else function)
    cache = decode_cache(tool)
    return declared if cache is None else replace(declared, cache=cache)


def _custom(custom: Node) -> Tool:
    """A tool that takes free text; this wire keeps a grammar one level deeper than the Responses API."""
    description, shape = custom.member("description"), custom.member("format")
    grammar = None if shape is None else shape.member("grammar")
    flat = _ANY_TEXT if shape is None else shape.as_object()
    return Tool(
        name=_name(custom),
        description=None if description is None else description.as_string(),
        free_text=flat if grammar is None else {"type": "grammar", **grammar.as_object()},
    )


def _function(function: Node) -> Tool:
    description, parameters = function.member("description"), function.member("parameters")
    strict = function.member("strict")
    return Tool(
        name=_name(function),
        description=None if description is None else description.as_string(),
        parameters=None if parameters is None else parameters.as_object(),
        strict=None if strict is None else strict.as_boolean(),
        cache=decode_cache(function),
    )


def _name(holder: Node) -> str:
    """A name, in any characters: which of them are taken is for the provider to say."""
    return holder.required("name").as_string(minimum=1)


def _mode(choice: Node) -> ToolChoice:
    return _MODE_CHOICES[choice.as_one_of(_MODES)]


_MODE_CHOICES: Mapping[str, ToolChoice] = {
    "none": ToolChoice("none"),
    "auto": ToolChoice("auto"),
    "required": ToolChoice("required"),
}


def _object_choice(choice: Node) -> ToolChoice:
    if not isinstance(choice.value, dict):
        raise choice.wrong_type(_EITHER)
    return _OBJECT_CHOICES[choice.required("type").as_one_of(tuple(_OBJECT_CHOICES))](choice)


def _allowed(choice: Node) -> ToolChoice:
    allowed = choice.required("allowed_tools")
    mode = allowed.required("mode").as_one_of(("auto", "required"))
    names = tuple(_allowed_name(tool) for tool in allowed.required("tools").elements(1, _TOOLS_MAX))
    return ToolChoice("required" if mode == "required" else "auto", allowed=names)


def _allowed_name(tool: Node) -> str:
    """The name where the tool's kind keeps it, or beside the kind, as the Responses API writes it."""
    holder = tool.member(tool.required("type").as_string())
    return _name(tool if holder is None else holder)


_OBJECT_CHOICES: Mapping[str, Callable[[Node], ToolChoice]] = {
    "function": lambda choice: ToolChoice("tool", tool=_name(choice.required("function"))),
    "custom": lambda choice: ToolChoice("tool", tool=_name(choice.required("custom"))),
    "allowed_tools": _allowed,
}
