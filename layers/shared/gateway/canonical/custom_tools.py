"""Custom tools, which take free text (OpenAI), for models that know functions only: the text is the member `input`.

A request's custom tools, and their calls in its history, become functions with that one member. In the answer, the
member's text becomes the custom tool's input. https://platform.openai.com/docs/guides/function-calling#custom-tools
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson
from msgspec.structs import replace

from gateway.canonical.events import Event, ToolCallStarted
from gateway.canonical.held_arguments import HeldArguments
from gateway.canonical.parts import Message, Part, ToolCall
from gateway.canonical.request import ChatRequest, Tool
from gateway.canonical.response import ChatResponse

TEXT = "input"


def as_functions(request: ChatRequest) -> ChatRequest:
    """Replaces custom tools in a request by functions."""
    parts = (part for message in request.messages for part in message.parts)
    if not _custom_names(request.tools) and not any(isinstance(part, ToolCall) and part.custom for part in parts):
        return request
    tools = tuple(_function(tool) for tool in request.tools)
    messages = tuple(_with_functions(message) for message in request.messages)
    return replace(request, tools=tools, messages=messages)


def restore_custom_tools(response: ChatResponse, tools: Iterable[Tool]) -> ChatResponse:
    """Turns an answer's calls of functions back into calls of the custom tools among `tools`."""
    custom = _custom_names(tools)
    if not custom:
        return response
    choices = (
        replace(choice, parts=tuple(_restored_part(part, custom) for part in choice.parts))
        for choice in response.choices
    )
    return replace(response, choices=tuple(choices))


class CustomToolStream:
    """Turns a stream's function calls back into custom tool calls; holds the arguments back until they are complete."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._custom = _custom_names(tools)
        self._held = HeldArguments()

    def events(self, events: Iterable[Event]) -> Iterable[Event]:
        """The events with custom tool calls restored."""
        return (restored for event in events for restored in self._restored(event)) if self._custom else events

    def _restored(self, event: Event) -> Iterator[Event]:
        match event:
            case ToolCallStarted(name=name, custom=False) if name in self._custom:
                self._held.hold(event, _free_text)
                yield replace(event, custom=True)
            case _:
                yield from self._held.passed(event)


def _custom_names(tools: Iterable[Tool]) -> frozenset[str]:
    return frozenset(tool.name for tool in tools if tool.free_text is not None)


def _function(tool: Tool) -> Tool:
    """The function in place of a custom tool; its description states the grammar that the tool would enforce."""
    if tool.free_text is None:
        return tool
    lines = [] if tool.description is None else [tool.description]
    definition = tool.free_text.get("definition")
    if definition:
        lines.append(f"`{TEXT}` must match this {tool.free_text.get('syntax')} grammar:\n{definition}")
    schema = {"type": "object", "properties": {TEXT: {"type": "string"}}, "required": [TEXT]}
    return Tool(tool.name, "\n\n".join(lines) or None, schema)


def _with_functions(message: Message) -> Message:
    return replace(message, parts=tuple(_function_call(part) for part in message.parts))


def _function_call(part: Part) -> Part:
    if isinstance(part, ToolCall) and part.custom:
        return replace(part, arguments=orjson.dumps({TEXT: part.arguments}).decode(), custom=False)
    return part


def _restored_part(part: Part, custom: frozenset[str]) -> Part:
    if isinstance(part, ToolCall) and not part.custom and part.name in custom:
        return replace(part, arguments=_free_text(part.arguments), custom=True)
    return part


def _free_text(arguments: str) -> str:
    """The member's text; if the model did not follow the schema, all that it wrote."""
    try:
        written = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    text = written.get(TEXT) if isinstance(written, dict) else None
    return text if isinstance(text, str) else arguments
