"""Turns an interpreter into a fork server, before it runs what its command line names.

Python imports a module of this name when it starts, if its folder is on the path. With `FORK_SERVER` in the environment
(a connected socket), this interpreter imports what the function will need and then waits: for each line with
environment variables it forks, and the child goes on to the command as if nothing had been before. So the command,
Lambda's exec wrapper and the variables are the real ones, and a process costs a fork instead of its imports.

Lines to the stack: `{"forked": PID}` in the order of the requests, and `{"ended": PID, "status": STATUS}`.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import select
import signal
import socket
from pathlib import Path

# The signals that a server answers by itself; a child has their usual meanings again.
_OWN_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)


def _import_needs(folder: Path) -> None:
    """Imports the modules that a function's files name. The function's own files run in each process, as on Lambda."""
    for file in sorted(folder.glob("*.py")):
        for module in _named_in(file):
            try:
                importlib.import_module(module)
            except Exception:  # noqa: BLE001  # the function's own start meets the same failure, and reports it
                return


def _named_in(file: Path) -> list[str]:
    tree = ast.parse(file.read_bytes())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return names + [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]


class _ForkServer:
    """The server's side of the socket."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._unread = b""
        self._wakes, self._woken = os.pipe()
        os.set_blocking(self._woken, False)
        self._before = {number: signal.signal(number, lambda *_: None) for number in _OWN_SIGNALS}
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Forks by request. Returns in every child; the server itself ends with its socket or by SIGTERM."""
        ending, children = False, 0
        while children or not ending:
            awaited = [self._wakes] if ending else [self._wakes, self._channel.fileno()]
            readable, _, _ = select.select(awaited, [], [])
            if self._wakes in readable:
                ending = ending or signal.SIGTERM in os.read(self._wakes, 4096)
                children -= self._bury()
            if self._channel.fileno() in readable:
                requests = self._read()
                ending = ending or requests is None
                for variables in requests or ():
                    if not self._fork(variables):
                        return
                    children += 1
        os._exit(0)

    def _read(self) -> list[dict[str, str]] | None:
        """Reads the lines that have come. None: the stack is gone."""
        came = self._channel.recv(65536)
        *lines, self._unread = (self._unread + came).split(b"\n")
        return [json.loads(line) for line in lines] if came else None

    def _fork(self, variables: dict[str, str]) -> int:
        child = os.fork()
        if not child:
            self._become(variables)
            return 0
        # Both sides set it, so that the group exists before either goes on.
        _lead_group(child)
        self._tell({"forked": child})
        return child

    def _become(self, variables: dict[str, str]) -> None:
        """Leaves nothing of the server in the child."""
        _lead_group(0)
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._channel.close()
        os.close(self._wakes)
        os.close(self._woken)
        os.environ.update(variables)

    def _bury(self) -> int:
        """Tells the stack which children have ended, and returns how many."""
        count = 0
        while True:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return count
            if not child:
                return count
            count += 1
            self._tell({"ended": child, "status": os.waitstatus_to_exitcode(status)})

    def _tell(self, message: dict[str, int]) -> None:
        try:
            self._channel.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            # The stack is gone; the next read says so, and the reaper ends what still runs.
            return


def _lead_group(process: int) -> None:
    try:
        os.setpgid(process, 0)
    except (PermissionError, ProcessLookupError):
        # The other side was first, and the child may have gone on or ended since.
        return


if "FORK_SERVER" in os.environ:
    channel = socket.socket(fileno=int(os.environ.pop("FORK_SERVER")))
    _import_needs(Path(os.environ["LAMBDA_TASK_ROOT"]))
    _ForkServer(channel).serve()
