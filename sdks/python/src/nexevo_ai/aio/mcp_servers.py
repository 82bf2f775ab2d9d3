"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._async.answers import AsyncPage
from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._deferred import deferred  # async only
from nexevo_ai._request import call_of, path_part
from nexevo_ai.types.mcp_servers import McpServer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.mcp_servers import (
        McpServersCreateParams,
        McpServersDeleteParams,
        McpServersGetParams,
        McpServersListParams,
        McpServersRefreshParams,
    )


class AsyncMcpServersResource(AsyncResource):
    """Methods of `client.mcp_servers`."""

    async def create(self, name: str, url: str, **params: Unpack[McpServersCreateParams]) -> McpServer:
        """Registers a server, once it has said which tools it has; its token is never shown."""
        call = call_of(
            "POST", "/v1/mcp/servers", {"name": name, "url": url, **params}, body=("name", "url", "token"), is_once=True
        )
        answer: McpServer = await self._ask(call, kind=McpServer)
        return answer

    @deferred  # async only
    async def list(self, **params: Unpack[McpServersListParams]) -> AsyncPage[McpServer]:
        """Lists the account's servers, by name: there is one page."""
        call = call_of("GET", "/v1/mcp/servers", {**params})
        answer: AsyncPage[McpServer] = await self._ask(call, element=McpServer)
        return answer

    async def get(self, mcp_server_id: str, **params: Unpack[McpServersGetParams]) -> McpServer:
        """Shows a server and its tools."""
        call = call_of("GET", f"/v1/mcp/servers/{path_part(mcp_server_id)}", {**params})
        answer: McpServer = await self._ask(call, kind=McpServer)
        return answer

    async def delete(self, mcp_server_id: str, **params: Unpack[McpServersDeleteParams]) -> McpServer:
        """Removes a server for good."""
        call = call_of("DELETE", f"/v1/mcp/servers/{path_part(mcp_server_id)}", {**params})
        answer: McpServer = await self._ask(call, kind=McpServer)
        return answer

    async def refresh(self, mcp_server_id: str, **params: Unpack[McpServersRefreshParams]) -> McpServer:
        """Asks a server for its tools anew; counted as work, as registering one is."""
        call = call_of("POST", f"/v1/mcp/servers/{path_part(mcp_server_id)}/refresh", {**params}, is_once=True)
        answer: McpServer = await self._ask(call, kind=McpServer)
        return answer
