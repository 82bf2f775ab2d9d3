"""Measures the cold start of every family, and the cost of a process's first request.

A streaming family starts as on Lambda: from spawn to the first `/next`, by its own wrapper. Of the others Lambda's own
runtime takes the events, so what is measured is the CPU until the function is imported.
"""

import asyncio
import compileall
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.bed import FAMILIES, ROOT, Bed
from bench.environment import Kind, Unanswered, bare_interpreter, started
from bench.figures import Figure
from bench.process import cpu_ns, line_from, spawned
from bench.quota import limited, within
from bench.rounds import Counts

PART = "Cold start, spawn to first /next"
OTHERS = "Cold start of other families, CPU until imported"
QUOTA = "Cold start at 256 MB, 0.145 of a core, wall time"
BAR_MS, AIM_MS, BAR_OTHERS_MS = 110, 80, 250
NOOP = "same runtime, no-op app"
ALONE = "Python alone"
FIRST = "first request of a process of chat"
Times = dict[str, list[float]]


async def measure(bed: Bed, counts: Counts) -> list[Figure]:
    """Measures every function of the template's folder, one start of each in a round."""
    folders = {app.parent.name: app.parent for app in sorted((ROOT / "functions").glob("*/app.py"))}
    # The deployed layer contains byte code.
    for folder in (bed.layer, *folders.values()):
        await asyncio.to_thread(compileall.compile_dir, str(folder), quiet=1)
    streamed = {name: kind for name, kind in bed.families.items() if name in folders}
    cpu_ms: Times = {name: [] for name in (*streamed, NOOP, ALONE, FIRST, *folders)}
    wall_ms: Times = {name: [] for name in FAMILIES}
    for _ in range(counts.starts):
        for name, kind in ({NOOP: bed.noop} | streamed).items():
            cpu_ms[name].append(await _start(kind))
        cpu_ms[ALONE].append(await _start_bare(bed))
        cpu_ms[FIRST].append(await _first_request(bed))
        for name in folders.keys() - streamed.keys():
            cpu_ms[name].append(await imported_cpu_ms(bed, folders[name]))
        for name in FAMILIES:
            wall_ms[name] += await _start_at_quota(streamed[name])
    return [*_figures(cpu_ms, set(streamed)), *(Figure(QUOTA, name, ms, "ms") for name, ms in wall_ms.items() if ms)]


def _figures(cpu_ms: Times, streamed: set[str]) -> Iterator[Figure]:
    for name in sorted(streamed):
        yield Figure(PART, f"CPU, {name}", cpu_ms[name], "ms", BAR_MS, AIM_MS)
    yield from (Figure(PART, f"CPU, {name}", cpu_ms[name], "ms") for name in (NOOP, ALONE))
    multiples = [chat / noop for chat, noop in zip(cpu_ms["chat"], cpu_ms[NOOP], strict=True)]
    yield Figure(PART, "CPU, chat, times the no-op app", multiples, "x")
    yield Figure(PART, f"CPU, {FIRST}", cpu_ms[FIRST], "ms")
    for name in sorted(cpu_ms.keys() - streamed - {NOOP, ALONE, FIRST}):
        yield Figure(OTHERS, name, cpu_ms[name], "ms", BAR_OTHERS_MS)


async def _start(kind: Kind) -> float:
    async with started(kind) as environment:
        return environment.cpu_ms


async def _start_bare(bed: Bed) -> float:
    async with bare_interpreter(bed.noop) as process:
        return cpu_ns(process.pid) / 1e6


async def _first_request(bed: Bed) -> float:
    async with started(bed.chat) as environment:
        return (await environment.ask(bed.request())).cpu_us / 1e3


async def _start_at_quota(kind: Kind) -> list[float]:
    with limited() as procs:
        if procs is None:
            return []
        began_s = time.perf_counter()
        async with started(within(kind, procs)):
            return [(time.perf_counter() - began_s) * 1e3]


async def imported_cpu_ms(bed: Bed, folder: Path) -> float:
    """The CPU of a process that imports one function's app."""
    command = [sys.executable, "-c", "import app; print(flush=True); input()"]
    env = {"PYTHONPATH": os.pathsep.join((str(bed.layer), str(folder))), "AWS_REGION": "us-east-1"}
    cores = bed.noop.cores
    async with spawned(command, env=env, cwd=folder, log=bed.noop.log, cores=cores, pipes=True) as process:
        if not await line_from(process):
            raise Unanswered(f"the function {folder.name} could not be imported")
        return cpu_ns(process.pid) / 1e6
