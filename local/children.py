"""Starts every process of the stack, and makes sure that all of them end when the stack ends."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

import orjson

GRACE_S = 2.0
REAPER = Path(__file__).with_name("reaper.py")


class Process(Protocol):
    """A process that can be waited for."""

    @property
    def pid(self) -> int: ...

    async def wait(self) -> int: ...


class Children:
    """The stack's child processes. `register` is the file that `python -m local processes` reads."""

    def __init__(self, register: Path) -> None:
        self._register = register
        self._alive: dict[int, Process] = {}
        self._rows: dict[int, dict[str, str | int]] = {}
        self._at_once: set[int] = set()
        self._ending = False
        self._watches: set[asyncio.Task[None]] = set()
        # The name of the first service that ended unexpectedly.
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reaper: asyncio.subprocess.Process | None = None
        self._reaper_input: asyncio.StreamWriter | None = None

    async def start(self) -> None:
        self._reaper = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(REAPER), str(self._register)),
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._reaper_input = self._reaper.stdin
        self._write_register()

    async def spawn(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        stdout: int | IO[bytes],
        stderr: int | IO[bytes],
        stdin: int | IO[bytes] = asyncio.subprocess.DEVNULL,
        pass_fds: Sequence[int] = (),
    ) -> asyncio.subprocess.Process:
        """Starts a child in its own process group. Raises OSError if the command cannot be run."""
        process = await asyncio.create_subprocess_exec(
            *command,
            env=env,
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            pass_fds=pass_fds,
        )
        self.adopt(process)
        return process

    def adopt(self, process: Process) -> None:
        """Ends this process with the stack too. It leads its own process group."""
        self._alive[process.pid] = process
        self._tell_reaper(f"+{process.pid}\n")

    def end_at_once(self, process: Process) -> None:
        """Ends this process without a grace period: it does nothing that it could bring to an end."""
        self._at_once.add(process.pid)

    def watch_service(self, name: str, process: Process) -> None:
        """Resolves `lost` when a service that the stack needs ends."""

        async def watch() -> None:
            status = await self.wait(process)
            if not self._ending and not self.lost.done():
                self.lost.set_result(f"{name} ended with status {status}")

        task = asyncio.ensure_future(watch())
        self._watches.add(task)
        task.add_done_callback(self._watches.discard)

    def list_function(self, process: Process, family: str, function: str) -> None:
        """Lists a function's process in the register until it ends."""
        self._rows[process.pid] = {"family": family, "function": function, "pid": process.pid}
        self._write_register()

    async def wait(self, process: Process) -> int:
        """Waits for a child's end and returns its exit status, which is negative for a signal's number."""
        status = await process.wait()
        self._alive.pop(process.pid, None)
        self._at_once.discard(process.pid)
        self._tell_reaper(f"-{process.pid}\n")
        if self._rows.pop(process.pid, None):
            self._write_register()
        return status

    async def end(self, process: Process) -> None:
        """Sends SIGTERM, then SIGKILL to the processes that still run after the grace period."""
        _signal_group(process.pid, signal.SIGKILL if process.pid in self._at_once else signal.SIGTERM)
        try:
            async with asyncio.timeout(GRACE_S):
                await self.wait(process)
        except TimeoutError:
            self.kill(process)
            await self.wait(process)

    def kill(self, process: Process) -> None:
        _signal_group(process.pid, signal.SIGKILL)

    async def end_all(self) -> None:
        self._ending = True
        await asyncio.gather(*(self.end(process) for process in list(self._alive.values())))
        if self._reaper and self._reaper_input:
            self._reaper_input.close()
            # With its input closed and nothing left to end, the process removes the register.
            await self._reaper.wait()

    def _tell_reaper(self, line: str) -> None:
        if self._reaper_input:
            self._reaper_input.write(line.encode())

    def _write_register(self) -> None:
        fresh = self._register.with_suffix(".new")
        fresh.write_bytes(orjson.dumps({"processes": list(self._rows.values())}))
        fresh.replace(self._register)


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        # It ended in the meantime; `wait` reports its status.
        return
