"""Tests that runs and tasks survive deaths at any call of a port: each ends once, acts once, and is paid once."""

import os
import sys

import pytest

from tests.agent_runs.deaths import lived_through
from tests.agent_runs.harness import Place

pytestmark = pytest.mark.anyio
# `make agent-deaths` draws 300.
RUNS = int(os.environ.get("RUNS", "12"))


async def test_runs_and_tasks_whose_processes_die_anywhere_end_once_act_once_and_are_paid_once(
    home: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    lived = [await lived_through(home, seed) for seed in range(RUNS)]
    deaths, lost = sum(each.deaths for each in lived), sum(each.models_lost for each in lived)
    asked = sum(each.models_asked for each in lived)
    with capsys.disabled():
        sys.stdout.write(
            f"\nruns: {RUNS}, deaths: {deaths}, models asked: {asked}, of which their answers died with a process:"
            f" {lost}\n"
        )
    assert deaths > RUNS
