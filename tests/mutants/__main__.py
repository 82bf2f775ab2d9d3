"""Finds what no test would notice: `python -m tests.mutants [--sample N] [part of a path ...]`."""

from __future__ import annotations

import argparse
import importlib
import importlib.abc
import importlib.util
import os
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType

import orjson
import pytest

from tests.mutants.campaign import KILLED, SURVIVED, UNREACHED, Campaign, forked
from tests.mutants.mutants import Mutant, mutants_of

ROOT = Path(__file__).parents[2]
CODE = "layers/shared/gateway"
ROOMS = ("ledger", "limits", "pipeline", "idempotency", "stores/money", "operations/token_meter.py")
TESTS = (
    "tests/money",
    "tests/idempotency",
    "tests/app",
    "tests/background/test_readmission.py",
    "tests/background/test_running.py",
    "tests/jobs/test_planning.py",
    "tests/webhooks/test_alerts.py",
)
# What takes seconds, and is about something else than one step.
LEFT_OUT = (
    "tests/money/test_deaths.py::TestLives",
    "tests/money/test_hot_account.py",
    "tests/money/test_simulation.py",
)
ARGS = ("-q", "-s", "-n", "0", "-p", "no:cacheprovider", "-m", "not servers", "-W", "ignore::pytest.PytestWarning",
        *(f"--deselect={name}" for name in LEFT_OUT))  # fmt: skip
OUT = ROOT / ".cache/mutants"
LIVED = OUT / "lived.json"
EXPLAINED = Path(__file__).with_name("survivors.toml")
OWN = ("gateway", "tests", "functions", "local", "__main__")
PATIENCE_S = 30


class Planted(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports one module in its changed form."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = mutant.path.removeprefix("layers/shared/").removesuffix(".py").replace("/", ".")
        self._path, self._text = str(ROOT / mutant.path), mutant.text

    def find_spec(self, fullname: str, _path: object, _target: ModuleType | None = None, /) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self, origin=self._path) if fullname == self._name else None

    def get_source(self, _fullname: str) -> str:
        return self._text

    def get_code(self, _fullname: str) -> CodeType:
        return compile(self._text, self._path, "exec")


def main() -> int:
    """Judges the mutants and prints those that live; 1 if one lives that the list of survivors does not explain."""
    asked = _arguments()
    mutants = [mutant for path in _paths(asked.parts) for mutant in mutants_of(ROOT, path)]
    if asked.again:
        lived = {tuple(each) for each in orjson.loads(LIVED.read_bytes())}
        mutants = [mutant for mutant in mutants if _place(mutant) in lived]
    if asked.sample:
        mutants = random.Random(asked.seed).sample(mutants, min(asked.sample, len(mutants)))
    OUT.mkdir(parents=True, exist_ok=True)
    _say(f"{len(mutants)} mutants")
    pid = os.fork()
    if pid == 0:
        os._exit(_in_session(mutants))
    if os.waitpid(pid, 0)[1]:
        return 2
    session = orjson.loads((OUT / "session.json").read_bytes())
    for name in session["modules"]:
        with suppress(Exception):
            importlib.import_module(name)
    outcomes: dict[str, tuple[str, str]] = session["outcomes"]
    for at, mutant in enumerate(mutants):
        if outcomes[_id(mutant)][0] == UNREACHED and session["tests"].get(str(ROOT / mutant.path)):
            outcomes[_id(mutant)] = _imported_anew(mutant, session["tests"][str(ROOT / mutant.path)])
            _show(at, mutant, *outcomes[_id(mutant)])
    return _report(mutants, outcomes)


def _in_session(mutants: Sequence[Mutant]) -> int:
    outcomes: dict[str, tuple[str, str]] = {}

    def judged(mutant: Mutant, outcome: str, by: str) -> None:
        outcomes[_id(mutant)] = (outcome, by)
        _show(len(outcomes), mutant, outcome, by)

    campaign = Campaign(ROOT, mutants, judged, _paths(()))
    code = int(pytest.main([*ARGS, *TESTS], plugins=[campaign]))
    modules = [name for name in sys.modules if name.partition(".")[0] not in OWN]
    found = {"outcomes": outcomes, "tests": campaign.tests_of_module, "modules": modules}
    (OUT / "session.json").write_bytes(orjson.dumps(found))
    return code


def _imported_anew(mutant: Mutant, tests: Sequence[str]) -> tuple[str, str]:
    def run() -> int:
        sys.meta_path.insert(0, Planted(mutant))
        return -1 if pytest.main([*ARGS, "-x", *tests]) == 0 else 0

    return forked(run, PATIENCE_S)[0], "import"


def _show(at: int, mutant: Mutant, outcome: str, by: str) -> None:
    if outcome != KILLED or at % 100 == 0:
        place = f"{mutant.path.removeprefix(CODE + '/')}:{mutant.line}"
        _say(f"{at} {outcome} {place} {mutant.operator} [{mutant.before}] -> [{mutant.after}] {by}")


def _report(mutants: Sequence[Mutant], outcomes: dict[str, tuple[str, str]]) -> int:
    counted = Counter(outcomes[_id(mutant)][0] for mutant in mutants)
    living = [mutant for mutant in mutants if outcomes[_id(mutant)][0] in {SURVIVED, UNREACHED}]
    explained = tomllib.loads(EXPLAINED.read_text())["equivalent"]
    unexplained = [mutant for mutant in living if not any(_explains(each, mutant) for each in explained)]
    killed = len(mutants) - len(living)
    _say(f"{killed} of {len(mutants)} killed, {100 * killed / max(1, len(mutants)):.1f} %: {dict(counted)}")
    _say(f"{len(living)} live: {len(living) - len(unexplained)} explained in {EXPLAINED.name}, {len(unexplained)} not")
    for mutant in unexplained:
        _say(f'path = "{mutant.path.removeprefix(CODE + "/")}" # line {mutant.line}, {mutant.operator}')
        _say(f"before = {mutant.before!r}\nafter = {mutant.after!r}\n")
    LIVED.write_bytes(orjson.dumps([_place(mutant) for mutant in unexplained]))
    return int(bool(unexplained))


def _explains(each: dict[str, str], mutant: Mutant) -> bool:
    """True for an entry of this line; one that names no changed line is for all of them."""
    place = mutant.path.removeprefix(f"{CODE}/")
    return (each["path"], each["before"], each.get("after", mutant.after)) == (place, mutant.before, mutant.after)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _place(mutant: Mutant) -> tuple[str, str, str, str]:
    """The mutant's name while lines are added above it."""
    return mutant.path, mutant.operator, mutant.before, mutant.after


def _id(mutant: Mutant) -> str:
    return f"{mutant.path}:{mutant.number}"


def _paths(parts: Iterable[str]) -> list[str]:
    found: list[Path] = []
    for room in ROOMS:
        place = ROOT / CODE / room
        found += sorted(place.rglob("*.py")) if place.is_dir() else [place]
    paths = [str(path.relative_to(ROOT)) for path in found if path.read_text().strip()]
    return [path for path in paths if not parts or any(part in path for part in parts)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("parts", nargs="*", help="judge only modules whose path has one of these")
    parser.add_argument("--again", action="store_true", help="judge only those that lived unexplained the last time")
    parser.add_argument("--sample", type=int, default=0, help="judge so many mutants, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
