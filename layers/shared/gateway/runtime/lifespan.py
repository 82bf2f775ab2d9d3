"""ASGI lifespan: an app's work once before its first request and once after its last.

https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from gateway.runtime.fault import Fault, log_fault
from gateway.runtime.invocation import AsgiApp, Message

_SHUTDOWN_S = 0.5

log = logging.getLogger(__name__)


class LifespanFailed(Exception):
    """Reports that the app cannot start, with its reason."""


class Lifespan:
    """The lifespan of an app; `state` holds the app's values for its requests."""

    def __init__(self, app: AsgiApp) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._started: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._stopping = asyncio.Event()
        self._asked = False
        self._failure = ""

    async def start(self) -> None:
        """Returns when the app is ready; an app without lifespan is ready at once."""
        self._task = asyncio.create_task(self._run())
        await asyncio.wait((self._task, self._started), return_when=asyncio.FIRST_COMPLETED)
        if self._started.done() and self._started.result():
            return
        outcome = await self._end()
        if self._started.done():
            raise LifespanFailed(self._failure)
        reason = None if outcome is None else type(outcome).__name__
        log.debug("the app takes no part in lifespan", extra={"error_type": reason})

    async def stop(self) -> None:
        """Lets the app clean up for as long as Lambda's shutdown leaves."""
        if not self._started.done():
            return
        self._stopping.set()
        await asyncio.wait((self._task,), timeout=_SHUTDOWN_S)
        outcome = await self._end()
        if outcome is not None:
            log_fault("the app's shutdown failed", Fault.of(outcome))

    async def _end(self) -> BaseException | None:
        self._task.cancel()
        (outcome,) = await asyncio.gather(self._task, return_exceptions=True)
        return outcome

    async def _run(self) -> None:
        asgi = {"version": "3.0", "spec_version": "2.0"}
        await self._app({"type": "lifespan", "asgi": asgi, "state": self.state}, self._receive, self._send)

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "lifespan.startup"}
        await self._stopping.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "lifespan.startup.complete":
                self._started.set_result(True)
            case "lifespan.startup.failed":
                self._failure = message.get("message", "")
                self._started.set_result(False)
            case "lifespan.shutdown.failed":
                raise LifespanFailed(message.get("message", ""))
