"""Runs functions on Lambda's managed runtime: one event loop a process, and the invocation's ids on every log line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from typing import Any

from gateway.logs.lines import configure, invocation
from gateway.wiring import settings

Event = dict[str, Any]
Answer = dict[str, Any]
Handler = Callable[[Event, Any], Answer]


def managed(work: Callable[[Event, Any], Coroutine[Any, Any, Answer]]) -> Handler:
    """The handler of a function that a queue, a schedule or a state machine invokes."""
    # One loop for the life of the process, since kept connections belong to it.
    runner = asyncio.Runner()

    def handle(event: Event, context: Any) -> Answer:
        with logged(event, context):
            return runner.run(work(event, context), context=copy_context())

    return handle


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
