"""Reads the body of an ASGI request and answers with a whole one, for the stack's small APIs."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


async def body_of(receive: Receive) -> bytes:
    """The whole body of a request."""
    pieces, more = [], True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces)


async def answer(send: Send, status: int, body: bytes, error: str = "", *, function_error: str = "") -> None:
    """Answers with JSON; `error` and `function_error` are named in AWS's headers."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if error:
        headers.append((b"x-amzn-errortype", error.encode()))
    if function_error:
        headers.append((b"x-amz-function-error", function_error.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
