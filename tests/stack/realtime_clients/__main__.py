"""Holds sessions of every official client with every provider's model: `python -m tests.stack.realtime_clients`.

`python -m tests.stack.realtime_clients python ws` takes the clients that it names alone. Prints each fault, and exits 1
for any.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.stack.conftest import running
from tests.stack.realtime_clients.clients import CLIENTS, sessions
from tests.stack.realtime_clients.scripts import MODELS, SCRIPTS, played


def main(named: Sequence[str]) -> int:
    """Plays every script with every model in every client."""
    wrong = count = 0
    with tempfile.TemporaryDirectory() as data, running(Path(data)) as stack:
        for client in named or CLIENTS:
            scripts = {model: played(model, SCRIPTS) for model in MODELS}
            found = list(sessions(stack, client, scripts))
            own = sum(map(len, scripts.values()))
            _say(f"{client:<10} {own} sessions, {len(found)} faults", *found)
            wrong += len(found)
            count += own
    _say(f"{count} sessions, {wrong} faults")
    return 1 if wrong else 0


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
