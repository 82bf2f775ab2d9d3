"""Tests of the reconciler on jobs that have lost their executions, or seem to."""

from dataclasses import dataclass

import pytest

from gateway.canonical.jobs import JobKind
from gateway.errors import ServiceUnavailable
from gateway.jobs.reconciler import Reconciled
from tests.jobs.world import DEADLINE_S, Machine, World

pytestmark = pytest.mark.anyio
JOB = "gen_1"


@dataclass
class Unstoppable(Machine):
    """A Step Functions that accepts new executions and nothing else."""

    async def stop(self, kind: JobKind, job_id: str, run: int) -> None:
        raise ServiceUnavailable(f"{kind} {job_id}-{run} goes on")


async def test_a_job_is_started_anew_although_its_old_execution_cannot_be_stopped() -> None:
    world = World(machine=Unstoppable())
    await world.open()
    await world.order(JOB)
    world.time.at_s += DEADLINE_S
    assert await world.reconciler().run() == Reconciled(left=1)
    assert world.machine.running == {(JOB, 1), (JOB, 2)}
    assert (await world.step(JOB, "submit", run=1))["next"] == "over"
