"""Reads an account's MCP servers from requests, and shows them. A server's token goes in and never out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from msgspec import Meta, convert

from gateway.accounts.pages import iso_utc
from gateway.accounts.provider_key_settings import ProviderApiKey
from gateway.ports.mcp import PARTITION, McpTool
from gateway.ports.provider_keys import ProviderKey
from gateway.protocols.shared.body import Body

URL, TOOLS = "url", "tools"

ServerName = Annotated[str, Meta(max_length=24, pattern=r"^[a-z0-9][a-z0-9-]*$(?!\n)")]


class NewMcpServer(Body, frozen=True, kw_only=True):
    """A server to register: its tools become `mcp:<name>:<tool>`. `token` is sent as a bearer token."""

    name: ServerName
    url: Annotated[str, Meta(min_length=1, max_length=2_000)]
    token: ProviderApiKey | None = None


def partition(account_id: str) -> str:
    """The partition of the account's servers in the table of provider keys."""
    return PARTITION + account_id


def server_view(server: ProviderKey) -> dict[str, Any]:
    """A server as its owner sees it."""
    described = tools_of([server])
    return {
        "object": "mcp_server",
        "id": server.key_id,
        "name": server.provider,
        "url": server.settings[URL],
        "token_last4": server.last4 or None,
        "tools": [{"name": name, "description": tool.description} for name, tool in described.items()],
        "created_at": iso_utc(server.created_at_s),
        "updated_at": iso_utc(server.updated_at_s),
    }


def tools_of(servers: Sequence[ProviderKey]) -> dict[str, McpTool]:
    """The tools of the servers by their full names, `mcp:<server>:<tool>`."""
    return {
        f"mcp:{server.provider}:{tool.name}": tool
        for server in servers
        for tool in convert(orjson.loads(server.settings[TOOLS]), list[McpTool])
    }
