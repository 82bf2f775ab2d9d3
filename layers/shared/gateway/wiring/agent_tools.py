"""Builds what agents' tools are offered by, for the functions that begin runs and the one that makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.ports.mcp import McpResult, McpTool
from gateway.wiring.chat import CATALOG
from gateway.wiring.process import process

SEARCH = "web_search"
# The family that speaks a wire on which searches are sold.
FAMILY_OF_WIRE = {"openai_responses": "responses", "anthropic_messages": "messages"}


def own_search(model: str) -> str | None:
    """The family by which the model searches the web itself; nothing for an alias, which several models serve."""
    name = CATALOG.find(model)
    models = () if name is None else CATALOG.models_behind(name.offer)
    if len(models) != 1:
        return None
    tools = [tool for target in models[0].targets for tool in target.tools if tool.tool == SEARCH]
    return FAMILY_OF_WIRE.get(tools[0].wire) if tools else None


def has_search(model: str) -> bool:
    """True where a run on the model can search the web."""
    return bool(process().settings.web_search) or own_search(model) is not None


async def mcp_tools(account_id: str) -> Mapping[str, McpTool]:
    """The tools of the account's own servers, by their full names."""
    from gateway.accounts.mcp_settings import partition, tools_of  # noqa: PLC0415  # runs that name such tools
    from gateway.stores.keys.provider_keys import DynamoProviderKeys  # noqa: PLC0415  # likewise

    on = process()
    return tools_of(await DynamoProviderKeys(on.aws, on.settings.provider_keys_table).all(partition(account_id)))


class LazyMcp:
    """`McpCalls` that are built by the first run that calls such a tool."""

    async def call(
        self, account_id: str, server: str, tool: str, arguments: Mapping[str, Any], call_id: str
    ) -> McpResult:
        from gateway.wiring.mcp import mcp_servers  # noqa: PLC0415  # runs that call such tools

        return await mcp_servers().call(account_id, server, tool, arguments, call_id)
