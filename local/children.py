"""Every process of the stack is started here, and none outlives it, whichever way the stack ends."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import orjson

GRACE_S = 2.0
WARDEN = Path(__file__).with_name("warden.py")

Process = asyncio.subprocess.Process


class Children:
    """The stack's child processes; `register` is the file that `python -m local processes` reads."""

    def __init__(self, register: Path) -> None:
        self._register = register
        self._alive: dict[int, Process] = {}
        self._rows: dict[int, dict[str, str | int]] = {}
        self._ending = False
        self._watches: set[asyncio.Task[None]] = set()
        # The name of the first service that ended although nobody asked it to.
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._warden: Process | None = None
        self._warden_pipe: asyncio.StreamWriter | None = None

    async def start(self) -> None:
        self._warden = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(WARDEN), str(self._register)),
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._warden_pipe = self._warden.stdin
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
    ) -> Process:
        """A child in a process group of its own; raises OSError where the command cannot be run."""
        process = await asyncio.create_subprocess_exec(
            *command,
            env=env,
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        self._alive[process.pid] = process
        self._tell_warden(f"+{process.pid}\n")
        return process

    def watch_service(self, name: str, process: Process) -> None:
        """Tells of a service that the stack cannot go on without, should it end."""

        async def watch() -> None:
            status = await self.wait(process)
            if not self._ending and not self.lost.done():
                self.lost.set_result(f"{name} ended with status {status}")

        task = asyncio.ensure_future(watch())
        self._watches.add(task)
        task.add_done_callback(self._watches.discard)

    def list_function(self, process: Process, family: str, function: str) -> None:
        """Shows a function's process in the register until it ends."""
        self._rows[process.pid] = {"family": family, "function": function, "pid": process.pid}
        self._write_register()

    async def wait(self, process: Process) -> int:
        """Waits for a child's end; its exit status, negative for a signal's number."""
        status = await process.wait()
        self._alive.pop(process.pid, None)
        self._tell_warden(f"-{process.pid}\n")
        if self._rows.pop(process.pid, None):
            self._write_register()
        return status

    async def end(self, process: Process) -> None:
        """SIGTERM, then SIGKILL for what is still there after the grace."""
        _signal_group(process.pid, signal.SIGTERM)
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
        if self._warden and self._warden_pipe:
            self._warden_pipe.close()
            # The warden finds nothing left to end, and removes the register.
            await self._warden.wait()

    def _tell_warden(self, line: str) -> None:
        if self._warden_pipe:
            self._warden_pipe.write(line.encode())

    def _write_register(self) -> None:
        fresh = self._register.with_suffix(".new")
        fresh.write_bytes(orjson.dumps({"processes": list(self._rows.values())}))
        fresh.replace(self._register)


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        # It ended in the meantime; whoever waits for it learns so.
        return
