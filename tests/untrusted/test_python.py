"""Tests of programs that models write: each way out, and of using things up, ends in a bounded error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydantic_monty
import pytest

from gateway.ports.sandbox import CODE_CHARACTERS_MAX, Outcome
from gateway.untrusted.python import CRASHED, ERROR_CHARACTERS_MAX, OUTPUT_CHARACTERS_MAX, TOO_LONG, run

RUNS_S = 0.3
NO_MODULE, NO_NAME, NO_MEMBER, NO_FILE = "ModuleNotFoundError", "NameError", "AttributeError", "PermissionError"
TIME, MEMORY, DEPTH, SYNTAX = "TimeoutError", "MemoryError", "RecursionError", "SyntaxError"
NOT_HERE = "not supported in this environment"

ESCAPES: dict[str, tuple[str, str]] = {
    # Modules that reach the machine.
    "socket": ("import socket", NO_MODULE),
    "subprocess": ("import subprocess", NO_MODULE),
    "ctypes": ("import ctypes", NO_MODULE),
    "threads": ("import threading", NO_MODULE),
    "processes": ("import multiprocessing", NO_MODULE),
    "http": ("import http.client", NO_MODULE),
    "urllib": ("import urllib.request", NO_MODULE),
    "a package": ("import requests", NO_MODULE),
    "boto3": ("import boto3", NO_MODULE),
    "the gateway": ("import gateway.wiring.settings", NO_MODULE),
    "importlib": ("import importlib", NO_MODULE),
    "builtins": ("import builtins", NO_MODULE),
    "gc": ("import gc", NO_MODULE),
    "inspect": ("import inspect", NO_MODULE),
    "pickle": ("import pickle", NO_MODULE),
    "signal": ("import signal", NO_MODULE),
    "shutil": ("import shutil", NO_MODULE),
    "sqlite3": ("import sqlite3", NO_MODULE),
    "resource": ("import resource", NO_MODULE),
    # What the modules that there are do not have.
    "a shell": ("import os\nos.system('id')", NO_MEMBER),
    "a fork": ("import os\nos.fork()", NO_MEMBER),
    "another program": ("import os\nos.execv('/bin/sh', ['sh'])", NO_MEMBER),
    "a kill": ("import os\nos.kill(1, 9)", NO_MEMBER),
    "the environment": ("import os\nprint(os.environ['PATH'])", NOT_HERE),
    "one variable": ("import os\nprint(os.getenv('PATH'))", NOT_HERE),
    "modules by name": ("import sys\nprint(sys.modules)", NO_MEMBER),
    "frames": ("import sys\nsys._getframe()", NO_MEMBER),
    "an end of the process": ("import sys\nsys.exit()", NO_MEMBER),
    "a connection": ("import asyncio\nasyncio.open_connection('127.0.0.1', 80)", NO_MEMBER),
    "a child by asyncio": ("import asyncio\nasyncio.create_subprocess_exec('id')", NO_MEMBER),
    # Files.
    "a file": ("open('/etc/passwd').read()", NO_FILE),
    "a process's memory": ("open('/proc/self/mem', 'rb')", NO_FILE),
    "the parent's environment": ("open('/proc/1/environ', 'rb')", NO_FILE),
    "a path": ("import pathlib\npathlib.Path('/etc/passwd').read_text()", NO_FILE),
    "a folder": ("import os\nos.listdir('/')", NO_FILE),
    "a new file": ("open('{place}', 'w').write('x')", NO_FILE),
    "a new folder": ("import os\nos.mkdir('{place}')", NO_FILE),
    "a link": ("import os\nos.symlink('/etc/passwd', '{place}')", NO_MEMBER),
    # The interpreter from inside.
    "__import__": ("__import__('os').system('id')", NO_NAME),
    "__builtins__": ("print(__builtins__)", NO_NAME),
    "globals": ("print(globals())", NO_NAME),
    "compile": ("compile('1', '', 'eval')", NO_NAME),
    "breakpoint": ("breakpoint()", NO_NAME),
    "input": ("input()", NO_NAME),
    "subclasses": ("().__class__.__base__.__subclasses__()", NO_MEMBER),
    "code objects": ("(lambda: 0).__code__", NO_MEMBER),
    "a function's globals": ("(lambda: 0).__globals__", NO_MEMBER),
    "format": ("'{0.__class__}'.format(1)", NO_MEMBER),
    "a bound builtin": ("getattr(print, '__self__')", NO_MEMBER),
    "a built-in type": ("setattr(int, 'x', 1)", NO_MEMBER),
    # Time.
    "a loop": ("while True: pass", TIME),
    "a loop that catches": ("while True:\n  try:\n    while True: pass\n  except BaseException: pass", TIME),
    "a coroutine": ("import asyncio\nasync def f():\n  while True: pass\nasyncio.run(f())", TIME),
    "recursion that catches": ("def f():\n  try: f()\n  except RecursionError: f()\nf()", TIME),
    "a large power": ("x = 3\nwhile True: x = x * x", ""),
    # Memory.
    "a list": ("x = [0] * 10**10", MEMORY),
    "a text": ("x = 'x' * 10**10", MEMORY),
    "a list that grows": ("x = []\nwhile True: x.append('x' * 100_000)", MEMORY),
    "a text that grows": ("x = 'x'\nwhile True: x += x", MEMORY),
    "a number": ("x = 2 ** 10**11", MEMORY),
    "a shift": ("x = 1 << 10**11", MEMORY),
    "a format": ("'%10000000000d' % 5", MEMORY),
    "random bytes": ("import os\nos.urandom(10**10)", MEMORY),
    "shared lists": ("a = []\nfor _ in range(60): a = [a, a]\nprint(a)", ""),
    "memory that is caught": ("while True:\n  try: x = [0] * 10**10\n  except MemoryError: pass", ""),
    # Depth.
    "recursion": ("def f(n): return f(n + 1)\nf(0)", DEPTH),
    "brackets": ("(" * 20_000 + ")" * 20_000, "deeply nested"),
    "brackets in eval": ("eval('(' * 100_000 + ')' * 100_000)", SYNTAX),
    "brackets in JSON": ("import json\njson.loads('[' * 100_000)", "recursion limit"),
    # Output and errors.
    "output": ("while True: print('x' * 1_000)", "printed more than"),
    "one long line": ("print('x' * 10**7)", "printed more than"),
    "a long error": ("raise ValueError('x' * 10**7)", "ValueError: xxx"),
    "an exit": ("raise SystemExit(3)", ""),
    "an interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    # Code that is no program.
    "no Python": ("def f(:", SYNTAX),
    "an open line": ("[0] * 10**6 or \\", SYNTAX),
    "an open text": ("'''", SYNTAX),
    "an open bracket": ("([0] * 10**6 or ", SYNTAX),
}

# What only its time ends.
FOR_EVER = {TIME, "", "printed more than"}


def test_there_are_sixty_ways_and_more() -> None:
    assert len(ESCAPES) >= 60


@pytest.mark.parametrize("way", ESCAPES)
def test_a_way_out_ends_in_a_bounded_error(tmp_path: Path, way: str) -> None:
    code, words = ESCAPES[way]
    place = tmp_path / "made"
    program = code.replace("{place}", str(place))
    outcome = run(program, RUNS_S) if words in FOR_EVER else run(program)
    assert outcome.error
    assert words in outcome.error
    assert len(outcome.output) <= OUTPUT_CHARACTERS_MAX
    assert len(outcome.error) <= ERROR_CHARACTERS_MAX + 200
    assert not place.is_symlink()
    assert not place.exists()


def test_a_program_s_output_is_what_it_prints() -> None:
    assert run("import math\nfor n in range(3): print(math.factorial(n))\n7") == Outcome("1\n1\n2\n")


def test_a_failure_says_where_it_is_and_keeps_what_was_printed() -> None:
    outcome = run("print('first')\nx = 1\nx / 0")
    assert outcome.output == "first\n"
    assert "line 3" in str(outcome.error)
    assert "ZeroDivisionError" in str(outcome.error)


class Watched:
    """A pool, then its session, that keeps what programs come to in this process."""

    def __init__(self, real: Any, values: list[Any]) -> None:
        self.real = real
        self.values = values

    def __enter__(self) -> Watched:
        self.real.__enter__()
        return self

    def __exit__(self, *ended: object) -> None:
        self.real.__exit__(*ended)

    def checkout(self, **given: Any) -> Watched:
        return Watched(self.real.checkout(**given), self.values)

    def feed_run(self, code: str, **given: Any) -> None:
        self.values.append(self.real.feed_run(code, **given))


def test_a_program_s_last_value_is_not_copied_into_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    values: list[Any] = []
    made = pydantic_monty.Monty
    monkeypatch.setattr(pydantic_monty, "Monty", lambda **given: Watched(made(**given), values))
    assert run("[0] * 10**6") == Outcome("")
    assert values == [None]


def test_a_program_finds_nothing_of_the_one_before() -> None:
    assert run("kept = 1\nprint(kept)").error is None
    assert "NameError" in str(run("print(kept)").error)


def test_code_that_is_too_long_is_not_run() -> None:
    assert run("#" * (CODE_CHARACTERS_MAX + 1)) == Outcome("", TOO_LONG)


def test_an_interpreter_that_breaks_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "monty"
    broken.write_text("#!/bin/sh\nexit 139\n")
    broken.chmod(0o755)
    monkeypatch.setenv("MONTY_BIN", str(broken))
    assert run("print(1)").error == CRASHED
