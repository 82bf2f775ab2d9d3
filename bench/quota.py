"""Puts processes under a CPU quota of 0.145 of a core, which is what Lambda gives a function of 256 MB.

A control group is made where this user may: in version 2 below our own, in version 1 beside all others. Where it may
not, no time is measured under it: a process that is stopped and continued in turn would be measured by how well we do
that. https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu and https://docs.kernel.org/scheduler/sched-bwc.html
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from bench.environment import Kind

CORES = 0.145
PERIOD_US = 20_000
QUOTA_US = int(CORES * PERIOD_US)
ROOT = Path("/sys/fs/cgroup")
ABSENT = "no CPU quota can be set here: no time at 0.145 of a core"
_numbers = count()


@contextmanager
def limited(root: Path = ROOT) -> Iterator[Path | None]:
    """A new group with the quota: the file into which a process is written. None where none can be made."""
    group = next(filter(None, map(_made, _places(root))), None)
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


def within(kind: Kind, procs: Path) -> Kind:
    """The kind as it starts in a group."""
    return replace(kind, command=["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(procs), *kind.command])


def _places(root: Path) -> Iterator[Path]:
    name = f"nexgate-bench-{os.getpid()}-{next(_numbers)}"
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, _, path = line.split(":", 2)
        if number == "0":
            yield root / path.lstrip("/") / name
    yield root / "cpu" / name


def _made(group: Path) -> Path | None:
    """The group with its quota. A folder of another file system has none of the kernel's files, and is no group."""
    try:
        group.mkdir()
    except OSError:
        return None
    written = {"cpu.max": f"{QUOTA_US} {PERIOD_US}"}
    if not (group / "cpu.max").exists():
        written = {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": str(QUOTA_US)}
    try:
        for name, value in written.items():
            with (group / name).open("r+") as file:
                file.write(value)
    except OSError:
        group.rmdir()
        return None
    return group
