"""Writes log records as JSON, one object a line, with the ids of the current invocation.

Lambda forwards stderr to the function's log group, and filters by `level` where `timestamp` is RFC 3339's:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html

An exception is logged by its types and frames. Its text is logged only where the gateway itself wrote it about a
failure of its own: other texts may quote what a customer sent. `secrets` hides in every line what slips through.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import orjson

from gateway.errors import UpstreamError
from gateway.logs.metrics import METRIC, emf
from gateway.logs.secrets import clean, may_hold

CAUSES_MAX = 8
# Attributes of every record; the other attributes of a record were given as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"asctime", "message", "taskName", METRIC}

_OUTSIDE: Mapping[str, str] = MappingProxyType({})
_invocation: ContextVar[Mapping[str, str]] = ContextVar("invocation", default=_OUTSIDE)


@contextmanager
def invocation(invocation_id: str, request_id: str | None = None) -> Iterator[None]:
    """Adds the ids to every line logged inside the context.

    `invocation_id` is Lambda's. `request_id` is API Gateway's, which its client receives as `X-Trace-ID`. For an event
    that is not an HTTP request, it is Lambda's too.
    """
    token = _invocation.set({"request_id": request_id or invocation_id, "invocation_id": invocation_id})
    try:
        yield
    finally:
        _invocation.reset(token)


def configure(stack: str) -> None:
    """Makes the root logger write JSON lines from INFO up; `stack` is the dimension of every metric.

    Lambda's own client adds a handler that would write each record twice; it is removed.
    """
    handler = StderrHandler()
    handler.setFormatter(JsonFormatter(stack))
    root = logging.getLogger()
    for other in root.handlers[:]:
        if type(other).__module__.startswith(("awslambdaric", "gateway.logs")):
            root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # What no line tells is not looked up for it: the caller's frame, thread, process and task.
    # https://docs.python.org/3/howto/logging.html#optimization
    unused = ("logThreads", "logProcesses", "logMultiprocessing", "logAsyncioTasks")
    vars(logging).update(_srcfile=None, **dict.fromkeys(unused, False))


class StderrHandler(logging.Handler):
    """Writes each record as one line, at once, to the current stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")
        sys.stderr.flush()


class JsonFormatter(logging.Formatter):
    """Formats a record as a JSON object: time, level, message, source, invocation, and all members of `extra`."""

    def __init__(self, stack: str) -> None:
        super().__init__()
        self._stack = stack

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": f"{_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            **_invocation.get(),
        }
        attributes = vars(record)
        line |= {name: value for name, value in attributes.items() if name not in _STANDARD}
        if METRIC in attributes:
            line |= emf(attributes[METRIC], self._stack, int(record.created * 1000))
        if record.exc_info and record.exc_info[1] is not None:
            line |= failure(record.exc_info[1])
        try:
            written = orjson.dumps(line, default=str).decode()
            return orjson.dumps(clean(line)).decode() if may_hold(written) else written
        except TypeError:
            # Text that is not valid UTF-8, such as half of a surrogate pair, must not lose the line.
            return orjson.dumps({name: ascii(value) for name, value in clean(line).items()}).decode()


@lru_cache(maxsize=1)
def _second(epoch_s: int) -> str:
    """The second in RFC 3339's words, which lines of the same second share."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(epoch_s))


def failure(error: BaseException) -> dict[str, Any]:
    """An exception as members of a line: its type, its own text, its frames, and the same of its cause."""
    first, *causes = [_described(one) for one in _chain(error)]
    return {**first, "causes": causes} if causes else first


def stack_of(error: BaseException) -> list[str]:
    """The frames of an exception, one line each, the innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _described(error: BaseException) -> dict[str, Any]:
    words = {"error": str(error)} if _has_own_words(error) else {}
    return {"error_type": type(error).__name__, **words, "stack": stack_of(error)}


def _has_own_words(error: BaseException) -> bool:
    """True if the gateway wrote the text about its own failure; refusals and providers' errors may
    quote the request.
    """
    is_own = type(error).__module__.startswith("gateway.") and not isinstance(error, UpstreamError)
    return is_own and getattr(error, "status", 500) >= 500


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and len(found) < CAUSES_MAX:
        found.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return found
