"""Speaks to servers of the Model Context Protocol over streamable HTTP, at addresses that strangers chose.

Each session goes to judged addresses: it begins, lists tools or calls one, and is ended. An answer is one document, or
the event of a stream that has the request's id; all of it is bounded in bytes and in time. A server's own requests are
not answered. https://modelcontextprotocol.io/specification/2025-06-18/basic/transports
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
from msgspec import Struct

from gateway.canonical.json_bounds import REWRITTEN_DEPTH_MAX, ExceedsBounds, bound_depth
from gateway.errors import GatewayError, UpstreamError, UpstreamTimeout
from gateway.framing.sse import SSEDecoder
from gateway.ports.mcp import McpResult, McpTool
from gateway.transport import Response, TransportError
from gateway.untrusted.fetch import Fetcher

VERSION = "2025-06-18"
ANSWER_BYTES_MAX = 2 * 1024 * 1024
TOOLS_MAX, PAGES_MAX = 64, 16
DESCRIPTION_CHARACTERS_MAX = 1_000
SCHEMA_BYTES_MAX = 8_000
TEXT_CHARACTERS_MAX = 100_000
SESSION, PROTOCOL = "mcp-session-id", "mcp-protocol-version"
# Both go into headers as the server said them. Versions are dates, and ids are visible ASCII:
# https://modelcontextprotocol.io/specification/2025-06-18/basic/transports#session-management
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SESSION_ID = re.compile(rb"[!-~]{1,1000}")
ENDING_S = 2.0
AWAY = "The MCP server cannot be reached."
LATE = "The MCP server did not answer in time."
UNREADABLE = "The MCP server's answer cannot be read."
TOO_LARGE = f"The MCP server's answer is larger than {ANSWER_BYTES_MAX} bytes."
REFUSED = "The MCP server answered with status {}."
SAID = "The MCP server refused: {}"


class McpClient(Struct, frozen=True):
    """Asks servers. `fetcher` judges their addresses."""

    fetcher: Fetcher

    async def tools(self, url: str, token: str, within_s: float) -> list[McpTool]:
        """The tools of a server; raises `UpstreamError`, or `InvalidRequest` for an address that is refused."""
        async with self._session(url, token, within_s) as session:
            found: list[McpTool] = []
            cursor: Any = None
            for _ in range(PAGES_MAX):
                result = await session.ask("tools/list", {} if cursor is None else {"cursor": cursor})
                found += described(result)
                cursor = result.get("nextCursor")
                if cursor is None or len(found) >= TOOLS_MAX:
                    break
            return found[:TOOLS_MAX]

    async def call(
        self, url: str, token: str, tool: str, arguments: Mapping[str, Any], call_id: str, within_s: float
    ) -> McpResult:
        """The result of one call; raises as `tools` does."""
        async with self._session(url, token, within_s) as session:
            asked = {"name": tool, "arguments": dict(arguments), "_meta": {"nexevo.ai/call_id": call_id}}
            result = await session.ask("tools/call", asked)
            return McpResult(_text(result), bool(result.get("isError")))

    @asynccontextmanager
    async def _session(self, url: str, token: str, within_s: float) -> AsyncIterator[_Session]:
        try:
            async with asyncio.timeout(within_s):
                session = _Session(self.fetcher, url, token)
                try:
                    await session.begin()
                    yield session
                finally:
                    await session.end()
        except TimeoutError:
            raise UpstreamTimeout(LATE) from None
        except TransportError as error:
            raise UpstreamError(AWAY) from error


class _Session:
    """One session with a server."""

    def __init__(self, fetcher: Fetcher, url: str, token: str) -> None:
        self._fetcher = fetcher
        self._url = url
        self._headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        self._number = 0

    async def begin(self) -> None:
        """Agrees on the protocol's version; raises `UpstreamError`."""
        client = {"name": "nexgate", "version": "1"}
        told = await self.ask(
            "initialize", {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": client}, begins=True
        )
        version = str(told.get("protocolVersion") or VERSION)
        if _VERSION.fullmatch(version) is None:
            raise UpstreamError(UNREADABLE, retryable=False)
        self._headers[PROTOCOL] = version
        await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"}, None)

    async def ask(self, method: str, params: Mapping[str, Any], *, begins: bool = False) -> Mapping[str, Any]:
        """The result of a request; raises `UpstreamError` for the server's error."""
        self._number += 1
        asked = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": dict(params)}
        answer = await self._post(asked, self._number, begins=begins)
        if "error" in answer:
            error = answer["error"]
            words = str(error.get("message") or "") if isinstance(error, dict) else ""
            raise UpstreamError(SAID.format(words[:500]), retryable=False)
        result = answer.get("result")
        if not isinstance(result, dict):
            raise UpstreamError(UNREADABLE)
        return result

    async def end(self) -> None:
        """Ends a session that the server keeps; its answer does not matter."""
        if SESSION in self._headers:
            with suppress(TransportError, TimeoutError, GatewayError):
                async with asyncio.timeout(ENDING_S), self._fetcher.asked("DELETE", self._url, self._headers, b""):
                    pass

    async def _post(self, message: Mapping[str, Any], number: int | None, *, begins: bool = False) -> Mapping[str, Any]:
        async with self._fetcher.asked("POST", self._url, self._headers, orjson.dumps(message)) as response:
            if response.status not in {200, 202}:
                raise UpstreamError(REFUSED.format(response.status), retryable=response.status >= 500)
            kept = response.header(SESSION.encode()) if begins else None
            if kept:
                if _SESSION_ID.fullmatch(kept) is None:
                    raise UpstreamError(UNREADABLE, retryable=False)
                self._headers[SESSION] = kept.decode()
            return {} if number is None else await _answer(response, number)


async def _answer(response: Response, number: int) -> Mapping[str, Any]:
    """The message with the id; a stream is read until it has come, and no longer."""
    is_stream = (response.header(b"content-type") or b"").startswith(b"text/event-stream")
    events, whole = SSEDecoder(), bytearray()
    size = 0
    async for piece in response.chunks():
        size += len(piece)
        if size > ANSWER_BYTES_MAX:
            raise UpstreamError(TOO_LARGE, retryable=False)
        if not is_stream:
            whole += piece
            continue
        for event in events.feed(piece):
            found = _message(event.data, number)
            if found is not None:
                return found
    found = None if is_stream else _message(bytes(whole), number)
    if found is None:
        raise UpstreamError(UNREADABLE)
    return found


def _message(data: bytes, number: int) -> Mapping[str, Any] | None:
    """The answer to the request of that number, or nothing; raises `UpstreamError` for one that nests too deep."""
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(message, dict) or message.get("id") != number or "method" in message:
        return None
    try:
        # orjson reads deeper than it writes, and what is in here is written again in a request to a model.
        bound_depth(data, message, REWRITTEN_DEPTH_MAX)
    except ExceedsBounds:
        raise UpstreamError(UNREADABLE, retryable=False) from None
    return message


def described(result: Mapping[str, Any]) -> list[McpTool]:
    """The tools of one page that can be described to a model within the bounds."""
    rows = result.get("tools")
    if not isinstance(rows, list):
        raise UpstreamError(UNREADABLE)
    found = []
    for row in rows:
        name, schema = (row.get("name"), row.get("inputSchema")) if isinstance(row, dict) else (None, None)
        if isinstance(name, str) and isinstance(schema, dict) and len(orjson.dumps(schema)) <= SCHEMA_BYTES_MAX:
            words = str(row.get("description") or row.get("title") or "")
            found.append(McpTool(name, words[:DESCRIPTION_CHARACTERS_MAX], schema))
    return found


def _text(result: Mapping[str, Any]) -> str:
    """The text of a result: its texts, else its structured content; other parts are named by their type."""
    parts = result.get("content")
    texts = [_part(part) for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    if not texts and result.get("structuredContent") is not None:
        texts = [orjson.dumps(result["structuredContent"]).decode()]
    return "\n".join(texts)[:TEXT_CHARACTERS_MAX]


def _part(part: Mapping[str, Any]) -> str:
    if part.get("type") == "text":
        return str(part.get("text") or "")
    resource = part.get("resource")
    if isinstance(resource, dict) and isinstance(resource.get("text"), str):
        return str(resource["text"])
    return f"[{str(part.get('type'))[:40]}]"
