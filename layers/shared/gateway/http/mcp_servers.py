"""Serves an account's servers of the Model Context Protocol to what manages the account."""

from __future__ import annotations

from functools import partial

from gateway.accounts.mcp_settings import NewMcpServer, server_view
from gateway.accounts.pages import Page
from gateway.http.calls import Shown
from gateway.http.creating import created_once
from gateway.http.endpoints import Endpoints
from gateway.http.managing import ManagerCall

ONE = "/{mcp_server_id}"

mcp_servers = Endpoints(ManagerCall, "/v1/mcp/servers")


@mcp_servers.on("POST", "", body=NewMcpServer)
async def register_mcp_server(call: ManagerCall, wanted: NewMcpServer) -> Shown:
    """Registers a server, once it has said which tools it has; its token is never shown."""
    server_id = call.mcp_servers.new_id()
    registered = partial(call.mcp_servers.registered, call.manager, server_id, wanted)
    after = {"name": wanted.name}
    register = partial(call.trail.around, "mcp_server.created", registered, target=server_id, after=after)
    return await created_once(call, server_id, register, partial(call.mcp_servers.disown, call.account_id), unpaid=True)


@mcp_servers.on("GET", "")
async def list_mcp_servers(call: ManagerCall) -> Shown:
    """Lists the account's servers, by name: there is one page."""
    return Page(await call.mcp_servers.all(call.manager), None).shown(server_view)


@mcp_servers.on("GET", ONE)
async def get_mcp_server(call: ManagerCall) -> Shown:
    """Shows a server and its tools."""
    return server_view(await call.mcp_servers.get(call.manager, call.path["mcp_server_id"]))


@mcp_servers.on("POST", f"{ONE}/refresh")
async def refresh_mcp_server(call: ManagerCall) -> Shown:
    """Asks a server for its tools anew; counted as work, as registering one is."""
    await call.count_work(unpaid=True)
    server_id = call.path["mcp_server_id"]
    refresh = partial(call.mcp_servers.refresh, call.manager, server_id)
    return server_view(await call.trail.around("mcp_server.refreshed", refresh, target=server_id))


@mcp_servers.on("DELETE", ONE)
async def remove_mcp_server(call: ManagerCall) -> Shown:
    """Removes a server for good."""
    server_id = call.path["mcp_server_id"]
    remove = partial(call.mcp_servers.remove, call.manager, server_id)
    return server_view(await call.trail.around("mcp_server.removed", remove, target=server_id))
