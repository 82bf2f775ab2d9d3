"""Measures the cold start of every family: the CPU until its function is imported, in a process of its own."""

import asyncio
import compileall
import os
import sys
from pathlib import Path

from bench.bed import ROOT, Bed
from bench.environment import Unanswered
from bench.figures import Figure
from bench.process import cpu_ns, line_from, spawned
from bench.rounds import Counts

PART = "Cold start of each family, CPU until it is imported"


async def measure(bed: Bed, counts: Counts) -> list[Figure]:
    """Measures every function of the template's folder; a third of the other starts, since there are many."""
    folders = sorted(app.parent for app in (ROOT / "functions").glob("*/app.py"))
    # The deployed layer contains byte code.
    for folder in (bed.layer, *folders):
        await asyncio.to_thread(compileall.compile_dir, str(folder), quiet=1)
    starts = range(max(1, counts.starts // 3))
    return [Figure(PART, folder.name, [await cpu_ms(bed, folder) for _ in starts], "ms") for folder in folders]


async def cpu_ms(bed: Bed, folder: Path) -> float:
    """The CPU of a process that imports one function's app."""
    command = [sys.executable, "-c", "import app; print(flush=True); input()"]
    env = {"PYTHONPATH": os.pathsep.join((str(bed.layer), str(folder))), "AWS_REGION": "us-east-1"}
    cores = bed.noop.cores
    async with spawned(command, env=env, cwd=folder, log=bed.noop.log, cores=cores, pipes=True) as process:
        if not await line_from(process):
            raise Unanswered(f"the function {folder.name} could not be imported")
        return cpu_ns(process.pid) / 1e6
