"""Installs environments that tests need beside the project's own, each once, even if many processes need it."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache"
# Only a command that hangs takes this long.
ENDS_WITHIN_S = 600


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Blocks every other process that needs the same name."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def python_with(name: str) -> str:
    """Returns the Python of an environment with the packages of `requirements/NAME.txt`."""
    environment = CACHE / name
    with locked(name):
        run(["sh", "requirements/install", str(environment), f"requirements/{name}.txt"], ROOT)
    return str(environment / "bin" / "python")


def packages_with(name: str) -> Path:
    """Returns a folder with the packages of `requirements/NAME.txt`; what they want is in the project's environment."""
    lock, place = ROOT / f"requirements/{name}.txt", CACHE / f"{name}-packages"
    installed = place / "installed.txt"
    with locked(name):
        if not installed.exists() or installed.read_bytes() != lock.read_bytes():
            shutil.rmtree(place, ignore_errors=True)
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--require-hashes", "--no-deps"]
            run([*pip, "--disable-pip-version-check", "--target", str(place), "--requirement", str(lock)], ROOT)
            shutil.copy(lock, installed)
    return place


def node_with(name: str, source: Path) -> Path:
    """Returns a folder with the source's files and the packages of its lock, where Node.js finds them."""
    place = CACHE / name
    lock, installed = source / "package-lock.json", place / "installed.json"
    with locked(name):
        place.mkdir(exist_ok=True)
        for file in filter(Path.is_file, source.iterdir()):
            shutil.copy(file, place)
        if not installed.exists() or installed.read_bytes() != lock.read_bytes():
            run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], place)
            shutil.copy(lock, installed)
    return place


def run(command: list[str], place: Path, **environment: str) -> bytes:
    """Returns a command's standard output. Shows all output of a command that fails."""
    done = subprocess.run(
        command, cwd=place, env=os.environ | environment, capture_output=True, timeout=ENDS_WITHIN_S, check=False
    )
    if done.returncode != 0:
        pytest.fail(
            f"{command[0]} ended with {done.returncode}:\n{(done.stdout + done.stderr).decode()}", pytrace=False
        )
    return done.stdout
