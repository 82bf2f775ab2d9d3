"""Tests that repair brings more scripted goals to the right answer than there are without it."""

import os
import sys
from collections import Counter

import pytest

from tests.agent_runs.harness import Place
from tests.agent_runs.healing import KINDS, ROUNDS, goals, succeeded

pytestmark = pytest.mark.anyio
# `make self-healing` takes each of the sixty; a run of all tests takes every fourth.
EVERY = int(os.environ.get("EVERY", "4"))
# Points that repair has to bring.
BAR = 20


async def test_repair_brings_more_goals_to_their_right_answers(home: Place, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = goals()[::EVERY]
    without, mended = Counter[str](), Counter[str]()
    for goal in drawn:
        without[goal.fault] += await succeeded(home, goal, 0)
        mended[goal.fault] += await succeeded(home, goal, ROUNDS)
    points = 100 * (mended.total() - without.total()) / len(drawn)
    many = Counter(goal.fault for goal in drawn)
    with capsys.disabled():
        sys.stdout.write(f"\n{len(drawn)} goals, right without and with repair: {without.total()}, {mended.total()}")
        sys.stdout.write(f" ({points:+.0f} points)\n")
        sys.stdout.writelines(f"  {kind}: {without[kind]}, {mended[kind]} of {many[kind]}\n" for kind in KINDS)
    assert points >= BAR
    # What needs no repair, and what none can mend, is as before.
    assert (without["none"], mended["beyond repair"]) == (many["none"], 0)
