"""Runs many schedules and prints what broke, each in its least form, and which faults met which calls.

python -m tests.faults 100000 [FIRST_SEED]
"""

from __future__ import annotations

import logging
import sys

from tests.faults.campaign import REACHED, broken, drawn, shrunk


def main(count: int, first: int) -> int:
    """Runs `count` schedules from the seed `first`; returns 1 if one broke an invariant."""
    logging.disable(logging.CRITICAL)
    found = 0
    for seed in range(first, first + count):
        what = broken(drawn(seed))
        if what is not None:
            found += 1
            sys.stdout.write(f"seed {seed}: {shrunk(drawn(seed))}\n  {what}\n")
    for (operation, fault), times in sorted(REACHED.items()):
        sys.stdout.write(f"{operation:20} {fault:34} {times:8}\n")
    sys.stdout.write(f"{count} schedules, {found} broke an invariant\n")
    return int(found > 0)


if __name__ == "__main__":
    numbers = [*map(int, sys.argv[1:]), 0]
    sys.exit(main(numbers[0] or 20_000, numbers[1] if len(numbers) > 2 else 0))
