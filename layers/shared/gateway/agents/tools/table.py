"""Table of the tools: a row for each, whose file has all the rest."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.agents.records import Spec
from gateway.agents.tools import (
    generate_image,
    list_models,
    mcp,
    memory,
    python_exec,
    rag_search,
    spawn_agent,
    web_search,
)
from gateway.agents.tools.tool import Offer, Tool

ROWS: tuple[Tool, ...] = (
    rag_search.TOOL,
    list_models.TOOL,
    web_search.TOOL,
    generate_image.TOOL,
    python_exec.TOOL,
    memory.READ,
    memory.WRITE,
    spawn_agent.TOOL,
)
NAMES = frozenset(tool.name for tool in ROWS)


def offered(spec: Spec, rows: Sequence[Tool] = ROWS) -> list[Tool]:
    """The tools that a run is offered: those that it enables, without those that it was told it is not offered."""
    own = [tool for tool in rows if tool.name in spec.tools and tool.name not in spec.not_offered]
    return own + [mcp.row(name, described) for name, described in spec.mcp.items()]


def not_offered(names: Sequence[str], offer: Offer) -> dict[str, str]:
    """Why tools that a run enables are not offered to it, by their names."""
    found = {tool.name: tool.unavailable(offer) for tool in ROWS if tool.name in names}
    return {name: why for name, why in found.items() if why is not None}
