"""Tests that one process serves many streams at the same time, as on a managed instance; `bench many` has 500."""

import asyncio
from pathlib import Path

import pytest

from bench import bed, many

STREAMS, CHUNKS, PAUSE_MS = 50, 10, 250


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[float, list[many.Burst]]:
    async def run(data: Path) -> tuple[float, list[many.Burst]]:
        async with bed.open_bed(None, data) as started:
            return await many.bursts(started, (1, STREAMS), CHUNKS, PAUSE_MS)

    return asyncio.run(run(tmp_path_factory.mktemp("many")))


def test_many_streams_end_about_as_soon_as_one(measured: tuple[float, list[many.Burst]]) -> None:
    alone, together = measured[1][many.BURSTS - 1], measured[1][-1]
    # One after another they would take fifty times as long.
    assert together.last_s < 5 * alone.last_s


def test_a_chunk_costs_no_more_where_there_are_many_streams(measured: tuple[float, list[many.Burst]]) -> None:
    alone, together = measured[1][many.BURSTS - 1], measured[1][-1]
    assert together.cpu_us_per_chunk < 2 * alone.cpu_us_per_chunk


def test_a_stream_takes_little_memory_and_leaves_none(measured: tuple[float, list[many.Burst]]) -> None:
    idle_mb, (*_, before, last) = measured
    assert (last.resident_mb - idle_mb) / STREAMS < 0.5
    assert last.resident_mb < 1.05 * before.resident_mb
