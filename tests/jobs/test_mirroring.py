"""Tests that a failed job leaves nothing of its mirrored files in the bucket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.jobs import Attempt, JobStatus, Result
from gateway.canonical.media import Output
from gateway.errors import UpstreamError
from gateway.jobs.closing import Closing
from gateway.jobs.media.mirror import Mirroring
from gateway.jobs.writer import JobWriter
from gateway.untrusted.fetch import Opened
from tests.fakes.media import MemoryMediaObjects
from tests.jobs.world import ACCOUNT, World
from tests.untrusted.file_forms import CLIP

pytestmark = pytest.mark.anyio
JOB = "gen_1"
FIRST, SECOND = f"media/{ACCOUNT}/{JOB}/1-0.mp4", f"media/{ACCOUNT}/{JOB}/1-1.mp4"


class Film:
    """A provider's file that does not state its length."""

    @asynccontextmanager
    async def opened(self, first_byte: int = 0) -> AsyncIterator[Opened]:
        async def pieces() -> AsyncIterator[bytes]:
            yield CLIP

        yield Opened(pieces(), first_byte, None, "video/mp4")


def no_download(*_: object) -> Any:
    raise AssertionError("nothing is fetched to clear away")


async def test_a_file_whose_arrival_was_not_written_down_is_cleared_with_the_others() -> None:
    world, objects = World(), MemoryMediaObjects()
    await world.open()
    for name in (FIRST, SECOND):
        await objects.put(name, b"film", "video/mp4")
    attempt = Attempt(number=1, route=0, provider="test", model="v1", upload_id="complete")
    job = replace(await world.order(JOB), attempt=attempt, results=(Result(FIRST, "video/mp4", 4),))
    await Mirroring(JobWriter(world.jobs, world.time), objects, no_download, world.time).clear(job)
    assert [await objects.facts(name) for name in (FIRST, SECOND)] == [None, None]


async def test_a_file_that_arrives_after_the_job_was_canceled_and_cleared_does_not_stay() -> None:
    world = World()
    await world.open()
    world.provider.takes_s = 0
    await world.order(JOB)
    for step in ("submit", "await"):
        await world.step(JOB, step)
    arrives = world.bucket.bring

    async def bring(job: Any, outputs: tuple[Output, ...]) -> tuple[Result, ...]:
        writer = JobWriter(world.jobs, world.time)
        decided = await writer.decide(await world.job(JOB), JobStatus.CANCELED)
        await Closing(writer, world.money, world.time).close(decided)
        await world.bucket.clear(job)
        return await arrives(job, outputs)

    world.bucket.bring = bring  # type: ignore[method-assign]  # the bucket, and a caller who cancels meanwhile
    await world.step(JOB, "mirror")
    assert ((await world.job(JOB)).status, world.bucket.files) == (JobStatus.CANCELED, {})


async def test_a_run_that_was_overtaken_leaves_the_upload_of_the_later_one_alone() -> None:
    world = World()
    await world.open()
    writer = JobWriter(world.jobs, world.time)
    attempt = Attempt(number=1, route=0, provider="test", model="v1")
    job = await writer.change(await world.order(JOB), lambda standing: replace(standing, attempt=attempt))

    class Overtaken(MemoryMediaObjects):
        async def begin(self, name: str, mime_type: str) -> str:
            theirs = replace(attempt, upload_id="theirs")
            await writer.change(job, lambda standing: replace(standing, attempt=theirs))
            return await super().begin(name, mime_type)

    objects = Overtaken()
    mirroring = Mirroring(writer, objects, lambda *_: Film(), world.time)
    with pytest.raises(UpstreamError):
        await mirroring.bring(job, (Output("video/mp4", url="https://out.test/film"),))
    assert (objects._uploads, (await world.job(JOB)).attempt) == ({}, replace(attempt, upload_id="theirs"))
