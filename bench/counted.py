"""Runs a module and counts its work: bytecode instructions, calls and what it asks of sockets.

    python -m bench.counted MODULE [ARGUMENT...]        (COUNTS names a file of counters, as `COUNTED`)

With TOUCHED set, what is counted is the bytes that the gateway's code has copied or searched (`bench/touched.py`).

Counts do not depend on what else the machine does, as times do. They are written into a file that the bench maps, so
that it can read them while the process waits for its next event. Python counts them by `sys.monitoring`, of 3.12.
"""

import mmap
import os
import runpy
import select
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COUNTED = ("instructions", "calls", "waits", "sends", "receives", "touched")
WORD = 8
_INSTRUCTION, _CALL, _WAIT, _SEND, _RECEIVE, _TOUCHED = range(len(COUNTED))
# The C methods that ask the kernel, with the counter of each.
_ASKED: Mapping[tuple[object, str], int] = {
    (select.epoll, "poll"): _WAIT,
    (socket.SocketType, "send"): _SEND,
    (socket.SocketType, "sendall"): _SEND,
    (socket.SocketType, "sendmsg"): _SEND,
    (socket.SocketType, "recv"): _RECEIVE,
    (socket.SocketType, "recv_into"): _RECEIVE,
}
_NAMES = {name for _, name in _ASKED}


def count_into(counts: "memoryview[int]") -> None:
    """Counts from now on, in every thread."""
    # Types are checked as Python 3.11 knows them.
    monitoring = vars(sys)["monitoring"]
    events = monitoring.events
    tool = monitoring.PROFILER_ID
    monitoring.use_tool_id(tool, "bench")

    def instruction(_code: object, _offset: int) -> None:
        counts[_INSTRUCTION] += 1

    def call(_code: object, _offset: int, function: Any, _argument: object) -> None:
        counts[_CALL] += 1
        counter = _counter(function)
        if counter is not None:
            counts[counter] += 1

    monitoring.register_callback(tool, events.INSTRUCTION, instruction)
    monitoring.register_callback(tool, events.CALL, call)
    monitoring.set_events(tool, events.INSTRUCTION | events.CALL)


def _count_touched(counts: "memoryview[int]") -> None:
    from bench import touched  # noqa: PLC0415  # its own imports are no part of a cold start

    def add(count: int) -> None:
        counts[_TOUCHED] += count

    touched.install(add)


def _counter(function: Any) -> int | None:
    """The counter of a C method of a socket or of epoll, bound or not."""
    name = getattr(function, "__name__", None)
    if name not in _NAMES:
        return None
    bound = getattr(function, "__self__", None)
    owner = socket.SocketType if isinstance(bound, socket.SocketType) else type(bound)
    return _ASKED.get((getattr(function, "__objclass__", owner), name))


def main() -> None:
    """Runs the module as `python -m` would."""
    module = sys.argv[1]
    with Path(os.environ["COUNTS"]).open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), WORD * len(COUNTED))
    counts = memoryview(mapped).cast("Q")
    if os.environ.get("TOUCHED"):
        _count_touched(counts)
    else:
        count_into(counts)
    sys.argv = sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
