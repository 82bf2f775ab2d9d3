"""The life of a function's process: start the app, serve invocations until told to stop, report failures to Lambda.

Up to AWS_LAMBDA_MAX_CONCURRENCY invocations are served at a time, all on this one loop; each poller asks for itself.
Where there are several, one that gets no event asks again, beside the others' answers. The process ends when all fail.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import signal
from collections.abc import Awaitable, Callable, Coroutine
from importlib import import_module
from types import TracebackType
from typing import Any

from msgspec import Struct

from gateway.logs.lines import invocation as logged_invocation
from gateway.pipeline.later import all_ended
from gateway.runtime.api import RuntimeApi, RuntimeApiError
from gateway.runtime.cycle import HttpCycle
from gateway.runtime.event import Event, http_event, http_scope
from gateway.runtime.fault import Fault, log_fault
from gateway.runtime.hooks import run_after_restore, run_before_snapshot
from gateway.runtime.invocation import AsgiApp, Invocation, InvocationContext
from gateway.runtime.lifespan import Lifespan
from gateway.transport import Client, TransportError

# Lambda kills a process two seconds after SIGTERM; the app's lifespan gets its share of the rest.
_GRACE_S = 1.0
# A poller among several has failed after so many tries in a row; it goes on trying while another one has not.
_TRIES = 5
_PAUSE_S, _PAUSE_S_MAX = 0.1, 5.0

log = logging.getLogger(__name__)


class Settings(Struct, frozen=True):
    """Lambda's settings for a runtime; `handler` is `module.attribute`."""

    api_address: str
    handler: str
    concurrency: int = 1
    snap_start: bool = False


async def serve(settings: Settings) -> int:
    """Serves until SIGTERM; returns the process's exit code, 1 if it could not start or lost the Runtime API."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Client(idle_connections_max=2 * settings.concurrency) as client:
        return await _Process(RuntimeApi(client, settings.api_address), settings).run(stop)


class _FailureReport:
    """Reports the failure of a step to Lambda on the step's own route; `failed` is true after a failure."""

    def __init__(self, step: str, report: Callable[[Fault], Awaitable[None]]) -> None:
        self.failed = False
        self._step = step
        self._report = report

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.failed = True
        fault = Fault.of(error)
        # No request has arrived yet, so the message cannot hold a customer's words.
        log_fault(f"{self._step} failed: {fault.message}", fault)
        await self._report(fault)
        return True


class _Process:
    """One process of a function."""

    def __init__(self, api: RuntimeApi, settings: Settings) -> None:
        self._api = api
        self._settings = settings
        self._waiting: set[asyncio.Task[None]] = set()
        self._lost: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def run(self, stop: asyncio.Event) -> int:
        """Starts, serves, stops."""
        starting = _FailureReport("start", self._api.fail_init)
        async with starting:
            self._app = _load(self._settings.handler)
            self._lifespan = Lifespan(self._app)
            await self._lifespan.start()
        if starting.failed:
            return 1
        try:
            if self._settings.snap_start and not await self._cross_snapshot(stop):
                return 1
            return await self._serve(stop)
        finally:
            await self._lifespan.stop()

    async def _cross_snapshot(self, stop: asyncio.Event) -> bool:
        """Waits for a restore, or for the end of the process; false if a step failed.

        A Runtime API that is not there before the snapshot is a start that failed; all that comes later is a restore
        that did.
        """
        before = _FailureReport("before snapshot", self._api.fail_init)
        async with before:
            await run_before_snapshot()
            await self._api.connect()
        if before.failed:
            return False
        after = _FailureReport("restore", self._api.fail_restore)
        async with after:
            if await _unless(stop, self._api.restore_next()):
                await run_after_restore()
        return not after.failed

    async def _serve(self, stop: asyncio.Event) -> int:
        pollers = [asyncio.create_task(self._poll()) for _ in range(self._settings.concurrency)]
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((*pollers, stopped), return_when=asyncio.FIRST_COMPLETED)
        self._stopping = True
        for poller in self._waiting:
            poller.cancel()
        await asyncio.wait(pollers, timeout=_GRACE_S)
        for task in (*pollers, stopped):
            task.cancel()
        outcomes = await asyncio.gather(*pollers, return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        for failure in failures:
            log_fault("the Runtime API was lost", Fault.of(failure))
        return 1 if failures else 0

    async def _poll(self) -> None:
        """Serves one invocation after another; raises when the Runtime API answers no poller any more."""
        task = asyncio.current_task()
        while task is not None and not self._stopping:
            self._waiting.add(task)
            invocation = await self._next(task)
            self._waiting.discard(task)
            with logged_invocation(invocation.context.request_id):
                await self._answer(invocation)
            await all_ended()

    async def _next(self, poller: asyncio.Task[None]) -> Invocation:
        """The poller's next invocation; raises the failure of the last poller that has failed too often."""
        tries = 0
        while True:
            try:
                invocation = await self._api.next()
            except (TransportError, RuntimeApiError) as error:
                tries += 1
                if tries >= _TRIES or self._settings.concurrency == 1:
                    self._lost.add(poller)
                if len(self._lost) == self._settings.concurrency:
                    raise
                if tries == 1:
                    log.warning("no event was given to a poller, which asks again: %s", error)
                await asyncio.sleep(min(_PAUSE_S * 2**tries, _PAUSE_S_MAX) * random.uniform(0.5, 1))
            else:
                self._lost.discard(poller)
                return invocation

    async def _answer(self, invocation: Invocation) -> None:
        try:
            await self._handle(invocation)
        except (TransportError, RuntimeApiError) as error:
            # Lambda did not take the answer (a deadline passed, a payload too large); it may take the next one.
            log_fault("an answer was not taken", Fault.of(error))

    async def _handle(self, invocation: Invocation) -> None:
        context = invocation.context
        event = http_event(invocation.event)
        if event is None:
            log.info("not an HTTP request, answered with null")
            await self._api.respond(context, b"null")
            return
        with logged_invocation(context.request_id, event["requestContext"].get("requestId")):
            await self._serve_http(context, event)

    async def _serve_http(self, context: InvocationContext, event: Event) -> None:
        async with HttpCycle(self._api, context, event) as cycle:
            scope = http_scope(event, context)
            scope["state"] = self._lifespan.state.copy()
            await self._app(scope, cycle.receive, cycle.send)


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Waits for the work, and raises what it raises; false if the process is told to stop before it is done."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if working.done():
        await working
        return True
    working.cancel()
    return False


def _load(handler: str) -> AsgiApp:
    """The app of a handler; Lambda writes packages with slashes.

    Nothing that a module makes becomes garbage while it is loaded, and little of it later: looking for garbage in it is
    3 % of a cold start, and would be done again in every full collection.
    """
    module, _, attribute = handler.rpartition(".")
    gc.disable()
    try:
        app: AsgiApp = getattr(import_module(module.replace("/", ".")), attribute)
        gc.freeze()
    finally:
        gc.enable()
    return app
