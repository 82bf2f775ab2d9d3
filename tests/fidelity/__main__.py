"""`python -m tests.fidelity` prints the matrix of recorded answers and client wires; 1 where anything is lost."""

from __future__ import annotations

import sys
import time

from tests.fidelity.judge import FULL
from tests.fidelity.matrix import Report, exceptions, judged_by_all
from tests.fidelity.recordings import RECORDINGS, goldens, recorded


def main() -> int:
    """Judges all that is there."""
    started_s = time.monotonic()
    if not RECORDINGS.is_dir():
        _say("The recordings are not beside this checkout: the goldens alone are judged.")
    report = Report(judged_by_all([*recorded(), *goldens()], FULL), exceptions())
    _say(*report.table())
    _say(f"\n{len(report.verdicts)} cells in {time.monotonic() - started_s:.0f} s; exceptions:", *report.reasons())
    if report.failures:
        _say(f"\n{len(report.failures)} failures:", *report.failures)
    return 1 if report.failures else 0


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
