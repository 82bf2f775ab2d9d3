"""Prints the matrix of recordings and client wires (`python -m tests.fidelity`), and exits 1 if anything is lost."""

from __future__ import annotations

import sys
import time

from tests.fidelity.judge import FULL
from tests.fidelity.matrix import Report, exceptions, judged_by_all
from tests.fidelity.recordings import goldens, recorded
from tests.recorded import OTHERS


def main() -> int:
    """Judges every available recording."""
    started_s = time.monotonic()
    if not OTHERS.is_dir():
        _say("No real traffic lies beside this checkout: our sample and goldens alone are judged.")
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
