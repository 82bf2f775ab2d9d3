"""Runs many schedules in two processes; prints what broke, each in its least form, and which faults met which awaits.

python -m tests.faults 1000000 [FIRST_SEED]
"""

from __future__ import annotations

import logging
import multiprocessing
import sys
import time
from collections import Counter

from tests.faults.campaign import Outcome, ran, shrunk
from tests.faults.faults import Fault
from tests.faults.schedule import drawn

PROCESSES, BLOCK = 2, 500
# Violations are shrunk, which takes a hundred runs each; more than these say nothing new.
TOLD_MAX = 20


def table(reached: Counter[tuple[str, Fault]]) -> str:
    """A line for each await: how often it met each fault, by the fault's number in the legend."""
    faults = list(Fault)
    legend = [f"{number:3} {fault.value}" for number, fault in enumerate(faults)]
    places = sorted({place for place, _ in reached})
    width = max(map(len, places), default=0)
    head = f"{'':{width}}" + "".join(f"{number:6}" for number in range(len(faults)))
    rows = [f"{place:{width}}" + "".join(f"{reached[place, fault] or '':6}" for fault in faults) for place in places]
    return "\n".join([*legend, head, *rows])


def main(count: int, first: int) -> int:
    """Runs `count` schedules from the seed `first`; returns 1 if one broke an invariant."""
    logging.disable(logging.CRITICAL)
    total, begun_s = Outcome(), time.monotonic()
    seeds = range(first, first + count)
    blocks = [seeds[place : place + BLOCK] for place in range(0, count, BLOCK)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES, maxtasksperchild=50) as pool:
        parts = 0
        for outcome in pool.imap_unordered(ran, blocks):
            for seed, what in list(outcome.broke.items())[: max(0, TOLD_MAX - len(total.broke))]:
                sys.stdout.write(f"seed {seed}: {shrunk(drawn(seed))}\n  {what}\n")
            total.add(outcome)
            if total.count * 20 // count > parts:
                parts = total.count * 20 // count
                spent_s = time.monotonic() - begun_s
                sys.stdout.write(f"{total.count} of {count}, {len(total.broke)} broke, {spent_s:.0f} s\n")
                sys.stdout.flush()
    pairs = len(total.reached)
    sys.stdout.write(f"{table(total.reached)}\n{pairs} pairs of await and fault were met\n")
    sys.stdout.write(f"{count} schedules, {len(total.broke)} broke an invariant\n")
    return int(bool(total.broke))


if __name__ == "__main__":
    numbers = [*map(int, sys.argv[1:]), 0]
    sys.exit(main(numbers[0] or 20_000, numbers[1] if len(numbers) > 2 else 0))
