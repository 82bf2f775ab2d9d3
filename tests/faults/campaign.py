"""Runs schedules of faults against the real pipeline and jobs, and judges what was paid.

A schedule is a value: the same one runs the same way, on virtual time. One that breaks an invariant is shrunk: parts of
it are left out or made plain while it still does.
"""

from __future__ import annotations

import gc
import logging
import random
from collections import Counter
from dataclasses import dataclass, field
from unittest.mock import patch

from gateway.pipeline import attempts
from gateway.stores.aws import client
from tests.faults.faults import Fault
from tests.faults.schedule import Schedule, drawn, less
from tests.faults.world import World
from tests.virtual_time import run

# The pairs of await and fault that were met so far.
REACHED: Counter[tuple[str, Fault]] = Counter()


def broken(schedule: Schedule) -> str | None:
    """Names the invariant that a schedule breaks, or `None`."""
    worlds: list[World] = []

    async def story() -> None:
        worlds.append(World(schedule))
        await worlds[0].played()

    chance = random.Random(1)
    # All that a run leaves behind is young when it ends, so that a short look finds it: less work than looks meanwhile.
    gc.disable()
    with patch.object(client, "JITTER", chance), patch.object(attempts, "JITTER", chance):
        try:
            run(story())
        except AssertionError as error:
            return str(error) or "an invariant"
        finally:
            REACHED.update(worlds.pop().faults.met)
            gc.enable()
            gc.collect(0)
    return None


def shrunk(schedule: Schedule) -> Schedule:
    """The schedule with as little as still breaks an invariant."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in less(schedule):
            if broken(candidate) is not None:
                schedule, smaller = candidate, True
                break
    return schedule


@dataclass
class Outcome:
    """The result of a block of seeds: what broke by seed, and the pairs of await and fault that were met."""

    count: int = 0
    broke: dict[int, str] = field(default_factory=dict)
    reached: Counter[tuple[str, Fault]] = field(default_factory=Counter)

    def add(self, other: Outcome) -> None:
        """Adds the result of another block."""
        self.count += other.count
        self.broke |= other.broke
        self.reached.update(other.reached)


def ran(seeds: range) -> Outcome:
    """Runs the schedules of the seeds."""
    logging.disable(logging.CRITICAL)
    REACHED.clear()
    found = {seed: what for seed in seeds if (what := broken(drawn(seed))) is not None}
    return Outcome(len(seeds), found, REACHED.copy())
