"""Measures the cold start, from spawn to the first `/next`, and the cost of a process's first request."""

import time
from collections.abc import Iterator

from bench.bed import Bed
from bench.environment import Kind, bare_interpreter, started
from bench.figures import Figure
from bench.process import cpu_ns
from bench.rounds import Counts

PART = "Cold start, spawn to first /next"


async def measure(bed: Bed, counts: Counts) -> list[Figure]:
    """Measures the chat function, the same runtime with an empty app, and Python alone."""
    async with started(bed.chat) as first:
        # The first request compiles the byte code, which the deployed layer contains.
        await first.ask(bed.request())
    chat, noop, bare, first_request_ms = [], [], [], []
    for _ in range(counts.starts):
        chat.append(await _start(bed.chat))
        noop.append(await _start(bed.noop))
        bare.append(await _start_bare(bed))
        async with started(bed.chat) as environment:
            first_request_ms.append((await environment.ask(bed.request())).cpu_us / 1e3)
    return [
        *_figures("chat function", chat, budget=180, ambition=80),
        *_figures("same runtime, no-op app", noop),
        *_figures("Python alone", bare),
        Figure(PART, "CPU of the first request of a process", first_request_ms, "ms"),
    ]


def _figures(
    name: str, starts: list[tuple[float, float]], budget: float | None = None, ambition: float | None = None
) -> Iterator[Figure]:
    cpu_ms, wall_ms = zip(*starts, strict=True)
    yield Figure(PART, f"CPU, {name}", cpu_ms, "ms", budget, ambition)
    yield Figure(PART, f"wall, {name}", wall_ms, "ms")


async def _start(kind: Kind) -> tuple[float, float]:
    began_s = time.perf_counter()
    async with started(kind) as environment:
        return environment.cpu_ms, (time.perf_counter() - began_s) * 1e3


async def _start_bare(bed: Bed) -> tuple[float, float]:
    began_s = time.perf_counter()
    async with bare_interpreter(bed.noop) as process:
        return cpu_ns(process.pid) / 1e6, (time.perf_counter() - began_s) * 1e3
