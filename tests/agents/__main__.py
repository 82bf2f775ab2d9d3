"""Runs terminal agents against their own stack (`python -m tests.agents`), prints a table, and exits 1 if one fails.

`python -m tests.agents llm aider` runs only the agents that it names.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.agents import packages
from tests.agents.sessions import FILE, SAID, Gateway, Session, sessions
from tests.stack.conftest import lift_limit, running

_SESSION_TIMEOUT_S = 180
_TAIL_CHARACTERS = 1_500


def main() -> int:
    """Runs every agent. The output of those that fail follows the table."""
    packages.install()
    failed: list[tuple[Session, str]] = []
    with tempfile.TemporaryDirectory() as data, running(Path(data)) as stack:
        lift_limit(stack)
        for session in _chosen(
            list(sessions(Gateway(stack.root_url, stack.api_key, stack.realtime_url))), sys.argv[1:]
        ):
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


def _chosen(all_sessions: Sequence[Session], agents: Sequence[str]) -> Sequence[Session]:
    """Returns the sessions of the named agents, or all of them."""
    unknown = set(agents) - {session.agent for session in all_sessions}
    if unknown:
        sys.exit(f"There is no session of {', '.join(sorted(unknown))}.")
    return [session for session in all_sessions if not agents or session.agent in agents]


def outcome(session: Session) -> str | None:
    """Returns the failure, or None if the agent ended well and its shell wrote the file."""
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
    """Runs the agent without access to the developer's own settings or keys."""
    return subprocess.run(
        session.command,
        cwd=work,
        env={"PATH": packages.path(), "HOME": str(home), "TERM": "dumb", **session.environment},
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
