"""Apps for the runtime's tests. They run in a function's process and speak plain ASGI."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import sys
from base64 import b64encode

import orjson
from msgspec.structs import asdict

from gateway.runtime.hooks import after_restore, before_snapshot
from gateway.runtime.invocation import Message, Receive, Scope, Send

log = logging.getLogger(__name__)

HEAD: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}


async def let_go() -> None:
    """Waits for the test's next word on stdin."""
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def reply(send: Send, body: bytes, *, status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


def http_only(scope: Scope) -> None:
    if scope["type"] != "http":
        raise ValueError("this app serves http only")


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the scope and the body."""
    http_only(scope)
    body = (await receive())["body"]
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "raw_path": scope["raw_path"].decode(),
        "query_string": scope["query_string"].decode(),
        "headers": [[name.decode(), value.decode()] for name, value in scope["headers"]],
        "client": scope["client"],
        "scheme": scope["scheme"],
        "stage": scope["aws.event"]["requestContext"]["stage"],
        "body_in_event": "body" in scope["aws.event"],
        "context": asdict(scope["aws.context"]),
        "body": b64encode(body).decode() if len(body) < 1000 else len(body),
    }
    await reply(send, orjson.dumps(seen))


async def large(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers with 6 MB in one piece."""
    http_only(scope)
    await reply(send, b"x" * 6_000_000)


async def stepwise(scope: Scope, _receive: Receive, send: Send) -> None:
    """Sends a head, then three pieces, each after the test allows it."""
    http_only(scope)
    await send(HEAD)
    for piece in (b"one", b"two", b"three"):
        await let_go()
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await let_go()
    await send({"type": "http.response.body"})


async def headers(scope: Scope, _receive: Receive, send: Send) -> None:
    http_only(scope)
    fields = [
        (b"Content-Type", b"text/plain"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"connection", b"keep-alive"),
        (b"Transfer-Encoding", b"chunked"),
    ]
    await send({"type": "http.response.start", "status": 201, "headers": fields})
    await send({"type": "http.response.body", "body": b"x"})


async def many_headers(scope: Scope, _receive: Receive, send: Send) -> None:
    http_only(scope)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"a" * 17_000)]})
    await send({"type": "http.response.body", "body": b"x"})


async def raises(scope: Scope, _receive: Receive, _send: Send) -> None:
    http_only(scope)
    raise LookupError("a customer's words")


async def logs(scope: Scope, _receive: Receive, send: Send) -> None:
    """Writes one log line of each kind."""
    http_only(scope)
    log.info("served")
    try:
        scope["a customer's words"]
    except KeyError:
        log.exception("not kept")
    await reply(send, b"logged")


async def raises_in_the_middle(scope: Scope, _receive: Receive, send: Send) -> None:
    http_only(scope)
    await send(HEAD)
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise LookupError("a customer's words")


async def raises_at_the_end(scope: Scope, _receive: Receive, send: Send) -> None:
    http_only(scope)
    await reply(send, b"whole")
    raise LookupError("a customer's words")


async def says_nothing(scope: Scope, _receive: Receive, _send: Send) -> None:
    http_only(scope)


async def stops_in_the_middle(scope: Scope, _receive: Receive, send: Send) -> None:
    http_only(scope)
    await send(HEAD)
    await send({"type": "http.response.body", "body": b"half", "more_body": True})


async def body_before_head(scope: Scope, _receive: Receive, send: Send) -> None:
    http_only(scope)
    await send({"type": "http.response.body", "body": b"x"})


async def waits_for_disconnect(scope: Scope, receive: Receive, send: Send) -> None:
    """Reports the results of `receive` while the answer is open, and after it."""
    http_only(scope)
    await receive()
    second = asyncio.ensure_future(receive())
    await asyncio.wait((second,), timeout=0.05)
    await reply(send, b"early" if second.done() else b"open")
    if (await second)["type"] != "http.disconnect":
        raise LookupError("no disconnect")


arrived: list[str] = []
all_here = asyncio.Event()


async def meets_three_others(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers only when four requests are in this process at once."""
    http_only(scope)
    arrived.append(scope["aws.context"].request_id)
    if len(arrived) == 4:
        all_here.set()
    await all_here.wait()
    await reply(send, scope["aws.context"].request_id.encode())


async def never_answers(scope: Scope, _receive: Receive, send: Send) -> None:
    http_only(scope)
    await send(HEAD)
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    await asyncio.Event().wait()


async def with_lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["greeting"] = b"hello"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise InterruptedError("the app was told to shut down")
    await reply(send, scope["state"]["greeting"])


async def cannot_start(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})
    raise InterruptedError("after a failed startup")


story: list[str] = []


async def with_snapshot(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers with the hooks' results and a random number."""
    http_only(scope)
    await reply(send, orjson.dumps({"story": story, "random": random.random()}))


@before_snapshot
async def _first() -> None:
    story.append("first before")


@before_snapshot
async def _second() -> None:
    story.append("second before")
    random.seed(1)


@after_restore
async def _after() -> None:
    story.append("after")


async def counts_cycles(scope: Scope, _receive: Receive, send: Send) -> None:
    """Counts the objects that one collection finds: garbage that the runtime leaves for each request."""
    http_only(scope)
    await reply(send, str(gc.collect()).encode())


async def modules(scope: Scope, _receive: Receive, send: Send) -> None:
    """Lists the names of all imported modules."""
    http_only(scope)
    await reply(send, " ".join(sys.modules).encode())


async def endless(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers without an end until no more is taken, and goes on all the same."""
    http_only(scope)
    await send(HEAD)
    try:
        while True:
            await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
            await asyncio.sleep(0.001)
    except OSError as lost:
        log.info("lost", extra={"lost": type(lost).__name__})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
