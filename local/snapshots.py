"""Starts a function's process to the point of SnapStart's snapshot, and copies it.

`fork_server/sitecustomize.py` is the other side.
"""

import asyncio
import os
import secrets
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local.children import Children, Process
from local.forks import ForkServer
from local.invocation import FunctionFailed, Invocation, first
from local.runtime_api import CREDENTIALS, RuntimeApi

COPY = signal.SIGUSR1


class Snapshot(ForkServer):
    """One function's snapshot: a process whose start is over, and that waits in `/restore/next`.

    On AWS it is made when a version is published, here with the first environment.
    """

    role = "SNAPSHOT"

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        task_root: Path,
        log_file: Path,
        children: Children,
        new_api: Callable[[], RuntimeApi],
    ) -> None:
        # A snapshot holds no credentials: they would be old when it is restored.
        kept = {name: value for name, value in env.items() if not name.startswith(("AWS_ACCESS_", "AWS_SECRET_ACCESS"))}
        super().__init__(command, kept, task_root, log_file, children)
        self._new_api = new_api

    def _told(self) -> None:
        if self._server:
            os.kill(self._server.pid, COPY)

    async def _start(self) -> asyncio.StreamWriter:
        self._api = self._new_api()
        self._api.is_snapshots = True
        address = await self._api.start()
        self._env |= {
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{address}{CREDENTIALS}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": secrets.token_urlsafe(),
        }
        return await super()._start()

    async def _started(self, server: Process) -> None:
        """Waits until the process asks to be restored. Raises FunctionFailed if it cannot start."""
        self._children.end_at_once(server)
        start = Invocation("start", "", "", b"")
        self._api.submit(start)
        self._watching = asyncio.ensure_future(_watch(server, self._api))
        await first(self._api.restoring, start.finished)
        if not self._api.restoring.is_set():
            self._children.kill(server)
            if self._reading:
                await self._reading
            await start.read()


async def _watch(server: Process, api: RuntimeApi) -> None:
    status = await server.wait()
    api.process_ended(FunctionFailed("Runtime.ExitError", b"exit status %d" % status))
