"""Starts DynamoDB Local and moto for a session of tests, as the local stack does, on a loop in a thread."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.aws_services import start_dynamodb, start_moto
from local.children import Children

# Only a server that hangs takes this long.
START_WITHIN_S = 120


@dataclass(frozen=True)
class Endpoints:
    """The addresses of moto, and of DynamoDB Local if there is a Java."""

    dynamodb: str | None
    moto: str

    def of(self, backend: str) -> str:
        """Returns the DynamoDB of a backend. Skips the test if there is no Java."""
        endpoint = self.moto if backend == "moto" else self.dynamodb
        if endpoint is None:
            pytest.skip("there is no Java for DynamoDB Local")
        return endpoint


@contextmanager
def serving(data: Path) -> Iterator[Endpoints]:
    """Runs both servers until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def done(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(START_WITHIN_S)

    (data / "logs").mkdir()
    children = done(_children(data))
    try:
        env = dict(os.environ)
        yield Endpoints(done(start_dynamodb(children, data, env)), done(start_moto(children, data, env)))
    finally:
        done(children.end_all())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _children(data: Path) -> Children:
    children = Children(data / "processes.json")
    await children.start()
    return children
