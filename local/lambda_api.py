"""Serves Lambda's Invoke inside the stack: for moto's Step Functions, and for functions that invoke others.

Source: docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import asyncio
import logging
import re
import secrets

from local.asgi import Receive, Scope, Send, answer, body_of
from local.functions import EventTooLarge, Functions, Throttled
from local.invocation import FunctionFailed

PATH = re.compile(r"/2015-03-31/functions/(?:[^/]*:function:)?([A-Za-z0-9_-]+)(?::[^/]*)?/invocations")

# Lambda tries an event again after one minute and after two more, where the function fails.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
AGAIN_AFTER_S = (60.0, 120.0)

log = logging.getLogger(__name__)


class LambdaApi:
    """An ASGI app that answers Invoke for the functions of one stack, below a private path."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        # moto is told this address before the functions exist.
        self.functions: Functions | None = None
        self._events: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await body_of(receive)
        found = PATH.fullmatch(scope["path"].removeprefix(self._prefix)) if self._is_below(scope["path"]) else None
        if found is None or self.functions is None or not self.functions.has(found[1]):
            await answer(send, 404, b'{"Type": "User", "Message": "Function not found"}', "ResourceNotFoundException")
            return
        if dict(scope["headers"]).get(b"x-amz-invocation-type") == b"Event":
            event = asyncio.create_task(_event(self.functions, found[1], body))
            self._events.add(event)
            event.add_done_callback(self._events.discard)
            await answer(send, 202, b"")
            return
        try:
            await answer(send, 200, await self.functions.invoke(found[1], body))
        except FunctionFailed as failed:
            await answer(send, 200, failed.payload, function_error="Unhandled")
        except Throttled:
            await answer(send, 429, b'{"Type": "User", "Message": "Rate Exceeded"}', "TooManyRequestsException")
        except EventTooLarge:
            await answer(send, 413, b'{"Type": "User", "Message": "Too large"}', "RequestTooLargeException")

    def _is_below(self, path: str) -> bool:
        return secrets.compare_digest(path[: len(self._prefix)].encode(), self._prefix.encode())


async def _event(functions: Functions, name: str, body: bytes) -> None:
    """Invokes a function for an event, and again where it fails."""
    for pause_s in (*AGAIN_AFTER_S, None):
        try:
            await functions.invoke(name, body)
        except (FunctionFailed, Throttled, EventTooLarge) as error:
            log.warning("%s failed: %r", name, error)
            if pause_s is None or isinstance(error, EventTooLarge):
                return
            await asyncio.sleep(pause_s)
        else:
            return
