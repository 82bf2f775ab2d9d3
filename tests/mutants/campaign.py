"""Judges mutants inside one pytest session: each in a process of its own, forked from the session when it has run.

The session runs its tests once and notes which lines of the mutated modules each of them reaches. A mutant is judged by
the tests that reach its statement, those first that have failed most often: the fork puts the changed code into the
functions that are already imported, and runs the tests until one fails. A changed constant is put into all modules that
have it, and is judged by the tests that reach a line which names it; if none fails it is left to a session that imports
the changed module, since defaults are bound by an import.
"""

from __future__ import annotations

import functools
import gc
import math
import os
import re
import resource
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.mutants import Mutant, changed_codes

# Of the processor's time: a test that takes more judges no mutant, and all tests of one mutant take no more together.
SLOW_S = 3.0
ENOUGH_S = 3.0
WAITS_S = 120.0
# Since Python 3.12.
MONITORING: Any = getattr(sys, "monitoring", None)
KILLED, SURVIVED, HUNG, UNREACHED = "killed", "survived", "hung", "unreached"

Judged = Callable[[Mutant, str, str], None]


class Campaign:
    """A pytest plugin."""

    def __init__(self, root: Path, mutants: Sequence[Mutant], judged: Judged, watched: Iterable[str]) -> None:
        self._root = root
        self._mutants = mutants
        self._judged = judged
        self._paths = {str(root / path) for path in watched}
        self._texts = {path: Path(path).read_text().splitlines() for path in self._paths}
        self._reached: dict[tuple[str, int], set[int]] = defaultdict(set)
        self._took_s: dict[int, float] = {}
        self._kills: Counter[int] = Counter()
        self._now = -1
        self.tests_of_module: dict[str, list[str]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Runs the tests once, then every mutant."""
        self._watch()
        for at, item in enumerate(session.items):
            self._now = at
            MONITORING.restart_events()
            began_s = time.process_time()
            reports = runtestprotocol(item, log=False, nextitem=session.items[(at + 1) % len(session.items)])
            self._took_s[at] = time.process_time() - began_s
            if any(report.failed for report in reports):
                sys.stdout.write(f"left out, since it fails without a mutant: {item.nodeid}\n")
                self._took_s[at] = math.inf
        MONITORING.set_events(MONITORING.COVERAGE_ID, 0)
        self._note_modules(session)
        gc.collect()
        gc.unfreeze()
        functions = _functions(self._paths)
        caches = [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]
        gc.freeze()
        for mutant in self._mutants:
            chosen = self._chosen(mutant)
            failed_at = self._judge(mutant, [session.items[each] for each in chosen], functions, caches)
            if failed_at is not None:
                self._kills[chosen[failed_at]] += 1
        return True

    def _watch(self) -> None:
        tool = MONITORING.COVERAGE_ID
        MONITORING.use_tool_id(tool, "mutants")
        MONITORING.register_callback(tool, MONITORING.events.LINE, self._line)
        MONITORING.set_events(tool, MONITORING.events.LINE)

    def _line(self, code: CodeType, line: int) -> Any:
        if code.co_filename in self._paths:
            self._reached[code.co_filename, line].add(self._now)
        return MONITORING.DISABLE

    def _note_modules(self, session: pytest.Session) -> None:
        """The tests that reach any function of a module, for what only an import can change."""
        for path in self._paths:
            found = {at for (file, _), tests in self._reached.items() if file == path for at in tests}
            self.tests_of_module[path] = [session.items[at].nodeid for at in self._likeliest(found)]

    def _chosen(self, mutant: Mutant) -> list[int]:
        places = [(str(self._root / mutant.path), line) for line in mutant.lines]
        if mutant.names:
            named = re.compile(rf"\b(?:{'|'.join(mutant.names)})\b")
            places = [
                (path, at)
                for path, text in self._texts.items()
                for at, line in enumerate(text, 1)
                if named.search(line)
            ]
        return self._likeliest({at for place in places for at in self._reached.get(place, ())})

    def _likeliest(self, tests: Iterable[int]) -> list[int]:
        chosen, total_s = [], 0.0
        for at in sorted(filter(self._is_quick, tests), key=lambda at: (-self._kills[at], self._took_s[at])):
            total_s += self._took_s[at]
            if total_s > ENOUGH_S:
                break
            chosen.append(at)
        return chosen

    def _is_quick(self, at: int) -> bool:
        return self._took_s[at] <= SLOW_S

    def _judge(
        self,
        mutant: Mutant,
        items: Sequence[pytest.Item],
        functions: dict[tuple[str, str, int], list[FunctionType]],
        caches: Iterable[Any],
    ) -> int | None:
        """Judges a mutant by these tests; the place of the one that failed."""
        if not items:
            self._judged(mutant, UNREACHED, "")
            return None
        path = str(self._root / mutant.path)
        before = compile((self._root / mutant.path).read_text(), path, "exec")
        after = compile(mutant.text, path, "exec")

        def run() -> int | None:
            if not _planted(path, before, after, mutant.names, functions):
                return None
            for cached in caches:
                cached.cache_clear()
            for at, (item, following) in enumerate(zip(items, [*items[1:], items[-1]], strict=True)):
                if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following)):
                    return at
            return -1

        outcome, at = forked(run, 2 * int(ENOUGH_S))
        if mutant.names and outcome == SURVIVED:
            outcome = UNREACHED
        self._judged(mutant, outcome, items[at].nodeid if outcome == KILLED else "")
        return at if outcome == KILLED else None


def forked(run: Callable[[], int | None], patience_s: int) -> tuple[str, int]:
    """Runs in a process of its own, which answers with the number of the test that failed, or with -1.

    It hangs if it takes more of the processor's time than `patience_s`, or waits for `WAITS_S`.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (patience_s, patience_s))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        try:
            answer = run()
        except BaseException:  # noqa: BLE001  # what a mutant breaks in pytest itself is broken
            answer = 0
        os.write(writing, str(answer).encode())
        os._exit(0)
    os.close(writing)
    until_s = time.monotonic() + WAITS_S
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        if time.monotonic() > until_s:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(reading)
            return HUNG, -1
        time.sleep(0.005)
    said = os.read(reading, 100).decode()
    os.close(reading)
    if not said:
        return HUNG, -1
    if said == "None":
        return UNREACHED, -1
    return (SURVIVED, -1) if said == "-1" else (KILLED, int(said))


def _planted(
    path: str,
    before: CodeType,
    after: CodeType,
    names: Iterable[str],
    functions: dict[tuple[str, str, int], list[FunctionType]],
) -> bool:
    """Changes what is imported as the mutant does; false where only an import can."""
    for pair in changed_codes(before, after):
        if pair is None and names:
            _rebind(path, after, names)
            continue
        swapped = [] if pair is None else functions.get((path, pair[0].co_qualname, pair[0].co_firstlineno), [])
        if pair is None or not swapped:
            return False
        for function in swapped:
            function.__code__ = pair[1]
    return True


def _rebind(path: str, changed: CodeType, names: Iterable[str]) -> None:
    """Puts the changed constants into the module and into those that have imported them from it."""
    module = next(each for each in sys.modules.values() if getattr(each, "__file__", None) == path)
    anew = {name: value for name, value in vars(module).items() if name.startswith("__")}
    exec(changed, anew)  # noqa: S102  # the module itself, changed in one place
    for name in names:
        before = vars(module)[name]
        for other in list(sys.modules.values()):
            if vars(other).get(name) is before:
                vars(other)[name] = anew[name]


def _functions(paths: set[str]) -> dict[tuple[str, str, int], list[FunctionType]]:
    found: dict[tuple[str, str, int], list[FunctionType]] = defaultdict(list)
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename in paths:
            code = each.__code__
            found[code.co_filename, code.co_qualname, code.co_firstlineno].append(each)
    return found
