"""Tests of how sync Python is written from async."""

from __future__ import annotations

import pytest

from sdks.python.unasync import sync_of


@pytest.mark.parametrize(
    ("source", "twin"),
    [
        ("async def ask() -> int:\n    return await look()\n", "def ask() -> int:\n    return look()\n"),
        ("async with a as b, await c() as d:\n    pass\n", "with a as b, c() as d:\n    pass\n"),
        ("found = [x async for x in y]\n", "found = [x for x in y]\n"),
        ("class AsyncStream(AsyncIterator[T]):\n    pass\n", "class Stream(Iterator[T]):\n    pass\n"),
        ("page: AsyncPage[T]\n", "page: SyncPage[T]\n"),
        ("send: Callable[[A], Awaitable[B[C]]]\n", "send: Callable[[A], B[C]]\n"),
        ("import asyncio\nawait asyncio.sleep(1)\n", "import time\ntime.sleep(1)\n"),
        ("from nexevo_ai._async.a import b\n", "from nexevo_ai._sync.a import b\n"),
        ("async def __aenter__(self): ...\n", "def __enter__(self): ...\n"),
        ("@deferred  # async only\nasync def a(): ...\n", "def a(): ...\n"),
        ('C = TypeVar("C", bound="AsyncTransport")\n', 'C = TypeVar("C", bound="SyncTransport")\n'),
        ('"""To be read by `async for`, as AsyncStream is."""\n', '"""To be read by `for`, as Stream is."""\n'),
        ('a = "Awaitable[x] await"  # await\n', 'a = "Awaitable[x] await"  # await\n'),
        ("asyncs = awaited = Asynchronous\n", "asyncs = awaited = Asynchronous\n"),
        ("def a():\n\n    return (\n        await b\n    )", "def a():\n\n    return (\n        b\n    )"),
    ],
)  # fmt: skip
def test_async_python_has_a_sync_twin(source: str, twin: str) -> None:
    assert sync_of(source) == twin
