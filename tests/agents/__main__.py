"""`python -m tests.agents` drives terminal agents through a stack of its own and prints a table; 1 where one fails.

What npm installs, about 1 GB, stays in `.cache/agents`, in the versions that package.json pins.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from tests.agents.sessions import FILE, SAID, Gateway, Session, sessions
from tests.clients.conftest import ROOT, lift_limit, running

_PINNED = Path(__file__).with_name("package.json")
_INSTALLED = ROOT / ".cache/agents"
_SESSION_TIMEOUT_S = 180
_TAIL_CHARACTERS = 1_500


def main() -> int:
    """Asks every agent; the output of those that fail follows the table."""
    install()
    failed: list[tuple[Session, str]] = []
    with tempfile.TemporaryDirectory() as data, running(Path(data)) as stack:
        lift_limit(stack)
        for session in sessions(Gateway(stack.root_url, stack.api_key)):
            started_s = time.monotonic()
            failure = outcome(session)
            took_s = time.monotonic() - started_s
            verdict = "done" if failure is None else "FAILED"
            _say(f"{session.agent:<12} {session.wire:<10} {session.model:<18} {verdict:<7} {took_s:5.1f} s")
            if failure is not None:
                failed.append((session, failure))
    for session, failure in failed:
        _say(f"\n{session.agent} on {session.wire} with {session.model}: {failure}")
    return 1 if failed else 0


def install() -> None:
    """The pinned versions, unless they are there already."""
    installed = _INSTALLED / _PINNED.name
    if installed.is_file() and installed.read_bytes() == _PINNED.read_bytes():
        return
    _INSTALLED.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    pins = orjson.loads(_PINNED.read_bytes())["dependencies"]
    subprocess.run([*command, *(f"{name}@{version}" for name, version in pins.items())], cwd=_INSTALLED, check=True)
    shutil.copy(_PINNED, installed)


def outcome(session: Session) -> str | None:
    """What was wrong, or None where the agent ended well and its shell wrote the file."""
    with tempfile.TemporaryDirectory() as place:
        home, work = Path(place, "home"), Path(place, "work")
        work.mkdir()
        for name, text in session.files.items():
            file = home / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        try:
            ended = _run(session, home, work)
        except subprocess.TimeoutExpired:
            return f"no end within {_SESSION_TIMEOUT_S} s"
        written = work / FILE
        if ended.returncode == 0 and written.is_file() and written.read_text() == SAID:
            return None
        return f"exit {ended.returncode}, {'a' if written.is_file() else 'no'} file\n{ended.stdout[-_TAIL_CHARACTERS:]}"


def _run(session: Session, home: Path, work: Path) -> subprocess.CompletedProcess[str]:
    """The agent's run, with nothing of the developer's own settings or keys in reach."""
    path = f"{_INSTALLED / 'node_modules/.bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        session.command,
        cwd=work,
        env={"PATH": path, "HOME": str(home), "TERM": "dumb", **session.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SESSION_TIMEOUT_S,
        check=False,
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
