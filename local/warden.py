"""Ends what the stack started when the stack itself is killed: its standard input closes, and the listed groups die.

Run as a script, with nothing imported from the project, so that it costs a bare interpreter. Lines on standard
input: `+PID` for a child that leads a process group of its own, `-PID` once it has been waited for.
"""

import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """Reads until the stack is gone; the one argument is the file that lists its processes, removed then."""
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
