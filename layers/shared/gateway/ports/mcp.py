"""Servers of the Model Context Protocol that an account has registered, and calls of their tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

# An account's servers lie beside its provider keys, in a partition of their own: this, and the account's id.
PARTITION = "mcp#"
NO_MEMBERS: Mapping[str, Any] = {}


class McpTool(Struct, frozen=True, omit_defaults=True):
    """One tool of a server, as its server describes it: a stranger's words."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = NO_MEMBERS


class McpResult(Struct, frozen=True):
    """The text that a call of a tool came to; `failed` where the server says so."""

    text: str
    failed: bool = False


class McpCalls(Protocol):
    """Calls of the tools of an account's own servers."""

    async def call(
        self, account_id: str, server: str, tool: str, arguments: Mapping[str, Any], call_id: str
    ) -> McpResult:
        """Calls a tool once; raises `NotFound` for a server that is gone, `UpstreamError` for one that fails.

        `call_id` is the same in each try of one call, and is sent along.
        """
