"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._request import RequestOptions

# Shared.


class McpServersCreateParams(RequestOptions, total=False):
    """Arguments of `mcp_servers.create`."""

    token: Optional[str]


class McpServersListParams(RequestOptions, total=False):
    """Arguments of `mcp_servers.list`."""


class McpServersGetParams(RequestOptions, total=False):
    """Arguments of `mcp_servers.get`."""


class McpServersDeleteParams(RequestOptions, total=False):
    """Arguments of `mcp_servers.delete`."""


class McpServersRefreshParams(RequestOptions, total=False):
    """Arguments of `mcp_servers.refresh`."""
