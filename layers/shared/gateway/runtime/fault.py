"""Failures as Lambda wants them, and as the log may have them: a message can hold a customer's words, a type
cannot.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-invokeerror
"""

from __future__ import annotations

import sys
import traceback
from typing import NamedTuple

import orjson


class Fault(NamedTuple):
    """An error's type, message and stack, one line for each frame."""

    type: str
    message: str
    stack: list[str]

    @classmethod
    def of(cls, error: BaseException) -> Fault:
        """The fault an exception stands for."""
        frames = traceback.extract_tb(error.__traceback__)
        stack = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return cls(type(error).__name__, str(error), stack)

    def to_json(self) -> bytes:
        """The body of `/error` and of the error trailer."""
        return orjson.dumps({"errorType": self.type, "errorMessage": self.message, "stackTrace": self.stack})


def log_fault(what: str, fault: Fault, request_id: str | None = None) -> None:
    """One JSON line for a failure, without its message."""
    log_line("ERROR", what, request_id=request_id, error_type=fault.type, stack=fault.stack)


def log_line(level: str, message: str, **fields: object) -> None:
    """One JSON line on stderr, which Lambda forwards to the function's log group."""
    line = orjson.dumps({"level": level, "message": message, **fields})
    sys.stderr.write(line.decode() + "\n")
