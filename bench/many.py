"""Measures one process that serves many streams at the same time, as on a managed instance: `python -m bench many`.

Beside a single stream of the same process: how much later the streams end, what a chunk costs, and what a stream takes
in memory. Each stream has chunks of another size, so that a byte in the wrong stream shows in its length.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench import report
from bench.bed import Bed, open_bed
from bench.environment import Answered, Environment, Unanswered, started
from bench.figures import Figure

STREAMS = (1, 50, 500)
# They come one after another, as callers do, and all run together before the first one ends.
APART_S = 0.06
CHUNKS, PAUSE_MS = 32, 1000
BURSTS = 2
# As fast as the fastest models write: fifty chunks a second, for ten seconds.
DENSE_STREAMS, DENSE_CHUNKS, DENSE_PAUSE_MS = (1, 16, 32, 64), 500, 20


@dataclass(frozen=True, slots=True)
class Burst:
    """Medians of so many streams at the same time; `resident_mb` is afterwards."""

    streams: int
    first_s: float
    last_s: float
    cpu_us_per_chunk: float
    resident_mb: float


async def burst(bed: Bed, environment: Environment, streams: int, chunks: int, pause_ms: int) -> Burst:
    """Asks for that many streams at once; raises Unanswered if one has another's bytes."""
    events = [bed.stream(chunks, chunk_bytes=5 + number, pause_ms=pause_ms) for number in range(streams)]
    before_ms = environment.cpu_ms
    answers = await asyncio.gather(*(_ask(environment, event, APART_S * n) for n, event in enumerate(events)))
    await environment.asleep()
    lengths = [answer.body_bytes for answer in answers]
    strange = [length - lengths[0] - chunks * number for number, length in enumerate(lengths)]
    if any(strange):
        raise Unanswered(f"a stream has another length than its chunks, by {[each for each in strange if each]}")
    return Burst(
        streams,
        median(answer.first_s for answer in answers),
        median(answer.last_s for answer in answers),
        (environment.cpu_ms - before_ms) * 1e3 / (streams * chunks),
        environment.resident_mb,
    )


async def _ask(environment: Environment, event: bytes, after_s: float) -> Answered:
    await asyncio.sleep(after_s)
    return await environment.ask(event)


async def bursts(bed: Bed, streams: Sequence[int], chunks: int, pause_ms: int) -> tuple[float, list[Burst]]:
    """The memory of an idle process in MB, and its bursts: each number of streams `BURSTS` times, warmed."""
    most = max(streams)
    # Without keep-alives, which a busy machine would add to the streams' lengths.
    chat = replace(bed.chat, env={**bed.chat.env, "AWS_LAMBDA_MAX_CONCURRENCY": str(most), "COMMIT_S": "60"})
    async with started(chat) as environment:
        await burst(bed, environment, 1, chunks, 0)
        idle_mb = environment.resident_mb
        wanted = [number for number in streams for _ in range(BURSTS)]
        return idle_mb, [await burst(bed, environment, number, chunks, pause_ms) for number in wanted]


def figures(idle_mb: float, found: Sequence[Burst]) -> list[Figure]:
    """The table's lines: of each number's bursts the last, and by how much memory grew in it."""
    alone, listed = found[BURSTS - 1], []
    for before, last in zip(found[BURSTS - 2 :: BURSTS], found[BURSTS - 1 :: BURSTS], strict=True):
        part = f"{last.streams} streams in one process"
        grown_kb = (last.resident_mb - idle_mb) * 1e3 / last.streams
        listed += [
            Figure(part, "to the first chunk", [last.first_s * 1e3], "ms"),
            Figure(part, "to the end, times one stream", [last.last_s / alone.last_s], "x"),
            Figure(part, "CPU of a chunk", [last.cpu_us_per_chunk], "us"),
            Figure(part, "memory afterwards", [last.resident_mb], "MB"),
            Figure(part, "  of it for each stream", [grown_kb], "KB"),
            Figure(part, "  grown in the last burst", [last.resident_mb - before.resident_mb], "MB"),
        ]
    return listed


def dense_figures(found: Sequence[Burst]) -> list[Figure]:
    """The lines of streams of fifty chunks a second: the share of a core that they take, and how late they end."""
    alone, listed = found[0], []
    for last in found[BURSTS - 1 :: BURSTS]:
        part = f"{last.streams} streams of {1000 // DENSE_PAUSE_MS} chunks a second"
        share = last.cpu_us_per_chunk * last.streams / DENSE_PAUSE_MS / 1e3
        listed += [
            Figure(part, "CPU of a chunk", [last.cpu_us_per_chunk], "us"),
            Figure(part, "of one core", [100 * share], "%"),
            Figure(part, "to the first chunk", [last.first_s * 1e3], "ms"),
            Figure(part, "to the end, times one stream", [last.last_s / alone.last_s], "x"),
        ]
    return listed


async def _measured() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-") as data:
        async with open_bed(None, Path(data)) as bed:
            _, dense = await bursts(bed, DENSE_STREAMS, DENSE_CHUNKS, DENSE_PAUSE_MS)
            return [*figures(*await bursts(bed, STREAMS, CHUNKS, PAUSE_MS)), *dense_figures(dense)]


def main() -> int:
    """Measures and prints."""
    report.tell("many", asyncio.run(_measured()))
    return 0
