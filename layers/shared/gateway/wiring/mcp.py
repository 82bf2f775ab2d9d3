"""Builds accounts' servers of the Model Context Protocol: their management, and the calls of their tools."""

from __future__ import annotations

from functools import cache

from gateway.accounts.mcp_servers import McpServers
from gateway.stores.aws.kms import KmsDataKeys
from gateway.stores.keys.provider_keys import DynamoProviderKeys
from gateway.untrusted.fetch import Fetcher
from gateway.untrusted.mcp import McpClient
from gateway.untrusted.urls import Policy
from gateway.wiring.process import process


@cache
def mcp_servers() -> McpServers:
    """Accounts' servers."""
    on, chosen = process(), process().settings
    return McpServers(
        DynamoProviderKeys(on.aws, chosen.provider_keys_table),
        KmsDataKeys(on.aws, chosen.provider_keys_key),
        McpClient(Fetcher(Policy(chosen.own_hosts))),
        on.clock,
    )
