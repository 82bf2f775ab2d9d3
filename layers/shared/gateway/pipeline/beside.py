"""Begins work that goes on beside a request, and runs several pieces of work side by side.

An ordinary task waits for the loop's next turn before it does anything. The task of `begun` runs up to its first wait
at once: what need not wait is done when it was begun, and what is sent is under way. Python 3.11 knows ordinary tasks
alone.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def begun(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """The task of the work, which has come to its first wait, or to its end."""
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=True)
    return asyncio.create_task(work)


async def together(pieces: Sequence[Callable[[], Awaitable[T]]], at_once: int) -> list[T]:
    """Does all pieces, `at_once` at a time; raises the first failure, after which none is left running."""
    if len(pieces) == 1:
        return [await pieces[0]()]
    turns = asyncio.Semaphore(at_once)

    async def in_turn(piece: Callable[[], Awaitable[T]]) -> T:
        async with turns:
            return await piece()

    tasks = [asyncio.ensure_future(in_turn(one)) for one in pieces]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
