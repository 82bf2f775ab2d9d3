"""Turns an interpreter into a fork server, before it runs what its command line names.

Python imports a module of this name when it starts, if its folder is on the path. With `FORK_SERVER` in the environment
(a connected socket), this interpreter imports what the function will need and then waits: for each line with
environment variables it forks, and the child goes on to the command as if nothing had been before. So the command,
Lambda's exec wrapper and the variables are the real ones, and a process costs a fork instead of its imports.

With `SNAPSHOT` in place of it, the interpreter goes on at once, and is copied while it waits in `/restore/next`, as
SnapStart does of its machine; the stack writes a line and sends SIGUSR1. A copy has the snapshot's memory, and at first
its open files too. On Lambda it is a machine of its own, in which the Runtime API has the same address. Here its
connections to that address lead to the server of its own environment, and what the kernel would let forks share (the
loop's poll, its wakeups) is made anew. Any other connection that the function left open stays shared, which no function
may rely on: on Lambda its peer is gone.

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
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

# The signals that a server answers by itself; a child has their usual meanings again.
_OWN_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)

# The signal upon which a snapshot reads its lines, and the variable with the Runtime API's address.
_COPY = signal.SIGUSR1
_API = "AWS_LAMBDA_RUNTIME_API"
_ASKING = b"GET /2018-06-01/runtime/restore/next HTTP/1.1\r\nHost: runtime\r\n\r\n"
# More files than a function has open when it has just started.
_FILES_MAX = 256


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


class ForkParent:
    """A process that forks by request of the stack: its side of the socket."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self._unread = b""

    def read(self) -> list[dict[str, str]] | None:
        """Reads the lines that have come. None: the stack is gone."""
        try:
            came = self.channel.recv(65536)
        except BlockingIOError:
            return []
        *lines, self._unread = (self._unread + came).split(b"\n")
        return [json.loads(line) for line in lines] if came else None

    def fork(self) -> int:
        """Forks, tells the stack, and returns the child's process id, or 0 in the child."""
        child = os.fork()
        # Both sides set it, so that the group exists before either goes on.
        _lead_group(child)
        if child:
            self._tell({"forked": child})
        return child

    def bury(self) -> int:
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
            self.channel.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            # The stack is gone; the next read says so, and the reaper ends what still runs.
            return


class _ForkServer(ForkParent):
    """The interpreter that has imported what a function needs, and runs nothing."""

    def __init__(self, channel: socket.socket) -> None:
        super().__init__(channel)
        self._wakes, self._woken = os.pipe()
        os.set_blocking(self._woken, False)
        self._before = {number: signal.signal(number, lambda *_: None) for number in _OWN_SIGNALS}
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Forks by request. Returns in every child; the server itself ends with its socket or by SIGTERM."""
        ending, children = False, 0
        while children or not ending:
            awaited = [self._wakes] if ending else [self._wakes, self.channel.fileno()]
            readable, _, _ = select.select(awaited, [], [])
            if self._wakes in readable:
                ending = ending or signal.SIGTERM in os.read(self._wakes, 4096)
                children -= self.bury()
            if self.channel.fileno() in readable:
                requests = self.read()
                ending = ending or requests is None
                for variables in requests or ():
                    if not self.fork():
                        self._become(variables)
                        return
                    children += 1
        os._exit(0)

    def _become(self, variables: dict[str, str]) -> None:
        """Leaves nothing of the server in the child."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self.channel.close()
        os.close(self._wakes)
        os.close(self._woken)
        os.environ.update(variables)


class _LateClient(ModuleType):
    """The managed runtime's client in C, made at its first use: it reads the Runtime API's address when it is made."""

    def initialize_client(self, user_agent: str) -> None:
        self._user_agent = user_agent

    def __getattr__(self, name: str) -> Any:
        del sys.modules[self.__name__]
        made = importlib.import_module(self.__name__)
        made.initialize_client(self._user_agent)
        self.next, self.post_invocation_result = made.next, made.post_invocation_result
        return getattr(made, name)


class _Snapshot(ForkParent):
    """Copies the process while it waits in `/restore/next`."""

    def __init__(self, channel: socket.socket) -> None:
        super().__init__(channel)
        channel.setblocking(False)
        signal.signal(_COPY, self._copy)
        signal.signal(signal.SIGCHLD, self._ended)
        sys.modules["runtime_client"] = _LateClient("runtime_client")

    def _copy(self, *_: object) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {_COPY, signal.SIGCHLD})
        try:
            for variables in self.read() or ():
                if not self._fork(variables):
                    return
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {_COPY, signal.SIGCHLD})

    def _ended(self, *_: object) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {_COPY})
        self.bury()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {_COPY})

    def _fork(self, variables: dict[str, str]) -> int:
        # A fork forgets the loop that runs in it, what a signal wakes, and what `random` would have drawn next.
        events: Any = sys.modules.get("asyncio.events")
        loop = events._get_running_loop() if events else None
        random: Any = sys.modules.get("random")
        to_draw = random.getstate() if random else None
        wakes = signal.set_wakeup_fd(-1)
        child = self.fork()
        if not child:
            self._become(variables)
            if random:
                random.setstate(to_draw)
            if events and loop:
                events._set_running_loop(loop)
                _poll_anew(loop)
        signal.set_wakeup_fd(wakes)
        return child

    def _become(self, variables: dict[str, str]) -> None:
        """Leaves nothing of the snapshot's in the copy but its memory."""
        for number in (_COPY, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        self.channel.close()
        before = os.environ[_API]
        os.environ.update(variables)
        _lead(_address(before), _address(os.environ[_API]))
        _ask_anew(_address(before))


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port)


def _lead(before: tuple[str, int], now: tuple[str, int]) -> None:
    """Leads new connections to the snapshot's address to the copy's own server."""
    connect = socket.socket.connect

    def led(self: socket.socket, address: Any) -> None:
        connect(self, now if address == before else address)

    socket.socket.connect = led  # type: ignore[assignment,method-assign]  # every client of Python's connects by it


def _ask_anew(before: tuple[str, int]) -> None:
    """Puts a connection on which `/restore/next` is asked of the copy's server in the place of the snapshot's."""
    for number in range(3, _FILES_MAX):
        if _peer(number) == before:
            with socket.create_connection(before) as own:
                own.sendall(_ASKING)
                _take_place(own, number)


def _peer(number: int) -> object:
    try:
        with socket.socket(fileno=os.dup(number)) as found:
            return found.getpeername()
    except OSError:
        return None


def _take_place(of_the_copy: socket.socket, number: int) -> None:
    blocks = os.get_blocking(number)
    os.dup2(of_the_copy.fileno(), number, inheritable=False)
    os.set_blocking(number, blocks)


def _poll_anew(loop: Any) -> None:
    """Gives a loop, which may be waiting in its poll, one that it does not share, under the same numbers."""
    pair = socket.socketpair()
    for mine, shared in zip(pair, (loop._ssock, loop._csock), strict=True):
        with mine:
            _take_place(mine, shared.fileno())
    fresh = type(loop._selector)()
    for key in loop._selector.get_map().values():
        fresh.register(key.fd, key.events)
    os.dup2(fresh.fileno(), loop._selector.fileno(), inheritable=False)
    fresh.close()


def _lead_group(process: int) -> None:
    try:
        os.setpgid(process, 0)
    except (PermissionError, ProcessLookupError):
        # The other side was first, and the child may have gone on or ended since.
        return


if "SNAPSHOT" in os.environ:
    _Snapshot(socket.socket(fileno=int(os.environ.pop("SNAPSHOT"))))
if "FORK_SERVER" in os.environ:
    channel = socket.socket(fileno=int(os.environ.pop("FORK_SERVER")))
    _import_needs(Path(os.environ["LAMBDA_TASK_ROOT"]))
    _ForkServer(channel).serve()
