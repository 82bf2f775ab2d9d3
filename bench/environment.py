"""One execution environment: a process of ours behind the local stack's own Runtime API, with one request at a time."""

import asyncio
import sys
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench.process import Process, cpu_ns, is_running, line_from, peak_bytes, resident_bytes, spawned
from local.functions import new_trace_id
from local.invocation import FunctionFailed, Invocation
from local.limits import AWS_LIMITS
from local.runtime_api import RuntimeApi

PRELUDE_END = b"\x00" * 8
STARTS_WITHIN_S = 30.0
ANSWERS_WITHIN_S = 120.0


class Unanswered(Exception):
    """Reports that an invocation did not end in status 200, so its measurement is invalid."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A command with its environment, on a core of its own. `log` receives its output."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    cores: frozenset[int]


@dataclass(frozen=True, slots=True)
class Answered:
    """Measurements of one invocation: seconds to its first and last byte, and the process's CPU until its next poll."""

    first_s: float
    last_s: float
    cpu_us: float
    body_bytes: int


class Environment:
    """A process that waits in `/next`."""

    def __init__(self, kind: Kind, api: RuntimeApi, process: Process) -> None:
        self._kind = kind
        self._api = api
        self._process = process

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def cpu_ms(self) -> float:
        """CPU since it was spawned."""
        return cpu_ns(self._process.pid) / 1e6

    @property
    def resident_mb(self) -> float:
        """Memory in RAM now."""
        return resident_bytes(self._process.pid) / 1e6

    @property
    def peak_mb(self) -> float:
        """The most memory in RAM since it was spawned."""
        return peak_bytes(self._process.pid) / 1e6

    async def asleep(self) -> None:
        """Waits until the process sleeps in the kernel: its last answer may leave it something to do."""
        while is_running(self._process.pid):  # noqa: ASYNC110  # the kernel tells of no such event
            await asyncio.sleep(0.001)

    async def ask(self, event: bytes) -> Answered:
        """Runs one invocation, until the process waits for the next; raises Unanswered."""
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:{self._kind.name}"
        invocation = Invocation(str(uuid.uuid4()), arn, new_trace_id(), event)
        cpu_before_ns, began_s = cpu_ns(self._process.pid), time.perf_counter()
        self._api.submit(invocation)
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                first_s, length = await _read(invocation)
                last_s = time.perf_counter() - began_s
                await self._api.waiting.wait()
        except (FunctionFailed, TimeoutError) as error:
            raise Unanswered(f"{self._kind.name}: {error}: {_tail(self._kind.log)}") from error
        cpu_us = (cpu_ns(self._process.pid) - cpu_before_ns) / 1e3
        return Answered(first_s - began_s, last_s, cpu_us, length)


async def _read(invocation: Invocation) -> tuple[float, int]:
    """The time of the first byte, and the body's length."""
    chunks = invocation.chunks()
    head = await anext(chunks)
    first_s = time.perf_counter()
    prelude, _, body = head.partition(PRELUDE_END)
    length = len(body)
    async for chunk in chunks:
        length += len(chunk)
    status = orjson.loads(prelude)["statusCode"]
    if status != 200:
        raise Unanswered(f"status {status}: {body.decode(errors='replace')}")
    return first_s, length


@asynccontextmanager
async def started(kind: Kind) -> AsyncIterator[Environment]:
    """Starts a new environment of that kind and waits for its first `/next`."""
    api = RuntimeApi(AWS_LIMITS, timeout_s=900)
    env = {**kind.env, "AWS_LAMBDA_RUNTIME_API": await api.start()}
    async with spawned(kind.command, env=env, cwd=kind.cwd, log=kind.log, cores=kind.cores) as process:
        watching = asyncio.ensure_future(_watch(process, api))
        try:
            async with asyncio.timeout(STARTS_WITHIN_S):
                await api.waiting.wait()
            if process.returncode is not None:
                raise Unanswered(f"{kind.name} ended with status {process.returncode}: {_tail(kind.log)}")
            yield Environment(kind, api, process)
        finally:
            watching.cancel()
            api.process_ended(FunctionFailed("Runtime.ExitError", b"the bench is done with it"))


def _tail(log: Path) -> str:
    """The end of the processes' output."""
    return log.read_text(errors="replace")[-2000:]


async def _watch(process: Process, api: RuntimeApi) -> None:
    status = await process.wait()
    api.process_ended(FunctionFailed("Runtime.ExitError", b"exit status %d" % status))


@asynccontextmanager
async def bare_interpreter(beside: Kind) -> AsyncIterator[Process]:
    """Starts Python with nothing imported, waiting for a line, where the other kind runs."""
    command = [sys.executable, "-I", "-c", "print(flush=True); input()"]
    async with spawned(command, env={}, cwd=beside.cwd, log=beside.log, cores=beside.cores, pipes=True) as process:
        await line_from(process)
        yield process
