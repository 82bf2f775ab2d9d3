"""Runs the gateway, the functions of the small stack and their Runtime APIs in a thread, without DynamoDB or moto."""

import asyncio
import http.client
import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from local.children import Children
from local.functions import FunctionPool, Functions, function_environment
from local.gateway import Gateway
from local.http_server import HttpServer, bind
from local.limits import Limits
from local.resource_names import ResourceNames
from local.template import Stack, resolve, translate
from tests.hangs import HANGS_AFTER_S

TEMPLATE = Path(__file__).parent / "small_stack" / "template.yaml"


@cache
def small_stack() -> Stack:
    """Returns the tests' own template, translated and resolved."""
    return resolve(translate(TEMPLATE), TEMPLATE.parent, ResourceNames("http://queues.test"))


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names in lower case, the last value of each."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int,
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Sends one request on its own connection. Raises http.client.IncompleteRead for a cut answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANGS_AFTER_S)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, response.read())
    finally:
        connection.close()


@dataclass
class Served:
    """A running gateway. `loop` is the loop that runs it."""

    port: int
    functions: Functions
    register: Path
    loop: asyncio.AbstractEventLoop

    def ask(
        self, path: str, *, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        return ask(self.port, path, method=method, body=body, headers=headers)

    def invoke(self, function: str, event: object) -> bytes:
        work = self.functions.invoke(function, json.dumps(event).encode())
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(HANGS_AFTER_S)

    def processes(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.register.read_bytes())["processes"]
        return rows


@contextmanager
def serving(data: Path, limits: Limits, stack: Stack | None = None) -> Iterator[Served]:
    """Serves the small stack, or another, until the block ends."""
    started: Future[Served] = Future()
    stop: Future[None] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(data, limits, stack or small_stack(), started, stop)))
    thread.start()
    try:
        yield started.result(HANGS_AFTER_S)
    finally:
        stop.set_result(None)
        thread.join()


async def _serve(data: Path, limits: Limits, stack: Stack, started: "Future[Served]", stop: "Future[None]") -> None:
    children = Children(data / "processes.json")
    await children.start()
    functions = Functions(
        {
            name: FunctionPool(function, function_environment(function, os.environ, {}), children, limits, data)
            for name, function in stack.functions.items()
        }
    )
    front = HttpServer(Gateway(stack.api, functions, limits))
    listener = bind(0)
    server = asyncio.ensure_future(front.serve(sockets=[listener]))
    try:
        await front.ready.wait()
        port = listener.getsockname()[1]
        started.set_result(Served(port, functions, data / "processes.json", asyncio.get_running_loop()))
        await asyncio.wrap_future(stop)
    finally:
        front.should_exit = True
        await server
        await children.end_all()
