"""Installs the agents into `.cache/agents`, in the versions that package.json and the programs' own lists pin.

Each Python program has an environment of its own, since Aider pins every package that it needs, and runs on no
Python newer than 3.12.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson

from tests.environments import CACHE

_PINS = Path(__file__).parent
_INSTALLED = CACHE / "agents"
_PYTHON_PROGRAMS = ("aider", "llm", "openai-agents")
_FITS = "import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 13))"


def path() -> str:
    """Returns the search path of commands, the agents' first."""
    folders = [_INSTALLED / "node_modules/.bin", *(_INSTALLED / name / "bin" for name in _PYTHON_PROGRAMS)]
    return os.pathsep.join([*map(str, folders), os.environ["PATH"]])


def realtime_agent(language: str) -> tuple[str, ...]:
    """Returns the command that runs the agent of the Agents SDK in that language."""
    program = {"mjs": Path("node"), "py": _INSTALLED / "openai-agents/bin/python"}[language]
    return (str(program), str(_INSTALLED / f"realtime_agent.{language}"))


def install() -> None:
    """Installs the pinned versions, unless they are installed already."""
    _INSTALLED.mkdir(parents=True, exist_ok=True)
    for script in _PINS.glob("realtime_agent.*"):
        shutil.copy(script, _INSTALLED)
    if _is_missing("package.json"):
        _install_from_npm()
    for name in _PYTHON_PROGRAMS:
        if _is_missing(f"{name}.txt"):
            _install_for_python(name)


def _is_missing(pins: str) -> bool:
    installed = _INSTALLED / pins
    return not installed.is_file() or installed.read_bytes() != (_PINS / pins).read_bytes()


def _install_from_npm() -> None:
    command = ["npm", "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    pins = orjson.loads((_PINS / "package.json").read_bytes())["dependencies"]
    subprocess.run([*command, *(f"{name}@{version}" for name, version in pins.items())], cwd=_INSTALLED, check=True)
    shutil.copy(_PINS / "package.json", _INSTALLED)


def _install_for_python(name: str) -> None:
    environment, pins = _INSTALLED / name, _PINS / f"{name}.txt"
    subprocess.run([_fitting_python(), "-m", "venv", "--clear", environment], check=True)
    pip = [str(environment / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(pins)], check=True)
    shutil.copy(pins, _INSTALLED)


def _fitting_python() -> str:
    """Returns a Python 3.11 or 3.12 of this machine."""
    for python in _candidates():
        found = shutil.which(python)
        if found is not None and _fits(found):
            return found
    sys.exit("Aider needs Python 3.11 or 3.12 with venv. Install one, or put it in the PATH.")


def _fits(python: str) -> bool:
    """True if it runs and is new and old enough. A shim of pyenv exists for versions that are not active."""
    return subprocess.run([python, "-c", _FITS], stderr=subprocess.DEVNULL, check=False).returncode == 0


def _candidates() -> Iterator[str]:
    yield from ("python3.12", "python3.11")
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    yield from (str(place) for place in sorted(versions.glob("3.1[12]*/bin/python3"), reverse=True))
