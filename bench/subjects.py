"""Processes that are asked for the same answers: ours behind the local Runtime API, and servers on a port."""

import asyncio
import socket
import time
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import orjson

from bench.asks import CHAT, Ask, chat_body, order
from bench.bed import Bed
from bench.environment import Environment, Unanswered
from bench.process import Process, cpu_ns, resident_bytes

STARTS_WITHIN_S, ANSWERS_WITHIN_S = 240.0, 60.0
READ_BYTES = 65536
# Servers close what is idle, uvicorn after five seconds.
KEPT_S = 2.0


class Asked(NamedTuple):
    """The process's CPU in microseconds, and the caller's seconds to the first byte and to the last."""

    cpu_us: float
    first_s: float
    last_s: float


class Subject(Protocol):
    """One process, or one of the wires that it serves."""

    @property
    def pid(self) -> int:
        """The process's id."""

    def usage(self) -> tuple[float, float]:
        """CPU in milliseconds since it was spawned, and memory in MB."""

    async def ask(self, count: int = 0, pause_ms: int = 0) -> Asked:
        """Asks for a whole answer, or for a stream of `count` chunks."""


class Ours:
    """A function behind the Runtime API, asked on one wire."""

    def __init__(self, environment: Environment, bed: Bed, ask: Ask = CHAT) -> None:
        self._environment, self._bed, self._ask = environment, bed, ask

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._environment.pid

    def usage(self) -> tuple[float, float]:
        """CPU in milliseconds since it was spawned, and memory in MB."""
        return self._environment.cpu_ms, self._environment.resident_mb

    async def ask(self, count: int = 0, pause_ms: int = 0) -> Asked:
        """Asks for a whole answer, or for a stream of `count` chunks."""
        stream = self._bed.stream(count, pause_ms=pause_ms, ask=self._ask)
        answer = await self._environment.ask(stream if count else self._bed.request(self._ask))
        return Asked(answer.cpu_us, answer.first_s, answer.last_s)


class Peer:
    """A server on a port, asked on OpenAI's wire."""

    def __init__(self, process: Process, port: int, headers: Mapping[str, str]) -> None:
        self._process, self._port = process, port
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._socket: socket.socket | None = None
        self._used_s = 0.0

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def usage(self) -> tuple[float, float]:
        """CPU in milliseconds since it was spawned, and memory in MB."""
        return cpu_ns(self.pid) / 1e6, resident_bytes(self.pid) / 1e6

    async def ask(self, count: int = 0, pause_ms: int = 0) -> Asked:
        """Asks for a whole answer, or for a stream of `count` chunks."""
        options = {"stream": True, "stream_options": {"include_usage": True}}
        body = chat_body(order(count, pause_ms=pause_ms), **options) if count else chat_body("Say something.")
        before_ns = cpu_ns(self.pid)
        first_s, last_s = await asyncio.to_thread(self._exchange, orjson.dumps(body))
        return Asked((cpu_ns(self.pid) - before_ns) / 1e3, first_s, last_s)

    async def wait(self) -> None:
        """Waits until it answers."""
        until_s = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < until_s and self._process.returncode is None:
            try:
                await self.ask()
            except (OSError, Unanswered):
                self._socket = None
                await asyncio.sleep(0.2)
            else:
                return
        raise Unanswered("a peer did not start")

    def close(self) -> None:
        """Closes the connection."""
        if self._socket is not None:
            self._socket.close()

    def _exchange(self, body: bytes) -> tuple[float, float]:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{self._headers}"
        if self._socket is None or time.monotonic() - self._used_s > KEPT_S:
            self.close()
            self._socket = socket.create_connection(("127.0.0.1", self._port), ANSWERS_WITHIN_S)
        began_s = time.perf_counter()
        self._socket.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        data = bytearray(self._socket.recv(READ_BYTES))
        first_s = time.perf_counter() - began_s
        while not _whole(data):
            more = self._socket.recv(READ_BYTES)
            if not more:
                raise Unanswered(f"cut: {data[:300]!r}")
            data += more
        if not data.startswith(b"HTTP/1.1 200"):
            raise Unanswered(data[:300].decode(errors="replace"))
        self._used_s = time.monotonic()
        return first_s, time.perf_counter() - began_s


def _whole(data: bytearray) -> bool:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    lines = bytes(data[:end]).lower().split(b"\r\n")
    lengths = [line.partition(b":")[2] for line in lines if line.startswith(b"content-length")]
    return len(data) - end - 4 >= int(lengths[0]) if lengths else data.endswith(b"0\r\n\r\n")
