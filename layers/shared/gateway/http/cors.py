"""Answers browsers that ask whether a page of another origin may call the API. Pure ASGI, around any app.

Keys travel in headers and never in cookies, so no answer allows credentials and `*` is a safe list of origins.
https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any

ANY = "*"
METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
# The longest that Chrome keeps the answer to a preflight, in seconds.
MAX_AGE_S = b"7200"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Pairs = list[tuple[bytes, bytes]]


class CrossOrigin:
    """Serves an app to pages of the origins that it is told at each request; with none it changes nothing."""

    def __init__(self, app: App, origins: Callable[[], Collection[str]]) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a preflight, and says of every other answer which pages may read it."""
        origins = self._origins()
        if scope["type"] != "http" or not origins:
            await self._app(scope, receive, send)
            return
        asked = dict(scope["headers"])
        origin = asked.get(b"origin", b"")
        any_page = ANY in origins
        readable = any_page or origin.decode("latin-1") in origins
        allowed = [(b"access-control-allow-origin", b"*" if any_page else origin)] if readable else []
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in asked:
            await _answer_preflight(asked, allowed, send)
            return

        def send_with_origin(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                exposed = [(b"access-control-expose-headers", b"*")] if allowed else []
                # Where some origins may not, a cache must not give one page another's answer.
                varies = [] if any_page else [(b"vary", b"Origin")]
                message = {**message, "headers": [*message.get("headers", []), *allowed, *exposed, *varies]}
            return send(message)

        await self._app(scope, receive, send_with_origin)


async def _answer_preflight(asked: Mapping[bytes, bytes], allowed: Pairs, send: Send) -> None:
    """204, and what may be sent: every header that is asked for, since SDKs add dozens of their own."""
    headers = [(b"vary", b"Origin, Access-Control-Request-Headers")]
    if allowed:
        wanted = asked.get(b"access-control-request-headers", b"")
        headers += [
            *allowed,
            (b"access-control-allow-methods", METHODS),
            (b"access-control-max-age", MAX_AGE_S),
            *([(b"access-control-allow-headers", wanted)] if wanted else []),
        ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
