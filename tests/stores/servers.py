"""DynamoDB Local and moto for a session of tests: the local stack's own way of starting them, on a loop in a thread."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.aws_services import start_dynamodb, start_moto
from local.children import Children

START_WITHIN_S = 60


@contextmanager
def serving(data: Path) -> Iterator[tuple[str | None, str]]:
    """The endpoints of DynamoDB Local, where Java is there, and of moto."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def done(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(START_WITHIN_S)

    (data / "logs").mkdir()
    children = done(_children(data))
    try:
        env = dict(os.environ)
        yield done(start_dynamodb(children, data, env)), done(start_moto(children, data, env))
    finally:
        done(children.end_all())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _children(data: Path) -> Children:
    children = Children(data / "processes.json")
    await children.start()
    return children
