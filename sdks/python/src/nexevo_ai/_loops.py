"""HTTP clients of event loops: a socket belongs to the loop in which it was opened."""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

import httpx


class ClientOfEachLoop:
    """An `httpx.AsyncClient` for each loop that uses it, as programs with several `asyncio.run` do."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()

    def _here(self) -> httpx.AsyncClient:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = httpx.AsyncClient(**self._options)
        return self._clients[loop]

    def build_request(self, method: str, url: str, **parts: Any) -> httpx.Request:
        """Makes a request, to be sent in the same loop."""
        return self._here().build_request(method, url, **parts)

    async def send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        """Sends a request over a connection of the running loop."""
        return await self._here().send(request, stream=stream)

    async def aclose(self) -> None:
        """Closes the connections of the running loop; those of a loop that has ended are closed with it."""
        await self._here().aclose()
