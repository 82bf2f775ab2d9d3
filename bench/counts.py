"""Starts an environment whose work is counted, and reads its counters (`bench/counted.py` counts)."""

import mmap
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench.counted import COUNTED, WORD
from bench.environment import Environment, Kind, started

ROOT = Path(__file__).resolve().parent.parent
LAYER = ROOT / "layers" / "shared"
RUNTIME = "gateway.runtime"


class Work(NamedTuple):
    """The counters, in the order of `COUNTED`."""

    instructions: int
    calls: int
    waits: int
    sends: int
    receives: int
    touched: int


class CountedEnvironment:
    """An environment, and what it has done."""

    def __init__(self, environment: Environment, counts: "memoryview[int]") -> None:
        self._environment = environment
        self._counts = counts

    def work(self) -> Work:
        """All work since the process began."""
        return Work(*self._counts)

    async def ask(self, event: bytes) -> Work:
        """The work of one invocation, until the process waits for the next."""
        before = self.work()
        await self._environment.ask(event)
        await self._environment.asleep()
        return Work(*(after - earlier for after, earlier in zip(self.work(), before, strict=True)))


@contextmanager
def counted_environment(
    kind: Kind, data: Path, *, module: str = RUNTIME, touched: bool = False
) -> Iterator[tuple[Kind, "memoryview[int]"]]:
    """The kind as it runs under the counters, and its counters."""
    file = data / f"{kind.name}.counts"
    file.write_bytes(bytes(WORD * len(COUNTED)))
    path = os.pathsep.join(filter(None, (kind.env.get("PYTHONPATH"), str(LAYER), str(ROOT))))
    env = {**kind.env, "COUNTS": str(file), "PYTHONPATH": path, "TOUCHED": "1" if touched else ""}
    with file.open("r+b") as opened:
        mapped = mmap.mmap(opened.fileno(), WORD * len(COUNTED))
    command = [sys.executable, "-m", "bench.counted", module]
    yield replace(kind, command=command, env=env), memoryview(mapped).cast("Q")


@asynccontextmanager
async def counted(
    kind: Kind, data: Path, *, module: str = RUNTIME, touched: bool = False
) -> AsyncIterator[CountedEnvironment]:
    """Starts a new environment of that kind under the counters."""
    with counted_environment(kind, data, module=module, touched=touched) as (counting, counts):
        async with started(counting) as environment:
            await environment.asleep()
            yield CountedEnvironment(environment, counts)
