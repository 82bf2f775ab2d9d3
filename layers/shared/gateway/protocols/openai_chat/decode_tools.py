"""Tools and the choice among them, in today's members and in the deprecated `functions` and `function_call`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.canonical.request import Tool, ToolChoice
from gateway.framing.document import Node

_TOOLS_MAX = 128
_NAME_CHARACTERS_MAX = 64
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
    """Which tools the model may or must call."""
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
        return Tool(name=name, builtin=tool.as_object())
    return _function(tool.required("function") if function is None else function)


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
