"""Starts a function's processes as forks of one interpreter that has its libraries imported already.

On Lambda an environment is a machine of its own; here a burst of requests starts hundreds of processes on a few cores,
and most of what a start costs is the import of libraries. `fork_server/sitecustomize.py` is the other side.
"""

import asyncio
import signal
import socket
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from local.children import Children, Process

SITE = Path(__file__).with_name("fork_server")


class ForkServerEnded(OSError):
    """The fork server ended before it forked."""


class Fork:
    """A process that the fork server started, and whose end it reports."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def wait(self) -> int:
        """Waits for the end and returns the exit status, which is negative for a signal's number."""
        return await asyncio.shield(self.ended)


class ForkServer:
    """One function's fork server; it starts with the first process, and again if it was lost."""

    # The variable by which the process on the other side knows what it is.
    role = "FORK_SERVER"

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], task_root: Path, log_file: Path, children: Children
    ) -> None:
        self._command = command
        self._env = {**env, "PYTHONPATH": f"{SITE}:{env['PYTHONPATH']}"}
        self._server: Process | None = None
        self._task_root = task_root
        self._log_file = log_file
        self._children = children
        self._starting = asyncio.Lock()
        self._channel: asyncio.StreamWriter | None = None
        self._requests: deque[asyncio.Future[Fork]] = deque()
        self._forks: dict[int, Fork] = {}
        self._reading: asyncio.Task[None] | None = None

    async def fork(self, variables: Mapping[str, str]) -> Fork:
        """Starts a process whose environment has these variables too. Raises OSError if the command cannot be run."""
        async with self._starting:
            channel = self._channel or await self._start()
        request: asyncio.Future[Fork] = asyncio.get_running_loop().create_future()
        self._requests.append(request)
        channel.write(orjson.dumps(variables) + b"\n")
        self._told()
        return await request

    def _told(self) -> None:
        """Does what has a request noticed: nothing, where the server waits for lines."""

    async def _start(self) -> asyncio.StreamWriter:
        ours, theirs = socket.socketpair()
        with theirs, self._log_file.open("ab") as log:
            server = self._server = await self._children.spawn(
                self._command,
                env={**self._env, self.role: str(theirs.fileno())},
                cwd=self._task_root,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(),),
            )
        reader, self._channel = await asyncio.open_connection(sock=ours)
        self._reading = asyncio.ensure_future(self._read(reader))
        self._reading.add_done_callback(lambda _: asyncio.ensure_future(self._children.wait(server)))
        await self._started(server)
        return self._channel

    async def _started(self, server: Process) -> None:
        """Returns when the server can fork: at once, since lines wait for it."""

    async def _read(self, reader: asyncio.StreamReader) -> None:
        # A request to a server that has just ended closes the socket with an error; it is an end all the same.
        with suppress(ConnectionError):
            async for line in reader:
                message = orjson.loads(line)
                if "forked" in message:
                    self._adopt(message["forked"])
                else:
                    self._forks.pop(message["ended"]).ended.set_result(message["status"])
        self._lose()

    def _adopt(self, pid: int) -> None:
        fork = self._forks[pid] = Fork(pid)
        self._children.adopt(fork)
        request = self._requests.popleft()
        if request.done():
            # It was given up in the meantime, so that this process has no user.
            self._children.kill(fork)
        else:
            request.set_result(fork)

    def _lose(self) -> None:
        """Ends what the lost server had started, since its end would be reported by no one."""
        if self._channel:
            self._channel.close()
        self._channel = None
        for fork in self._forks.values():
            self._children.kill(fork)
            fork.ended.set_result(-signal.SIGKILL)
        self._forks.clear()
        for request in filter(lambda request: not request.done(), self._requests):
            request.set_exception(ForkServerEnded(f"{self._log_file.stem} cannot be started; see {self._log_file}"))
        self._requests.clear()
