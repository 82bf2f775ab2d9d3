"""Tests of how an erasure goes on from call to call, over stores that erase a few things at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.people.erasing import MARGIN_S, ROUNDS_AFTER_S, Erasing
from gateway.ports.erasure import Erased
from tests.control_plane.harness import NOW_S, StoppedClock

pytestmark = pytest.mark.anyio
ORDER = {"account_id": "acct_one", "round": 0}


@dataclass
class Slow:
    """A store that takes ten seconds for each thing that it erases."""

    clock: StoppedClock
    things: int
    asked: list[Any] = field(default_factory=list)

    async def erase_some(self, account_id: str, after: Any) -> Erased:
        self.asked.append((account_id, after))
        if not self.things:
            return Erased()
        self.clock.at_s += 10
        self.things -= 1
        return Erased(1, after=len(self.asked) if self.things else None)


async def test_a_call_stops_before_its_time_is_over_and_the_next_one_goes_on() -> None:
    clock = StoppedClock()
    first, second = Slow(clock, 4), Slow(clock, 4)
    erasing = Erasing((first, second), clock)
    calls = 0
    answer: dict[str, Any] = {"next": "again", **ORDER}
    while answer["next"] == "again":
        calls += 1
        answer = await erasing.run(answer, clock.now_s() + MARGIN_S + 25)
    assert answer == {"account_id": "acct_one", "round": 1, "next": "wait", "wait_s": ROUNDS_AFTER_S[0]}
    assert (calls, first.things, second.things) == (3, 0, 0)
    assert first.asked[:3] == [("acct_one", None), ("acct_one", 1), ("acct_one", 2)]


async def test_there_are_three_rounds_and_the_last_one_says_that_jobs_are_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @dataclass
    class Kept(Slow):
        async def erase_some(self, account_id: str, after: Any) -> Erased:
            del account_id, after
            return Erased(left=2)

    clock = StoppedClock()
    erasing, answer, waits = Erasing((Kept(clock, 0),), clock), {"next": "wait", **ORDER}, []
    while answer["next"] == "wait":
        answer = await erasing.run(answer, NOW_S + 300)
        waits.append(answer["wait_s"])
    assert waits == [*ROUNDS_AFTER_S, 1]
    assert "keep their records" in caplog.text


def test_the_state_machine_outlasts_the_rounds_and_goes_on_as_it_is_told() -> None:
    machine = json.loads((Path(__file__).parents[2] / "statemachines" / "erasures.asl.json").read_text())
    assert machine["TimeoutSeconds"] > 2 * sum(ROUNDS_AFTER_S)
    choices = {one["StringEquals"]: one["Next"] for one in machine["States"]["WhatNext"]["Choices"]}
    assert choices == {"again": "Erase", "wait": "Pause"}
    assert machine["States"]["Pause"] == {"Type": "Wait", "SecondsPath": "$.wait_s", "Next": "Erase"}
