"""Provides the Runtime API as documented, on h11, and starts a function's process as Lambda does."""

from __future__ import annotations

import asyncio
import os
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Container
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h11
import orjson

from tests.hangs import HANGS_AFTER_S

ROOT = Path(__file__).parents[2]
WRAPPER = ROOT / "layers/shared/stream-runtime"
TASK_ROOT = Path(__file__).parent / "task_root"
VERSION = "/2018-06-01/runtime"


class Changing:
    """A state that tests wait for. `until` returns once the condition holds, or fails the test."""

    def __init__(self) -> None:
        self._change = asyncio.Event()

    def changed(self) -> None:
        self._change.set()

    async def until(self, condition: Callable[[], object], limit_s: float = HANGS_AFTER_S) -> None:
        async with asyncio.timeout(limit_s):
            while not condition():
                self._change.clear()
                await self._change.wait()


@dataclass
class Post:
    """The runtime's post on one route. `pieces` are its reads, `trailers` the headers after them."""

    route: str
    headers: dict[str, str]
    pieces: list[bytes] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)
    complete: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def prelude(self) -> dict[str, Any]:
        head: dict[str, Any] = orjson.loads(self.body.partition(b"\x00" * 8)[0])
        return head

    @property
    def content(self) -> bytes:
        return self.body.partition(b"\x00" * 8)[2]

    @property
    def fault(self) -> dict[str, Any]:
        in_trailer = self.trailers.get("lambda-runtime-function-error-body")
        fault: dict[str, Any] = orjson.loads(b64decode(in_trailer) if in_trailer else self.body)
        return fault


class LambdaFake(Changing):
    """A server that answers `/next` with queued events and records posts in order of arrival.

    `refused` are the numbers of the polls that get a 403 in place of an event, at once. Of an answer longer than
    `takes_bytes` no more is taken: it is answered before its end, or with `reply_status` 0 its connection is closed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.address = ""
        self.posts: list[Post] = []
        self.polls = 0
        self.connections = 0
        self.restores = 0
        self.restore = asyncio.Event()
        self.reply_status = 202
        self.restore_status = 200
        self.refused: Container[int] = ()
        self.takes_bytes: int | None = None
        self._invocations: asyncio.Queue[tuple[str, bytes, dict[str, str]]] = asyncio.Queue()
        self._number = 0

    def invoke(self, event: object, **headers: str) -> str:
        """Queues an event, given as JSON bytes or as a value, and returns its request id."""
        self._number += 1
        request_id = f"request-{self._number}"
        data = event if isinstance(event, bytes) else orjson.dumps(event)
        self._invocations.put_nowait((request_id, data, headers))
        return request_id

    def posted(self, request_id: str) -> Post | None:
        return next((post for post in self.posts if f"/{request_id}/" in post.route), None)

    async def answer(self, request_id: str) -> Post:
        """Returns the complete answer to an invocation."""
        await self.until(lambda: (post := self.posted(request_id)) and post.complete)
        post = self.posted(request_id)
        assert post is not None
        return post

    async def call(self, event: object, **headers: str) -> Post:
        return await self.answer(self.invoke(event, **headers))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        post: Post | None = None
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(1 << 20))
            elif isinstance(event, h11.Request):
                headers = {name.decode(): value.decode() for name, value in event.headers}
                post = Post(f"{event.method.decode()} {event.target.decode()}", headers)
                if event.method == b"POST":
                    self.posts.append(post)
            elif isinstance(event, h11.Data) and post is not None:
                post.pieces.append(bytes(event.data))
                if self.takes_bytes is not None and len(post.body) > self.takes_bytes:
                    if self.reply_status:
                        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % self.reply_status)
                        with suppress(ConnectionError):
                            while await reader.read(1 << 20):
                                pass
                    return
            elif isinstance(event, h11.EndOfMessage) and post is not None:
                post.trailers = {name.decode(): value.decode() for name, value in event.headers}
                status, fields, body = await self._reply(post)
                post.complete = True
                fields = [("content-length", str(len(body))), *fields]
                head = h11.Response(status_code=status, headers=fields)
                parts = (head, h11.Data(data=body), h11.EndOfMessage())
                # In one write: `writelines` spins on a last part that is empty.
                writer.write(b"".join(connection.send(part) or b"" for part in parts))
                connection.start_next_cycle()
            else:
                return
            self.changed()

    async def _reply(self, post: Post) -> tuple[int, list[tuple[str, str]], bytes]:
        if post.route == f"GET {VERSION}/invocation/next":
            self.polls += 1
            self.changed()
            if self.polls in self.refused:
                return 403, [], b""
            request_id, data, headers = await self._invocations.get()
            return 200, _next_headers(request_id, headers), data
        if post.route == f"GET {VERSION}/restore/next":
            self.restores += 1
            self.changed()
            await self.restore.wait()
            return self.restore_status, [], b""
        return self.reply_status, [("content-type", "application/json")], b'{"status":"OK"}'


def _next_headers(request_id: str, extra: dict[str, str]) -> list[tuple[str, str]]:
    return [
        ("Lambda-Runtime-Aws-Request-Id", request_id),
        ("Lambda-Runtime-Deadline-Ms", "1900000000000"),
        ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:chat"),
        ("Content-Type", "application/json"),
        *[(f"Lambda-Runtime-{name.replace('_', '-')}", value) for name, value in extra.items()],
    ]


@asynccontextmanager
async def listening() -> AsyncIterator[LambdaFake]:
    fake = LambdaFake()
    tasks: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await fake.serve(reader, writer)
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fake.connections += 1
        writers.append(writer)
        tasks.append(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1 << 24)
    fake.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield fake
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


@dataclass
class Function:
    """A function's process and its side of the Runtime API."""

    process: asyncio.subprocess.Process
    api: LambdaFake

    def go_on(self) -> None:
        """Lets an app that awaits `let_go` take its next step."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go on\n")

    async def until_content(self, request_id: str, content: bytes) -> Post:
        """Waits until that much of an answer has arrived."""
        await self.api.until(lambda: (post := self.api.posted(request_id)) and post.content == content)
        post = self.api.posted(request_id)
        assert post is not None
        return post

    async def exit(self) -> tuple[int | None, list[dict[str, Any]]]:
        """Returns the exit code and the log lines."""
        async with asyncio.timeout(HANGS_AFTER_S):
            _, log = await self.process.communicate()
        return self.process.returncode, [orjson.loads(line) for line in log.splitlines()]

    async def stop(self) -> tuple[int | None, list[dict[str, Any]]]:
        self.process.terminate()
        return await self.exit()


@asynccontextmanager
async def function(handler: str, **environment: str) -> AsyncIterator[Function]:
    """Starts a process of `handler` in `task_root`, through the exec wrapper, with only Lambda's environment."""
    async with listening() as api:
        process = await asyncio.create_subprocess_exec(
            str(WRAPPER),
            sys.executable,
            "/var/runtime/bootstrap.py",
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"],
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "LAMBDA_TASK_ROOT": str(TASK_ROOT),
                "_HANDLER": handler,
                **environment,
            },
        )
        try:
            yield Function(process, api)
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()


def http_event(**changes: object) -> dict[str, Any]:
    """Builds a REST API proxy event, as API Gateway sends it."""
    event: dict[str, Any] = {
        "resource": "/v1/{proxy+}",
        "path": "/v1/chat/completions",
        "httpMethod": "POST",
        "headers": {"Host": "api.example.com"},
        "multiValueHeaders": {"Host": ["api.example.com"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": "chat/completions"},
        "stageVariables": None,
        "requestContext": {
            "path": "/prod/v1/chat/completions",
            "stage": "prod",
            "requestId": "11111111-2222-3333-4444-555555555555",
            "identity": {"sourceIp": "203.0.113.7"},
        },
        "body": None,
        "isBase64Encoded": False,
    }
    return {**event, **changes}
