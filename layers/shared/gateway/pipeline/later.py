"""Work that is left for after the answer: a process ends it before it takes its next request.

Lambda freezes a process that waits for a request, and bills it until then. So the runtime waits for this work once an
answer is out, and the caller does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

# The longest that the next request of a process is kept waiting for.
ENDED_WITHIN_S = 75.0

_LEFT: set[asyncio.Task[None]] = set()


def later(work: Coroutine[Any, Any, None]) -> None:
    """Begins work that no answer waits for."""
    task = asyncio.create_task(work)
    _LEFT.add(task)
    task.add_done_callback(_LEFT.discard)


async def all_ended() -> None:
    """Waits for the work that was left; gives up what takes too long."""
    if not _LEFT:
        return
    _, late = await asyncio.wait(_LEFT, timeout=ENDED_WITHIN_S)
    for task in late:
        task.cancel()
