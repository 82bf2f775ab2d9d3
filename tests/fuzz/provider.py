"""The simulated providers in this process, without sockets: `Upstream` calls their app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import UpstreamError
from gateway.ports.upstream import Credential, UpstreamRequest, UpstreamTimeouts
from local.providers import rows
from local.providers.app import CONNECTION, App

ROWS = {
    name: Credential(row["api_key"], row["base_url"], {key: row[key] for key in row.keys() - {"api_key", "base_url"}})
    for name, row in rows.addresses("http://providers.test").items()
}


class Answer:
    """One answer, whose pieces come from the simulator's task."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.task: asyncio.Task[None] | None = None
        # `None` ends the answer, `False` cuts it off.
        self._pieces: asyncio.Queue[bytes | bool | None] = asyncio.Queue()
        self._begun, self._left = asyncio.Event(), asyncio.Event()

    async def receive(self, request: UpstreamRequest, sent: list[bool]) -> dict[str, Any]:
        if not sent:
            sent.append(True)
            return {"type": "http.request", "body": request.body, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self._begun.set()
        else:
            self._pieces.put_nowait(message["body"])
            if not message.get("more_body"):
                self._pieces.put_nowait(None)

    def close(self) -> None:
        """Cuts the answer off, as a closed connection does."""
        self._left.set()

    def ended(self, task: asyncio.Task[None]) -> None:
        """Cuts off what the simulator has not ended; after an end it is not read."""
        task.cancelled() or task.exception()
        self._pieces.put_nowait(False)

    async def begun(self) -> None:
        """Returns once the head is here; raises the simulator's own failure."""
        assert self.task is not None
        head = asyncio.ensure_future(self._begun.wait())
        await asyncio.wait({head, self.task}, return_when=asyncio.FIRST_COMPLETED)
        head.cancel()
        if not self._begun.is_set():
            self.task.result()
            raise UpstreamError("The provider closed the connection without answering.")

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            if not isinstance(piece, bytes):
                raise UpstreamError("The provider's answer was cut off.")
            if piece:
                yield piece

    async def aclose(self) -> None:
        self.close()
        if self.task is not None:
            await asyncio.wait({self.task})


class Providers:
    """`Upstream` over the simulator's app."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._app = App(rows.WIRES, lambda: int(now_s()))

    async def warm(self, url: str, patience: UpstreamTimeouts) -> None:
        del url, patience

    async def send(self, request: UpstreamRequest, patience: UpstreamTimeouts) -> Answer:
        del patience
        address, answer, sent = urlsplit(request.url), Answer(), list[bool]()
        fields = (("host", address.netloc), *request.headers)
        scope = {
            "type": "http",
            "method": request.method,
            "raw_path": address.path.encode(),
            "query_string": address.query.encode(),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields],
            "state": {CONNECTION: answer},
        }
        serving = self._app(scope, lambda: answer.receive(request, sent), answer.send)
        answer.task = asyncio.ensure_future(serving)
        answer.task.add_done_callback(answer.ended)
        await answer.begun()
        return answer
