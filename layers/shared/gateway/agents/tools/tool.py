"""Interface of a tool: what the model is told of it, what it may cost and take, and the function that does it.

A tool is one file with one `TOOL`, and one row in `table.py`. What it returns is data for the model: it gains no tool
and no right by it. Its arguments come from a model, so it reads them as a stranger's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from gateway.agents.calls import Calls, Paid
from gateway.canonical.money import NanoUsd
from gateway.ports.clock import Clock
from gateway.ports.mcp import NO_MEMBERS, McpCalls, McpTool
from gateway.ports.memories import Memories
from gateway.ports.sandbox import Sandbox
from gateway.ports.searches import Searches

MCP, SEPARATOR = "mcp:", "__"

Arguments: TypeAlias = Mapping[str, Any]


class ModelRows(Protocol):
    """The models that the run's key may use, as `GET /v1/models` lists them."""

    async def rows(self) -> Sequence[Mapping[str, Any]]: ...


def no_search(_: str) -> str | None:
    """Says of every model that it has no search of its own."""
    return None


class Outside(Struct, frozen=True):
    """Ports of what tools reach beside the gateway's own families.

    `searches` is the operator's search API. `own_search` names the family by which a model searches the web itself.
    """

    sandbox: Sandbox
    searches: Searches | None = None
    own_search: Callable[[str], str | None] = no_search
    mcp: McpCalls | None = None


class Work(Struct, frozen=True):
    """Everything that a call of a tool may use. Its scope is the run's own account: no argument can widen it.

    `call_id` is the same in each try of one call: with it a side effect is named, so that it happens once. `paid`
    collects the paid calls, whose costs are the run's, and `shared` those that all calls of the run share. `remembered`
    is what the call writes to the memory of the run.
    """

    run_id: str
    account_id: str
    call_id: str
    model: str
    documents: Sequence[str]
    memory: Mapping[str, str]
    remembered: dict[str, str]
    calls: Calls
    memories: Memories
    models: ModelRows
    outside: Outside
    clock: Clock
    paid: list[Paid]
    shared: dict[str, Paid]

    async def ask(self, family: str, body: bytes, part: str) -> bytes:
        """The answer to a paid call; `part` names it within this call of the tool."""
        paid = await self.calls.ask(family, body, f"{self.call_id}/{part}")
        self.paid.append(paid)
        return paid.body

    async def ask_once_a_run(self, family: str, body: bytes, part: str) -> bytes:
        """The answer to a paid call that all calls of the run share."""
        self.shared[part] = paid = await self.calls.ask(family, body, part)
        return paid.body


class ToolRefused(Exception):
    """Reports to the model that a call cannot be done, in words that it can act on."""


Availability: TypeAlias = Callable[["Offer"], str | None]


class Offer(Struct, frozen=True):
    """The circumstances by which a tool is offered or not."""

    documents: Sequence[str] = ()
    has_search: bool = False
    mcp: Mapping[str, McpTool] = NO_MEMBERS


def always(_: Offer) -> str | None:
    """Offers the tool to every run."""
    return None


class Tool(Struct, frozen=True):
    """One tool. `parameters` is the JSON Schema of its arguments; `price` says in words what a call costs.

    A call that takes longer than `time_limit_s` has failed; of its result the model sees `result_characters_max`.
    `unavailable` says why a run is not offered it, or nothing.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Callable[[Work, Arguments], Awaitable[str]]
    price: str = "free"
    time_limit_s: float = 30.0
    result_characters_max: int = 16_000
    has_side_effect: bool = False
    unavailable: Availability = always

    @property
    def definition(self) -> Mapping[str, Any]:
        """The tool as a chat request offers it."""
        function = {
            "name": name_in_calls(self.name),
            "description": self.description,
            "parameters": dict(self.parameters),
        }
        return {"type": "function", "function": function}


def name_in_calls(name: str) -> str:
    """The name under which a model calls a tool: functions' names have no colons."""
    return name.replace(":", SEPARATOR, 2) if name.startswith(MCP) else name


def name_called(name: str) -> str:
    """The tool that a model calls by a name."""
    return name.replace(SEPARATOR, ":", 2) if name.startswith(f"mcp{SEPARATOR}") else name


def text_of(arguments: Arguments, name: str, *, characters_max: int, default: str | None = None) -> str:
    """A text among the arguments; raises `ToolRefused` where it is missing, empty or too long."""
    value = arguments.get(name, default)
    if not isinstance(value, str) or not value:
        raise ToolRefused(f"The argument '{name}' should be a text.")
    if len(value) > characters_max:
        raise ToolRefused(f"The argument '{name}' is longer than {characters_max} characters.")
    return value


def number_of(arguments: Arguments, name: str, *, default: int, lowest: int, highest: int) -> int:
    """A whole number among the arguments, within its bounds; raises `ToolRefused` for what is none."""
    value = arguments.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ToolRefused(f"The argument '{name}' should be a whole number.")
    return min(max(value, lowest), highest)


def cost_of(paid: Sequence[Paid]) -> NanoUsd:
    """The sum of what paid calls cost."""
    return sum(each.cost_nanousd for each in paid)
