"""Runs Python programs, each in a process of its own, and loads the packages that they import once for all.

An SDK takes a second of a core to import. So one process loads what the programs begin with, and forks for each.
It reads `{"modules": [...], "programs": [{"text", "folder"}, ...]}` and prints a list of `{"status", "told"}` in
the same order.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import orjson

# Most of their time programs wait for the stack.
AT_ONCE = 4
# A file of each program's folder.
TOLD = "told.txt"


def run(modules: list[str], programs: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Runs the programs, some at a time, in their folders; returns how each has ended and what it has printed."""
    for name in modules:
        importlib.import_module(name)
    statuses: dict[int, int] = {}
    running: dict[int, int] = {}
    for place, program in enumerate(programs):
        if len(running) == AT_ONCE:
            _await_one(running, statuses)
        running[_begun(program)] = place
    while running:
        _await_one(running, statuses)
    texts = [(Path(each["folder"]) / TOLD).read_text() for each in programs]
    return [{"status": statuses[place], "told": text} for place, text in enumerate(texts)]


def _begun(program: dict[str, str]) -> int:
    """Forks a process that runs the program and ends; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.chdir(program["folder"])
        told = os.open(TOLD, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(told, 1)
        os.dup2(told, 2)
        exec(compile(program["text"], "program", "exec"), {"__name__": "__main__"})  # noqa: S102  # our own documents
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception:  # noqa: BLE001  # a program may fail in any way; its trace is told
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _await_one(running: dict[int, int], statuses: dict[int, int]) -> None:
    pid, status = os.wait()
    statuses[running.pop(pid)] = os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.stdout.write(orjson.dumps(run(**orjson.loads(sys.stdin.buffer.read()))).decode())
