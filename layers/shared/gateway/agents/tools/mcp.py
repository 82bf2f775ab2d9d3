"""Calls tools of the servers that the run's account has registered: `mcp:<server>:<tool>`.

A server describes its tools itself, in a stranger's words, and may do anything when it is called: so every call counts
as a side effect, and no tool is enabled but by its server's name.
"""

from __future__ import annotations

import orjson

from gateway.agents.tools.tool import Arguments, Tool, ToolRefused, Work
from gateway.ports.mcp import McpTool

FAILURE_CHARACTERS_MAX = 4_000
NOT_REGISTERED = "The account has no such tool of an MCP server; see GET /v1/mcp/servers."
NO_SERVERS = "MCP servers cannot be called here."
DESCRIBED = "A tool of the user's own server '{}', which describes it so: {}"


def row(name: str, described: McpTool) -> Tool:
    """The row of one tool, as its server describes it."""
    _, server, tool = name.split(":", 2)

    async def run(work: Work, arguments: Arguments) -> str:
        if work.outside.mcp is None:
            raise ToolRefused(NO_SERVERS)
        result = await work.outside.mcp.call(work.account_id, server, tool, arguments, f"{work.run_id}/{work.call_id}")
        if result.failed:
            raise ToolRefused(result.text[:FAILURE_CHARACTERS_MAX] or "The tool failed.")
        return orjson.dumps({"result": result.text}).decode()

    return Tool(
        name=name,
        description=DESCRIBED.format(server, described.description),
        parameters={"type": "object", "properties": {}, **described.parameters},
        run=run,
        price="free here",
        time_limit_s=100.0,
        has_side_effect=True,
    )
