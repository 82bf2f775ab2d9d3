"""Failures in Lambda's form, and in the log's form, which has no message: a message can hold a customer's words.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-invokeerror
"""

from __future__ import annotations

import logging

import orjson
from msgspec import Struct

from gateway.logs.lines import stack_of

log = logging.getLogger(__name__)


class Fault(Struct, frozen=True):
    """An error's type, message and stack, one line for each frame."""

    type: str
    message: str
    stack: list[str]

    @classmethod
    def of(cls, error: BaseException) -> Fault:
        """The fault of an exception."""
        return cls(type(error).__name__, str(error), stack_of(error))

    def to_json(self) -> bytes:
        """The body of `/error` and of the error trailer."""
        return orjson.dumps({"errorType": self.type, "errorMessage": self.message, "stackTrace": self.stack})


def log_fault(what: str, fault: Fault) -> None:
    """Logs a failure without its message."""
    log.error(what, extra={"error_type": fault.type, "stack": fault.stack})
