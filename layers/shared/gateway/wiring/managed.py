"""Runs functions on Lambda's managed runtime: one event loop a process, and the invocation's ids on every log line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from typing import Any

from gateway.logs.lines import configure, invocation
from gateway.runtime.hooks import run_after_restore, run_before_snapshot
from gateway.wiring import settings

Event = dict[str, Any]
Answer = dict[str, Any]
Handler = Callable[[Event, Any], Answer]


def managed(work: Callable[[Event, Any], Coroutine[Any, Any, Answer]]) -> Handler:
    """The handler of a function that a queue, a schedule or a state machine invokes."""
    # One loop for the life of the process, since kept connections belong to it.
    runner = asyncio.Runner()
    if settings.snap_start():
        _take_part_in_snapshots()

    def handle(event: Event, context: Any) -> Answer:
        with logged(event, context):
            return runner.run(work(event, context), context=copy_context())

    return handle


def _take_part_in_snapshots() -> None:
    """Has the managed runtime run this process's hooks, by the library that it brings along.

    They run on a loop of their own: the one of the invocations is made after the restore, so that no copy shares it.
    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
    """
    from snapshot_restore_py import (  # noqa: PLC0415  # Lambda's own package, for SnapStart alone
        register_after_restore,
        register_before_snapshot,
    )

    register_before_snapshot(lambda: asyncio.run(run_before_snapshot()))
    register_after_restore(lambda: asyncio.run(run_after_restore()))


@contextmanager
def logged(event: Event, context: Any) -> Iterator[None]:
    """Puts the ids of an invocation on the lines that are logged inside; `context` is Lambda's."""
    _configure_once()
    request = event.get("requestContext") or {}
    with invocation(context.aws_request_id, request.get("requestId")):
        yield


@cache
def _configure_once() -> None:
    configure(settings.stack_name())
