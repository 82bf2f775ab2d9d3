"""Begins work that goes on beside a request.

An ordinary task waits for the loop's next turn before it does anything. This one runs up to its first wait at once:
what need not wait is done when it was begun, and what is sent is under way. Python 3.11 knows ordinary tasks alone.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def begun(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """The task of the work, which has come to its first wait, or to its end."""
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=True)
    return asyncio.create_task(work)
