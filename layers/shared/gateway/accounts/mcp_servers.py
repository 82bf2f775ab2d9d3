"""Registers, lists, refreshes and removes an account's servers of the Model Context Protocol, and calls their tools.

A server is stored as an own key of a provider is: one sealed item in the same table, in a partition of its own, so that
no look at the account's provider keys meets it. Its tools are described as it registers: what a run offers its model
cannot change by the server's will, only by its owner's refresh.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct, to_builtins
from msgspec.structs import replace

from gateway.accounts.keyring import Caller
from gateway.accounts.mcp_settings import TOOLS, URL, NewMcpServer, partition, server_view
from gateway.accounts.provider_key_seal import opened_credential, sealed_credential
from gateway.accounts.provider_keys import refuse_made
from gateway.accounts.sealing import SealBroken
from gateway.errors import Conflict, InvalidRequest, NotFound, UpstreamError
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports.clock import Clock
from gateway.ports.mcp import McpResult
from gateway.ports.provider_keys import FIRST, DataKeys, ProviderKey, ProviderKeyStore
from gateway.ports.upstream import Credential
from gateway.untrusted.mcp import McpClient

SERVERS_MAX = 16
# An item of DynamoDB has at most 400 KB.
TOOLS_BYTES_MAX = 300_000
LISTING_S, CALL_S = 15.0, 90.0
# A model's functions have names of these characters, and of 64 at the most.
_TOOL = re.compile(r"[A-Za-z0-9_-]+")
_PREFIX_CHARACTERS, _NAME_CHARACTERS_MAX = len("mcp____"), 64
TOO_LARGE = f"The tools of the MCP server take more than {TOOLS_BYTES_MAX} bytes."
UNREADABLE = "The token of this MCP server cannot be opened; register the server again."

log = logging.getLogger(__name__)


class McpServers(Struct, frozen=True):
    """The servers of accounts, over the store of provider keys; `McpCalls` too."""

    store: ProviderKeyStore
    data_keys: DataKeys
    client: McpClient
    clock: Clock

    def new_id(self) -> str:
        """Draws the id of a server to be registered."""
        return f"mcp_{hold_id_at(self.clock.now_s(), secrets.randbits(40))}"

    async def registered(self, caller: Caller, server_id: str, wanted: NewMcpServer) -> dict[str, Any]:
        """Asks the server for its tools, seals its token and stores it; shows it without the token."""
        refuse_made(caller)
        owner = partition(caller.account_id)
        stands = await self.store.all(owner)
        if any(one.provider == wanted.name for one in stands):
            raise Conflict(f"The account has an MCP server '{wanted.name}' already.", code="mcp_server_exists")
        if len(stands) >= SERVERS_MAX:
            raise InvalidRequest(f"An account has at most {SERVERS_MAX} MCP servers.", code="too_many_mcp_servers")
        token, now_s = str(wanted.token or ""), int(self.clock.now_s())
        found = await self._asked(wanted.name, wanted.url, token)
        envelope = await sealed_credential(
            Credential(token), self.data_keys, account_id=owner, provider=wanted.name, key_id=server_id
        )
        server = ProviderKey(
            account_id=owner,
            provider=wanted.name,
            key_id=server_id,
            name=wanted.name,
            mode=FIRST,
            last4=token[-4:],
            created_at_s=now_s,
            updated_at_s=now_s,
            version=1,
            envelope=envelope,
            settings={URL: wanted.url, TOOLS: found},
        )
        await self.store.add(server)
        _note("registered", caller, server)
        return server_view(server)

    async def disown(self, account_id: str, server_id: str) -> None:
        """Removes a server whose registration was never answered."""
        for one in await self.store.all(partition(account_id)):
            if one.key_id == server_id:
                await self.store.remove(one)

    async def all(self, caller: Caller) -> Sequence[ProviderKey]:
        """The account's servers, by name."""
        return await self.store.all(partition(caller.account_id))

    async def get(self, caller: Caller, server_id: str) -> ProviderKey:
        """The account's server of that id; raises `NotFound`, also for one of another account."""
        for one in await self.all(caller):
            if one.key_id == server_id:
                return one
        raise _no_server(server_id)

    async def refresh(self, caller: Caller, server_id: str) -> ProviderKey:
        """Asks the server for its tools anew; runs that begin afterwards are offered these."""
        refuse_made(caller)
        before = await self.get(caller, server_id)
        found = await self._asked(before.provider, before.settings[URL], await self._token(before))
        after = replace(
            before,
            settings={**before.settings, TOOLS: found},
            version=before.version + 1,
            updated_at_s=int(self.clock.now_s()),
        )
        await self.store.put(after, instead_of=before)
        _note("refreshed", caller, after)
        return after

    async def remove(self, caller: Caller, server_id: str) -> ProviderKey:
        """Removes a server for good; runs that go on cannot call it."""
        refuse_made(caller)
        found = await self.get(caller, server_id)
        await self.store.remove(found)
        _note("removed", caller, found)
        return found

    async def call(
        self, account_id: str, server: str, tool: str, arguments: Mapping[str, Any], call_id: str
    ) -> McpResult:
        """Implements `McpCalls.call`."""
        found = next((one for one in await self.store.all(partition(account_id)) if one.provider == server), None)
        if found is None:
            raise _no_server(server)
        token = await self._token(found)
        return await self.client.call(found.settings[URL], token, tool, arguments, call_id, CALL_S)

    async def _asked(self, name: str, url: str, token: str) -> str:
        """The server's tools as they are stored; raises `InvalidRequest` where it cannot say them, or says too much."""
        try:
            found = await self.client.tools(url, token, LISTING_S)
        except UpstreamError as failure:
            raise InvalidRequest(failure.message, param=URL, code="mcp_server_failed") from failure
        usable = [tool for tool in found if _is_usable(name, tool.name)]
        text = orjson.dumps(to_builtins(usable))
        if len(text) > TOOLS_BYTES_MAX:
            raise InvalidRequest(TOO_LARGE, param=URL, code="mcp_server_too_large")
        return text.decode()

    async def _token(self, server: ProviderKey) -> str:
        try:
            return (await opened_credential(server, self.data_keys)).api_key
        except SealBroken as broken:
            raise UpstreamError(UNREADABLE, retryable=False) from broken


def _is_usable(server: str, tool: str) -> bool:
    """True for a tool that a model can call by its name."""
    fits = _PREFIX_CHARACTERS + len(server) + len(tool) <= _NAME_CHARACTERS_MAX
    return fits and _TOOL.fullmatch(tool) is not None


def _no_server(name: str) -> NotFound:
    return NotFound(f"There is no MCP server {name[:80]!r}.", code="mcp_server_not_found")


def _note(action: str, caller: Caller, server: ProviderKey) -> None:
    """Writes who did what to which server."""
    line = {"event": "mcp_server", "action": action, "mcp_server_id": server.key_id}
    log.info("MCP server %s", action, extra={**line, "account_id": caller.account_id, "key_id": caller.key_id})
