"""Custom tools, which take free text (OpenAI), for models that know functions only: the text is the member `input`.

On the way out a custom tool becomes a function with that one member, and its calls of before likewise; on the way back
the member's text is what the tool was called with. https://platform.openai.com/docs/guides/function-calling#custom-tools
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import orjson

from gateway.canonical.events import Event, Finished, ToolCallDelta, ToolCallStarted
from gateway.canonical.parts import Message, Part, ToolCall
from gateway.canonical.request import ChatRequest, Tool
from gateway.canonical.response import ChatResponse

TEXT = "input"


def in_functions(request: ChatRequest) -> ChatRequest:
    """The request with functions in the place of custom tools."""
    tools = tuple(_function(tool) for tool in request.tools)
    messages = tuple(_with_functions(message) for message in request.messages)
    return replace(request, tools=tools, messages=messages)


def freed(response: ChatResponse, tools: Iterable[Tool]) -> ChatResponse:
    """The answer with the custom tools among `tools` called as such."""
    custom = _custom_names(tools)
    if not custom:
        return response
    choices = (
        replace(choice, parts=tuple(_freed_part(part, custom) for part in choice.parts)) for choice in response.choices
    )
    return replace(response, choices=tuple(choices))


@dataclass(slots=True)
class _Held:
    """The arguments of a call that are not whole yet."""

    part: int
    pieces: list[str] = field(default_factory=list)


class Freeing:
    """The same of a stream: what a custom tool is called with is held until it is whole."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._custom = _custom_names(tools)
        self._held: dict[tuple[int, int], _Held] = {}

    def events(self, events: Iterable[Event]) -> Iterable[Event]:
        """The events with custom tools called as such."""
        return (freed for event in events for freed in self._freed(event)) if self._custom else events

    def _freed(self, event: Event) -> Iterator[Event]:
        match event:
            case ToolCallStarted(name=name, custom=False) if name in self._custom:
                self._held[event.choice, event.index] = _Held(event.part)
                yield replace(event, custom=True)
            case ToolCallDelta() if (event.choice, event.index) in self._held:
                self._held[event.choice, event.index].pieces.append(event.arguments)
            case Finished(choice=choice):
                yield from self._whole(choice)
                yield event
            case _:
                yield event

    def _whole(self, choice: int) -> Iterator[Event]:
        for place in [place for place in self._held if place[0] == choice]:
            held = self._held.pop(place)
            yield ToolCallDelta(_free_text("".join(held.pieces)), place[1], held.part, choice)


def _custom_names(tools: Iterable[Tool]) -> frozenset[str]:
    return frozenset(tool.name for tool in tools if tool.free_text is not None)


def _function(tool: Tool) -> Tool:
    """A function whose description tells what a grammar would have enforced."""
    if tool.free_text is None:
        return tool
    told = [] if tool.description is None else [tool.description]
    definition = tool.free_text.get("definition")
    if definition:
        told.append(f"`{TEXT}` must match this {tool.free_text.get('syntax')} grammar:\n{definition}")
    schema = {"type": "object", "properties": {TEXT: {"type": "string"}}, "required": [TEXT]}
    return Tool(tool.name, "\n\n".join(told) or None, schema)


def _with_functions(message: Message) -> Message:
    return replace(message, parts=tuple(_function_call(part) for part in message.parts))


def _function_call(part: Part) -> Part:
    if isinstance(part, ToolCall) and part.custom:
        return replace(part, arguments=orjson.dumps({TEXT: part.arguments}).decode(), custom=False)
    return part


def _freed_part(part: Part, custom: frozenset[str]) -> Part:
    if isinstance(part, ToolCall) and not part.custom and part.name in custom:
        return replace(part, arguments=_free_text(part.arguments), custom=True)
    return part


def _free_text(arguments: str) -> str:
    """The text; where the model kept to no schema, all that it wrote."""
    try:
        written = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    text = written.get(TEXT) if isinstance(written, dict) else None
    return text if isinstance(text, str) else arguments
