"""Accounts' MCP servers over memory, a server that has the tools which a test gives it, and the official package's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from gateway.accounts.mcp_servers import McpServers
from gateway.errors import UpstreamError
from gateway.ports.clock import Clock
from gateway.ports.mcp import McpResult, McpTool
from tests.environments import ROOT, packages_with
from tests.fakes.provider_keys import MemoryDataKeys, MemoryProviderKeys

ECHO = McpTool("echo", "Says it again.", {"type": "object", "properties": {"text": {"type": "string"}}})


class FakeMcp(Struct):
    """Answers as `McpClient` does, and keeps what it was asked."""

    described: Sequence[McpTool] = (ECHO,)
    result: McpResult = McpResult("done")
    fails: UpstreamError | None = None
    asked: list[tuple[Any, ...]] = []

    async def tools(self, url: str, token: str, within_s: float) -> list[McpTool]:
        del within_s
        self.asked.append(("tools", url, token))
        if self.fails is not None:
            raise self.fails
        return list(self.described)

    async def call(
        self, url: str, token: str, tool: str, arguments: Mapping[str, Any], call_id: str, within_s: float
    ) -> McpResult:
        del within_s
        self.asked.append(("call", url, token, tool, dict(arguments), call_id))
        return self.result


def managed_mcp_servers(clock: Clock, client: FakeMcp | None = None) -> McpServers:
    """The management of servers over memory."""
    made: Any = client or FakeMcp()
    return McpServers(MemoryProviderKeys(), MemoryDataKeys(), made, clock)


@contextmanager
def official_server(*options: str) -> Iterator[str]:
    """Runs a server of the official package (`mcp_server.py` has its tools and options); yields its address."""
    program = [sys.executable, str(ROOT / "tests/agent_runs/mcp_server.py"), *options]
    around = {**os.environ, "PYTHONPATH": str(packages_with("mcp"))}
    with subprocess.Popen(program, env=around, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/mcp"
        finally:
            # Where the block raises too: leaving `Popen` waits for the server's end.
            server.terminate()
