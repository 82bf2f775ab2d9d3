"""Measures other gateways beside ours in one run: `python -m bench peers`, after `make bench-peers`.

Each is one process on the core that is measured, before the bench's provider, and gets the same requests: a raw asyncio
relay and a relay of Starlette and httpx, which keep no keys; LiteLLM's proxy with keys and limits in memory (its hook
for keys, no database); Portkey's gateway, which keeps none. Ours has keys, limits, holds and a ledger, and runs behind
the local Runtime API; its DynamoDB answers at once. Rounds alternate, and every figure is of several processes.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import orjson

from bench.asks import KEY, chat_body, order
from bench.bed import ROOT, Bed, open_bed
from bench.environment import Environment, Kind, Unanswered, started
from bench.process import Process, cpu_ns, resident_bytes, spawned

HOME = ROOT / ".cache" / "peers"
SERVERS = Path(__file__).with_name("peer_servers")
PYTHON, NODE = HOME / "litellm" / "bin" / "python", HOME / "portkey"
PORTKEY = NODE / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
STARTS_WITHIN_S, ANSWERS_WITHIN_S = 240.0, 60.0
READ_BYTES = 65536
# Servers close what is idle, uvicorn after five seconds.
KEPT_S = 2.0
PROCESSES, ROUNDS, REQUESTS, STREAMS = 2, 3, 20, 5
CHUNKS, PAUSE_MS = 150, 5
OURS = "ours"
# LiteLLM does not start with a weak one; the measured requests carry a key of the table in its hook.
MASTER_KEY = "sk-6f1d0c9be0c94d4c8f2f6e1c7a35d9e2b7f4a1c3"


@dataclass(slots=True)
class Measured:
    """The results of one gateway, of every process and round."""

    start_ms: list[float] = field(default_factory=list)
    request_ms: list[float] = field(default_factory=list)
    wait_ms: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    chunk_us: list[float] = field(default_factory=list)
    resident_mb: list[float] = field(default_factory=list)


FIGURES = {
    "start_ms": "start, CPU ms",
    "request_ms": "request, CPU ms",
    "wait_ms": "request, wait ms",
    "first_ms": "first chunk, wait ms",
    "chunk_us": "paced chunk, CPU us",
    "resident_mb": "memory, MB",
}
# CPU in microseconds, seconds to the first byte and to the last.
Asked = tuple[float, float, float]


class Ours:
    """The chat function behind the Runtime API."""

    def __init__(self, environment: Environment, bed: Bed) -> None:
        self._environment, self._bed = environment, bed

    def usage(self) -> tuple[float, float]:
        """CPU in milliseconds since it was spawned, and memory in MB."""
        return self._environment.cpu_ms, self._environment.resident_mb

    async def ask(self, count: int = 0, pause_ms: int = 0) -> Asked:
        """Asks for a whole answer, or for a stream of `count` chunks."""
        event = self._bed.stream(count, pause_ms=pause_ms) if count else self._bed.request()
        answer = await self._environment.ask(event)
        return answer.cpu_us, answer.first_s, answer.last_s


class Peer:
    """A server on a port."""

    def __init__(self, process: Process, port: int, headers: Mapping[str, str]) -> None:
        self._process, self._port = process, port
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._socket: socket.socket | None = None
        self._used_s = 0.0

    def usage(self) -> tuple[float, float]:
        """CPU in milliseconds since it was spawned, and memory in MB."""
        return cpu_ns(self._process.pid) / 1e6, resident_bytes(self._process.pid) / 1e6

    async def ask(self, count: int = 0, pause_ms: int = 0) -> Asked:
        """Asks for a whole answer, or for a stream of `count` chunks."""
        options = {"stream": True, "stream_options": {"include_usage": True}}
        body = chat_body(order(count, pause_ms=pause_ms), **options) if count else chat_body("Say something.")
        before_ns = cpu_ns(self._process.pid)
        first_s, last_s = await asyncio.to_thread(self._exchange, orjson.dumps(body))
        return (cpu_ns(self._process.pid) - before_ns) / 1e3, first_s, last_s

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

    def _exchange(self, body: bytes) -> tuple[float, float]:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{self._headers}"
        if self._socket is None or time.monotonic() - self._used_s > KEPT_S:
            self._socket = socket.create_connection(("127.0.0.1", self._port), ANSWERS_WITHIN_S)
        began_s = time.perf_counter()
        self._socket.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        data = self._socket.recv(READ_BYTES)
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


def _whole(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    lengths = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    return len(body) >= int(lengths[0]) if lengths else body.endswith(b"0\r\n\r\n")


@dataclass(frozen=True, slots=True)
class Server:
    """A peer's command for a port, its environment, and the headers that its requests carry."""

    command: Callable[[int], Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def servers(bed: Bed, data: Path) -> dict[str, Server]:
    """The peers that are installed."""
    provider = bed.outside["provider"]
    host, _, port = provider.removeprefix("http://").removesuffix("/v1").partition(":")
    found = {
        "asyncio relay": Server(lambda own: [sys.executable, str(SERVERS / "relay_asyncio.py"), str(own), host, port])
    }
    if PYTHON.exists():
        relay = str(SERVERS / "relay_starlette.py")
        found["Starlette + httpx relay"] = Server(lambda own: [str(PYTHON), relay, str(own), provider])
        found["LiteLLM, keys in memory"] = _litellm(provider, data)
    node = shutil.which("node")
    if node and PORTKEY.exists():
        headers = {
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": provider,
            "authorization": "Bearer sk-bench",
        }
        found["Portkey, no keys"] = Server(lambda own: [node, str(PORTKEY), f"--port={own}", "--headless"], {}, headers)
    return found


def _litellm(provider: str, data: Path) -> Server:
    shutil.copy(SERVERS / "litellm_auth.py", data)
    settings = {
        "model_list": [
            {
                "model_name": "gpt-4o",
                "litellm_params": {"model": "openai/gpt-4o", "api_base": provider, "api_key": "sk-bench"},
            }
        ],
        "general_settings": {"custom_auth": "litellm_auth.user_api_key_auth", "master_key": MASTER_KEY},
    }
    # JSON is YAML.
    (data / "litellm.yaml").write_bytes(orjson.dumps(settings))
    run = [str(PYTHON.with_name("litellm")), "--config", str(data / "litellm.yaml"), "--host", "127.0.0.1"]
    environment = {"PYTHONPATH": str(data), "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    headers = {"authorization": f"Bearer {KEY}"}
    return Server(lambda own: [*run, "--port", str(own), "--num_workers", "1"], environment, headers)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def _serving(server: Server, beside: Kind) -> AsyncIterator[Peer]:
    port = _free_port()
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **server.environment}
    place = beside.log.parent
    command = server.command(port)
    async with spawned(command, env=env, cwd=place, log=place / "peers.log", cores=beside.cores) as process:
        peer = Peer(process, port, server.headers)
        await peer.wait()
        yield peer


async def measure() -> dict[str, Measured]:
    """Measures all of them: in each turn a new process of each, and rounds that alternate between them."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        data = Path(folder)
        async with open_bed(None, data) as bed:
            peers = servers(bed, data)
            results = {name: Measured() for name in (OURS, *peers)}
            for _ in range(PROCESSES):
                async with AsyncExitStack() as stack:
                    subjects: dict[str, Ours | Peer] = {
                        OURS: Ours(await stack.enter_async_context(started(bed.chat)), bed)
                    }
                    results[OURS].start_ms.append(subjects[OURS].usage()[0])
                    for name, server in peers.items():
                        subjects[name] = await stack.enter_async_context(_serving(server, bed.noop))
                        results[name].start_ms.append(subjects[name].usage()[0])
                    for subject in subjects.values():
                        await _many(subject, REQUESTS)
                        await subject.ask(5)
                    for _ in range(ROUNDS):
                        for name, subject in subjects.items():
                            await _round(subject, results[name])
            return results


async def _many(subject: Ours | Peer, times: int, count: int = 0) -> list[Asked]:
    return [await subject.ask(count) for _ in range(times)]


async def _round(subject: Ours | Peer, measured: Measured) -> None:
    requests = await _many(subject, REQUESTS)
    streams = await _many(subject, STREAMS, 1)
    paced_us, _, _ = await subject.ask(CHUNKS, PAUSE_MS)
    single_us = median(cpu_us for cpu_us, _, _ in streams)
    measured.request_ms.append(sum(cpu_us for cpu_us, _, _ in requests) / len(requests) / 1e3)
    measured.wait_ms.append(median(last_s for _, _, last_s in requests) * 1e3)
    measured.first_ms.append(median(first_s for _, first_s, _ in streams) * 1e3)
    measured.chunk_us.append((paced_us - single_us) / (CHUNKS - 1))
    measured.resident_mb.append(subject.usage()[1])


def table(results: Mapping[str, Measured]) -> str:
    """Medians; beside them how many times ours each is."""
    lines = [f"{'':<26}" + "".join(f"{title:>24}" for title in FIGURES.values())]
    for name, measured in results.items():
        cells = []
        for figure in FIGURES:
            value, ours = (median(getattr(each, figure)) for each in (measured, results[OURS]))
            cells.append(f"{value:>15.4g} ({value / ours:>5.2f}x)")
        lines.append(f"{name:<26}" + "".join(f"{cell:>24}" for cell in cells))
    return "\n".join(lines)


def install() -> int:
    """Installs the pinned peers into `.cache/peers`, in environments of their own."""
    HOME.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", HOME / "litellm"], check=True)
    pip = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        str(SERVERS / "litellm.in"),
    ]
    subprocess.run(pip, check=True)
    NODE.mkdir(exist_ok=True)
    shutil.copy(SERVERS / "package.json", NODE)
    subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"], cwd=NODE, check=True)
    return 0


def main(*, as_json: bool) -> int:
    """Prints the table, or one line of JSON."""
    results = asyncio.run(measure())
    if as_json:
        print(orjson.dumps(results).decode())
    else:
        print(table(results))
    return 0
