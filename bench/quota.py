"""Measures wall time at 0.145 of a core, which Lambda gives a function of 256 MB, under the kernel's CPU quota.

A control group is made where this user may: in version 2 below our own, in version 1 beside all others. Where it may
not, there is no such figure: a process that is stopped and continued in turn would be measured by how well we do that.
https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu and https://docs.kernel.org/scheduler/sched-bwc.html
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.bed import Bed
from bench.environment import Kind, started
from bench.figures import Figure
from bench.rounds import Counts, ask_repeatedly

PART = "Wall time at 256 MB, 0.145 of a core"
CORES = 0.145
PERIOD_US = 20_000
QUOTA_US = int(CORES * PERIOD_US)
ROOT = Path("/sys/fs/cgroup")


@contextmanager
def limited() -> Iterator[Path | None]:
    """A new group with the quota: the file into which a process writes itself. None where none can be made."""
    group = next(filter(None, map(_made, _places())), None)
    try:
        yield None if group is None else group / "cgroup.procs"
    finally:
        if group is not None:
            # The processes in it have ended, and the kernel may need a moment to see it.
            for _ in range(50):
                with suppress(OSError):
                    group.rmdir()
                    break
                time.sleep(0.1)


def _places() -> Iterator[Path]:
    name = f"nexgate-bench-{os.getpid()}"
    own = Path("/proc/self/cgroup").read_text().splitlines()
    for line in own:
        number, _, path = line.split(":", 2)
        if number == "0":
            yield ROOT / path.lstrip("/") / name
    yield ROOT / "cpu" / name


def _made(group: Path) -> Path | None:
    try:
        group.mkdir()
    except OSError:
        return None
    try:
        if (group / "cpu.max").exists():
            (group / "cpu.max").write_text(f"{QUOTA_US} {PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(QUOTA_US))
    except OSError:
        group.rmdir()
        return None
    return group


async def measure(bed: Bed, counts: Counts) -> list[Figure]:
    """Measures a cold start and warm requests under the quota; empty where none can be set."""
    with limited() as procs:
        if procs is None:
            return []
        start_ms, whole_ms, first_ms = [], [], []
        for _ in range(max(1, counts.starts // 3)):
            began_s = time.perf_counter()
            async with started(_within(bed.chat, procs)) as chat:
                start_ms.append((time.perf_counter() - began_s) * 1e3)
                await ask_repeatedly(chat, bed.request(), 3)
                answers = await ask_repeatedly(chat, bed.request(), counts.requests // 3)
                streams = await ask_repeatedly(chat, bed.stream(1), counts.streams // 3)
                whole_ms.append(median(answer.last_s for answer in answers) * 1e3)
                first_ms.append(median(answer.first_s for answer in streams) * 1e3)
    return [
        Figure(PART, "cold start, spawn to first /next", start_ms, "ms"),
        Figure(PART, "non-stream, to its end", whole_ms, "ms"),
        Figure(PART, "stream, to its first byte", first_ms, "ms"),
    ]


def _within(kind: Kind, procs: Path) -> Kind:
    return replace(kind, command=["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(procs), *kind.command])
