"""Runs one HTTP request through the app and sends its answer to Lambda; every path reports its end to Lambda.

    waiting --first body--> streaming --last body--> complete
       |                        |
     /error               error trailers

The head waits for the first piece of the body and leaves with it, as in ASGI. Every later piece is sent at once, and
the app continues when Lambda keeps up. Lambda does not tell of a client that leaves
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html). Where the Runtime API takes no
more of an answer, because it has answered before the end or has closed, `send` raises `ClientLeft`.
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
from gateway.transport import RequestStream, TransportError

_INCOMPLETE = Fault("Runtime.IncompleteResponse", "the app returned before its response was complete", [])


class ClientLeft(OSError):
    """Raised by `send` where the rest of an answer is not taken: an OSError, as ASGI asks for (spec 2.4)."""


class HttpCycle:
    """`receive` and `send` of one request; as a context manager it handles the app's exceptions."""

    def __init__(self, api: RuntimeApi, context: InvocationContext, event: Event) -> None:
        self._api = api
        self._context = context
        self._event: Event | None = event
        self._head: tuple[int, Fields] | None = None
        self._stream: RequestStream | None = None
        self._complete = asyncio.Event()
        self._lost = False

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
                try:
                    stream.write(data)
                    if not stream.keeps_up:
                        await stream.drain()
                except TransportError as error:
                    raise self._lose(stream) from error
                if stream.answered:
                    raise self._lose(stream)
            else:
                self._complete.set()
                await self._api.finish(stream, data)
        elif self._lost:
            raise ClientLeft
        else:
            raise RuntimeError(f"unexpected ASGI message {kind!r}")

    def _lose(self, stream: RequestStream) -> ClientLeft:
        """Ends an answer of which no more is taken."""
        self._lost = True
        self._complete.set()
        stream.abort()
        return ClientLeft("the rest of the answer is not taken")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, ClientLeft):
            return True
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
