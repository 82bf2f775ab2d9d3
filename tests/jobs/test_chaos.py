"""Tests that two hundred jobs survive dying processes: each is charged or released once and leaves nothing behind."""

import asyncio
import contextlib
import sys

import pytest

from gateway.canonical.jobs import JobStatus, Phase
from gateway.canonical.money import EntryKind
from gateway.jobs.closing import Closing
from gateway.jobs.writer import JobWriter
from tests.jobs.world import COST, TERMINAL, Died, World

pytestmark = pytest.mark.anyio
JOBS = 200
RELEASED = [EntryKind.RELEASE]
ENDS = {JobStatus.SUCCEEDED: [EntryKind.CHARGE], JobStatus.FAILED: RELEASED, JobStatus.CANCELED: RELEASED}


async def all_over(world: World, ids: list[str]) -> bool:
    return all([(await world.job(job_id)).phase is Phase.ENDED for job_id in ids])


async def reconciled(world: World) -> None:
    """Runs the reconciler once; its process may die in it too."""
    with contextlib.suppress(Died):
        await world.reconciler().run()


async def lived_through(world: World, ids: list[str]) -> None:
    """Runs, loses and finds executions again, until every job is over."""
    for _ in range(400):
        lost = [one for one in world.machine.running if world.random.random() < 0.1]
        world.machine.running.difference_update(lost)
        await asyncio.gather(*[world.execute(job_id, run) for job_id, run in sorted(world.machine.running)])
        if await all_over(world, ids):
            return
        world.time.at_s += 60
        await reconciled(world)
    raise AssertionError("some jobs never end")


async def canceled(world: World, job_id: str) -> None:
    """Cancels a job at any moment of its life; the process that serves the caller may die too."""
    for _ in range(world.random.randrange(120)):
        await asyncio.sleep(0)
    writer = JobWriter(world.mortal(world.jobs), world.time)
    closing = Closing(writer, world.mortal(world.money), world.time)
    with contextlib.suppress(Died):
        await closing.close(await writer.decide(await world.job(job_id), JobStatus.CANCELED))


@pytest.mark.parametrize("seed", range(5))
async def test_every_job_ends_once_when_a_process_dies_at_any_step(
    seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(seed=seed)
    await world.open()
    ids = [f"gen_{number:03}" for number in range(JOBS)]
    for job_id in ids:
        await world.order(job_id)
    world.deaths = 0.02
    provider = world.provider
    provider.submit_errors, provider.poll_errors, provider.failures = 0.2, 0.2, 0.1
    fickle = world.random.sample(ids, JOBS // 4)
    await asyncio.gather(lived_through(world, ids), *[canceled(world, job_id) for job_id in fickle])
    world.deaths = 0.0
    outcomes = dict.fromkeys(TERMINAL, 0)
    for job_id in ids:
        job = await world.job(job_id)
        assert job.status in TERMINAL
        assert await world.ends(job_id) == ENDS[job.status]
        assert job.charged_nanousd == (COST if job.status is JobStatus.SUCCEEDED else 0)
        assert bool(world.bucket.files.get(job_id)) == (job.status is JobStatus.SUCCEEDED)
        outcomes[job.status] += 1
    look = await world.look()
    assert (look.holds, look.held_nanousd, world.machine.running, world.bucket.open_uploads) == ((), 0, set(), set())
    with capsys.disabled():
        said = ", ".join(f"{count} {status}" for status, count in sorted(outcomes.items()))
        sys.stdout.write(f"\nseed {seed}: {said}; {len(provider.tasks)} tasks at the provider\n")
