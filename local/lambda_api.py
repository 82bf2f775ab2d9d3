"""Serves Lambda's Invoke inside the stack for moto's Step Functions, which call functions by their ARN.

Source: docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from local.functions import EventTooLarge, Functions, Throttled
from local.invocation import FunctionFailed

PATH = re.compile(r"/2015-03-31/functions/(?:[^/]*:function:)?([A-Za-z0-9_-]+)(?::[^/]*)?/invocations")

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class LambdaApi:
    """An ASGI app that answers Invoke, synchronously, for the functions of one stack, below a private path."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        # moto is told this address before the functions exist.
        self.functions: Functions | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        body = await _body(receive)
        found = PATH.fullmatch(scope["path"].removeprefix(self._prefix)) if self._is_below(scope["path"]) else None
        if found is None or self.functions is None or not self.functions.has(found[1]):
            await _answer(send, 404, b'{"Type": "User", "Message": "Function not found"}', "ResourceNotFoundException")
            return
        try:
            await _answer(send, 200, await self.functions.invoke(found[1], body))
        except FunctionFailed as failed:
            await _answer(send, 200, failed.payload, function_error="Unhandled")
        except Throttled:
            await _answer(send, 429, b'{"Type": "User", "Message": "Rate Exceeded"}', "TooManyRequestsException")
        except EventTooLarge:
            await _answer(send, 413, b'{"Type": "User", "Message": "Too large"}', "RequestTooLargeException")

    def _is_below(self, path: str) -> bool:
        return secrets.compare_digest(path[: len(self._prefix)].encode(), self._prefix.encode())


async def _body(receive: Receive) -> bytes:
    pieces, more = [], True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces)


async def _answer(send: Send, status: int, body: bytes, error: str = "", *, function_error: str = "") -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if error:
        headers.append((b"x-amzn-errortype", error.encode()))
    if function_error:
        headers.append((b"x-amz-function-error", function_error.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
