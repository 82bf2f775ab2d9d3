"""Runs one HTTP request through the app and sends its answer to Lambda; every path reports its end to Lambda.

    waiting --first body--> streaming --last body--> complete
       |                        |
     /error               error trailers

The head waits for the first piece of the body and leaves with it, as in ASGI. Every later piece is sent at once, and
the app continues when Lambda keeps up.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from gateway.runtime.api import RuntimeApi
from gateway.runtime.event import Event, take_body
from gateway.runtime.fault import Fault, log_fault
from gateway.runtime.invocation import InvocationContext, Message
from gateway.runtime.prelude import Fields, prelude
from gateway.transport import RequestStream

_INCOMPLETE = Fault("Runtime.IncompleteResponse", "the app returned before its response was complete", [])


class HttpCycle:
    """`receive` and `send` of one request; as a context manager it handles the app's exceptions."""

    def __init__(self, api: RuntimeApi, context: InvocationContext, event: Event) -> None:
        self._api = api
        self._context = context
        self._event: Event | None = event
        self._head: tuple[int, Fields] | None = None
        self._stream: RequestStream | None = None
        self._complete = asyncio.Event()

    async def receive(self) -> Message:
        """The body once, then the end of the answer: Lambda does not report a client that leaves."""
        if self._event is not None:
            event, self._event = self._event, None
            return {"type": "http.request", "body": take_body(event), "more_body": False}
        await self._complete.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Sends the head, then the body's pieces."""
        kind = message["type"]
        if kind == "http.response.start" and self._head is None:
            self._head = (message["status"], message.get("headers", ()))
        elif kind == "http.response.body" and self._head is not None and not self._complete.is_set():
            stream, data = self._stream, message.get("body", b"")
            if stream is None:
                stream, data = await self._api.stream(self._context), prelude(*self._head) + data
                self._stream = stream
            if message.get("more_body"):
                stream.write(data)
                if not stream.keeps_up:
                    await stream.drain()
            else:
                self._complete.set()
                await self._api.finish(stream, data)
        else:
            raise RuntimeError(f"unexpected ASGI message {kind!r}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            await self._fail(Fault.of(error))
            return True
        if error is None and not self._complete.is_set():
            await self._fail(_INCOMPLETE)
        return False

    async def _fail(self, fault: Fault) -> None:
        log_fault("invocation failed", fault)
        if self._complete.is_set():
            return
        self._complete.set()
        if self._stream is None:
            await self._api.fail(self._context, fault)
        else:
            await self._api.finish(self._stream, fault=fault)
