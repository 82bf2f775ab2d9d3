"""Names of tools and of their arguments in a target's characters, there and back: in the answer they are the caller's.

A name that the target takes stays. Another one is written in its characters and, where that is too long or another
tool's, told apart by a digest; the same conversation always gets the same names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from gateway.canonical.events import Event, ToolCallStarted
from gateway.canonical.held_arguments import HeldArguments
from gateway.canonical.json_bounds import ExceedsBounds
from gateway.canonical.parts import Part, ToolCall, ToolResult
from gateway.canonical.request import ChatRequest, Tool, ToolChoice
from gateway.canonical.response import ChatResponse
from gateway.framing import json_values
from gateway.providers.constraints.table import Alphabet, Constraints

Names = Mapping[str, str]
Undoing = Callable[[Iterable[Event]], Iterable[Event]]

_DIGEST_CHARACTERS = 8


def _fitted(name: str, alphabet: Alphabet, taken: Iterable[str]) -> str:
    """The name in the characters that are taken; told apart from those in `taken`."""
    if alphabet.takes(name):
        return name
    plain = re.sub(f"[^{alphabet.characters}]", "_", name)
    if not plain or (alphabet.first is not None and not re.match(f"[{alphabet.first}]", plain)):
        plain = f"_{plain}"
    is_short = alphabet.length_max is None or len(plain) <= alphabet.length_max
    if is_short and plain not in taken:
        return plain
    ending = "_" + hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    room = None if alphabet.length_max is None else alphabet.length_max - len(ending)
    return plain[:room] + ending


def names_sent(names: Iterable[str], alphabet: Alphabet | None) -> Names:
    """Maps the names that must change to their replacements."""
    listed = list(dict.fromkeys(names))
    if alphabet is None or all(alphabet.takes(name) for name in listed):
        return {}
    taken = {name for name in listed if alphabet.takes(name)}
    sent: dict[str, str] = {}
    for name in listed:
        if not alphabet.takes(name):
            sent[name] = _fitted(name, alphabet, taken)
            taken.add(sent[name])
    return sent


class Renaming(Struct, frozen=True):
    """The names that one target gets in changed form; `arguments` by the tool's name as the caller has it."""

    tools: Names = field(default_factory=dict)
    arguments: Mapping[str, Names] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.tools or self.arguments)

    def applied(self, request: ChatRequest) -> ChatRequest:
        """The request in the target's names: in tools, choice and history alike."""
        if not self:
            return request
        return replace(
            request,
            tools=tuple(self._tool(tool) for tool in request.tools),
            tool_choice=None if request.tool_choice is None else self._choice(request.tool_choice),
            messages=tuple(
                replace(message, parts=tuple(self._part(part) for part in message.parts))
                for message in request.messages
            ),
        )

    def undone(self, response: ChatResponse) -> ChatResponse:
        """A whole answer in the caller's names."""
        if not self:
            return response
        back = _Back(self)
        choices = (
            replace(choice, parts=tuple(back.part(part) for part in choice.parts)) for choice in response.choices
        )
        return replace(response, choices=tuple(choices))

    def undoing(self) -> Undoing:
        """Returns a function that puts a stream's events in the caller's names.

        Arguments are held until they are whole where some have other names.
        """
        return _Undoing(self).events if self else _unchanged

    def _tool(self, tool: Tool) -> Tool:
        if tool.builtin is not None:
            return tool
        names = self.arguments.get(tool.name)
        parameters = tool.parameters if names is None or tool.parameters is None else dict(tool.parameters)
        if names is not None and isinstance(parameters, dict):
            members = parameters.get("properties") or {}
            parameters["properties"] = {names.get(name, name): value for name, value in members.items()}
            if isinstance(parameters.get("required"), list):
                parameters["required"] = [names.get(name, name) for name in parameters["required"]]
        return replace(tool, name=self.tools.get(tool.name, tool.name), parameters=parameters)

    def _choice(self, choice: ToolChoice) -> ToolChoice:
        tool = None if choice.tool is None else self.tools.get(choice.tool, choice.tool)
        return replace(choice, tool=tool, allowed=tuple(self.tools.get(name, name) for name in choice.allowed))

    def _part(self, part: Part) -> Part:
        match part:
            case ToolCall(name=name, arguments=arguments):
                written = _renamed_members(arguments, self.arguments.get(name, {}))
                return replace(part, name=self.tools.get(name, name), arguments=written)
            case ToolResult(name=str() as name):
                return replace(part, name=self.tools.get(name, name))
            case _:
                return part


def renamed(request: ChatRequest, limits: Constraints) -> Renaming:
    """Finds the names that must change on the way to a target."""
    return Renaming(names_sent(_tool_names(request), limits.tool_name), _argument_names(request, limits.argument_name))


def _tool_names(request: ChatRequest) -> Iterator[str]:
    yield from (tool.name for tool in request.tools if tool.builtin is None)
    for message in request.messages:
        yield from (part.name for part in message.parts if isinstance(part, ToolCall))


def _argument_names(request: ChatRequest, alphabet: Alphabet | None) -> Mapping[str, Names]:
    if alphabet is None:
        return {}
    members = {
        tool.name: tool.parameters.get("properties")
        for tool in request.tools
        if tool.builtin is None and tool.parameters
    }
    mapped = {tool: names_sent(names, alphabet) for tool, names in members.items() if isinstance(names, Mapping)}
    return {tool: names for tool, names in mapped.items() if names}


def _unchanged(events: Iterable[Event]) -> Iterable[Event]:
    return events


def _renamed_members(arguments: str, names: Names) -> str:
    """Arguments with members of other names; what is no object stays as it was written."""
    if not names:
        return arguments
    try:
        written = json_values.loads(arguments.encode())
    except (orjson.JSONDecodeError, ExceedsBounds):
        return arguments
    if not isinstance(written, dict) or not names.keys() & written.keys():
        return arguments
    return orjson.dumps({names.get(name, name): value for name, value in written.items()}).decode()


class _Back:
    """The caller's names by the target's."""

    def __init__(self, renaming: Renaming) -> None:
        self._tools = {sent: asked for asked, sent in renaming.tools.items()}
        self._arguments = {
            tool: {sent: asked for asked, sent in names.items()} for tool, names in renaming.arguments.items()
        }

    def tool(self, name: str) -> str:
        """A tool's name as the caller has it."""
        return self._tools.get(name, name)

    def arguments_of(self, tool: str) -> Names:
        """The members that a tool of the caller's has under other names."""
        return self._arguments.get(tool, {})

    def part(self, part: Part) -> Part:
        """A part of an answer in the caller's names."""
        if not isinstance(part, ToolCall):
            return part
        name = self.tool(part.name)
        return replace(part, name=name, arguments=_renamed_members(part.arguments, self.arguments_of(name)))


class _Undoing:
    def __init__(self, renaming: Renaming) -> None:
        self._back = _Back(renaming)
        self._held = HeldArguments()

    def events(self, events: Iterable[Event]) -> Iterable[Event]:
        """The events in the caller's names."""
        return (undone for event in events for undone in self._undone(event))

    def _undone(self, event: Event) -> Iterator[Event]:
        match event:
            case ToolCallStarted(name=name):
                asked = self._back.tool(name)
                names = self._back.arguments_of(asked)
                if names:
                    self._held.hold(event, partial(_renamed_members, names=names))
                yield replace(event, name=asked)
            case _:
                yield from self._held.passed(event)
