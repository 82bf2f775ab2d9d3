"""The kernel's measurements of one process, to the nanosecond; wall time is meaningless on a shared core.

clock_getcpuclockid(3) and proc_pid_status(5)
"""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

Process = asyncio.subprocess.Process

ENDS_WITHIN_S = 5.0
RESIDENT, PEAK = (re.compile(rf"{name}:\s+(\d+) kB") for name in ("VmRSS", "VmHWM"))


def cpu_ns(pid: int) -> int:
    """CPU time, user and system, of all the process's threads since it was spawned, also of those that have ended; exec
    does not reset it.
    """
    # Python has no clock_getcpuclockid: this is what Linux makes the id of.
    clock = (~pid << 3) | 2
    try:
        return time.clock_gettime_ns(clock)
    except OSError:
        raise ProcessLookupError(f"process {pid} has ended") from None


def resident_bytes(pid: int) -> int:
    """Memory that the process has in RAM."""
    return _bytes(pid, RESIDENT)


def peak_bytes(pid: int) -> int:
    """The most memory that the process has had in RAM since it was spawned."""
    return _bytes(pid, PEAK)


def _bytes(pid: int, field: re.Pattern[str]) -> int:
    found = field.search(Path(f"/proc/{pid}/status").read_text())
    if found is None:
        raise ProcessLookupError(f"process {pid} has ended")
    return int(found[1]) * 1024


def is_running(pid: int) -> bool:
    """True while the process has something to do, or waits for a core to do it on (proc_pid_stat(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "R"


@contextmanager
def on_cores(cores: Collection[int]) -> Iterator[None]:
    """Keeps this thread, and processes that it spawns meanwhile, on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@asynccontextmanager
async def spawned(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    cores: Collection[int],
    pipes: bool = False,
) -> AsyncIterator[Process]:
    """Starts a child that ends with the context. It writes to a file, or, with `pipes`, to this process."""
    pipe = asyncio.subprocess.PIPE
    with log.open("ab") as output, on_cores(cores):
        process = await asyncio.create_subprocess_exec(
            *command,
            env=env,
            cwd=cwd,
            stdin=pipe if pipes else asyncio.subprocess.DEVNULL,
            stdout=pipe if pipes else output,
            stderr=output,
        )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def line_from(process: Process) -> bytes:
    """The next line of a child's standard output."""
    if process.stdout is None:
        raise ValueError("the process was spawned without pipes")
    return await process.stdout.readline()
