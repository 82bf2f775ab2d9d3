"""Lets a task go on in the very callback of the socket that it waits for, and not in the loop's next pass.

A future's waiters are scheduled: the loop looks for events again before one of them runs. Here the callback steps the
waiting task itself, so that a chunk of a stream is read, decoded, rewritten and sent in one turn of the loop. The task
is the same one, with the same cancellation and the same order of its steps; it only starts sooner. A warm request makes
six polls by it, and seven without it (docs/adr/0023-chunk-path.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any


class Wakeup(asyncio.Future[None]):
    """One wait of one task."""

    __slots__ = ("_context", "_resume")

    def __init__(self) -> None:
        super().__init__()
        self._resume: Callable[[Wakeup], object] | None = None
        self._context: Context | None = None

    def wake(self) -> None:
        """Runs the task until its next wait; a caller that is itself a task has it scheduled instead."""
        if self.done():
            return
        if self._resume is None or self._context is None or asyncio.current_task() is not None:
            self._schedule()
            self.set_result(None)
        else:
            self.set_result(None)
            self._context.run(self._resume, self)

    def add_done_callback(self, fn: Callable[[Wakeup], object], /, *, context: Context | None = None) -> None:
        """Called by the task that begins to wait."""
        self._resume, self._context = fn, context

    def cancel(self, msg: Any | None = None) -> bool:
        """Called by a task that is cancelled in its wait, which may happen twice before it runs."""
        if self.done():
            return False
        self._schedule()
        return super().cancel(msg)

    def _schedule(self) -> None:
        """Leaves the task to the loop, as any other future does."""
        if self._resume is not None:
            super().add_done_callback(self._resume, context=self._context)
