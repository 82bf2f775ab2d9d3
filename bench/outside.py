"""The function's peers in one process on 127.0.0.1: AWS's services and a provider, which answer as fast as they can.

    python -m bench.outside

It prints one JSON line with its two base URLs and serves until its standard input closes. `GET /seen` on AWS's side
returns the number of operations since the previous `GET /seen`, and the number of them before the provider was called.
"""

import asyncio
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import orjson

from bench import aws_answers, provider_answers

ORDER = re.compile(rb"(\d+) chunks of (\d+) bytes every (\d+) ms")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TARGET = re.compile(rb"\r\nx-amz-target: *[\w]+\.(\w+)", re.IGNORECASE)
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"


class Request(NamedTuple):
    """A whole request; the head is its bytes."""

    head: bytes
    body: bytes


Handler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


class Outside:
    """Answers requests, and counts the called operations."""

    def __init__(self) -> None:
        self._provider_url = ""
        self._calls = 0
        self._before_upstream: int | None = None

    async def serve(self) -> None:
        """Serves until standard input closes."""
        aws_url, self._provider_url = await _listen(self._aws), await _listen(self._provider) + "/v1"
        print(orjson.dumps({"aws": aws_url, "provider": self._provider_url}).decode(), flush=True)
        await asyncio.to_thread(sys.stdin.read)

    async def _aws(self, request: Request, writer: asyncio.StreamWriter) -> None:
        target = TARGET.search(request.head)
        if target is None:
            self._tell(writer)
            return
        self._calls += 1
        writer.write(aws_answers.answer(target[1].decode(), orjson.loads(request.body), self._provider_url))

    def _tell(self, writer: asyncio.StreamWriter) -> None:
        body = orjson.dumps({"in_all": self._calls, "before_upstream": self._before_upstream})
        self._calls, self._before_upstream = 0, None
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async def _provider(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if self._before_upstream is None:
            self._before_upstream = self._calls
        answers = provider_answers.answers_at(request.head)
        order = ORDER.search(request.body)
        if order is None:
            writer.write(answers.completion)
            return
        count, chunk_bytes, pause_ms = map(int, order.groups())
        await _stream(writer, count, answers, chunk_bytes, pause_ms / 1000)


async def _stream(
    writer: asyncio.StreamWriter, count: int, answers: provider_answers.Answers, chunk_bytes: int, pause_s: float
) -> None:
    """Sends the first chunk with the head, and each later one `pause_s` after the one before, by the clock."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    chunk = answers.chunk(chunk_bytes)
    writer.write(SSE_HEAD + answers.opening + chunk)
    if not pause_s:
        # In as few pieces as the sockets take: how many chunks a read brings then depends little on the machine.
        writer.write(chunk * (count - 1) + answers.ending)
        return
    for number in range(1, count):
        await asyncio.sleep(began_s + number * pause_s - loop.time())
        writer.write(chunk)
        await writer.drain()
    writer.write(answers.ending)


async def _listen(handle: Handler) -> str:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                await handle(Request(head, body), writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            # The function has closed its connection, or was ended.
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


if __name__ == "__main__":
    # A terminal's Ctrl-C goes to the whole group; the bench ends this process by closing its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(Outside().serve())
