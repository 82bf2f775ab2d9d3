"""Ends the stack's processes when the stack itself is killed, which closes this script's standard input.

It imports nothing of the project, so that it costs only a bare interpreter. Lines on standard input: `+PID` for a child
that leads its own process group, `-PID` once the stack has waited for it.
"""

import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """Reads until the stack is gone, then removes the file of its processes, which is the one argument."""
    # A terminal's Ctrl-C goes to the whole foreground group; the stack ends its children itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line[0] == "+" else groups.discard
        change(int(line[1:]))
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            continue
    Path(sys.argv[1]).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
