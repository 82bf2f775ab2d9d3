"""Measures the process's memory: Lambda bills it, so it may neither be large nor grow."""

from bench.bed import Bed
from bench.environment import started
from bench.figures import Figure
from bench.rounds import Counts, ask_repeatedly

PART = "Memory in RAM, chat"
BAR_MB = 32
# The growth over the second half that counts as flat: less than an allocator's arena.
GROWTH_MB_MAX = 1.0
CHUNK_BYTES = 16_384


async def measure(bed: Bed, counts: Counts) -> list[Figure]:
    """Measures processes through many requests, then through a long stream twice."""
    found = [await _of_a_process(bed, counts) for _ in range(counts.processes)]
    idle, half_way, requested, streamed_half, streamed = zip(*found, strict=True)
    return [
        Figure(PART, "idle, before any request", idle, "MB"),
        Figure(PART, f"after {counts.resident_requests:,} requests", requested, "MB", BAR_MB),
        Figure(PART, "  of which the second half", _grown(half_way, requested), "MB", GROWTH_MB_MAX),
        Figure(PART, f"after {counts.resident_mb} MB streamed as well", streamed, "MB", BAR_MB),
        Figure(PART, "  of which the second half", _grown(streamed_half, streamed), "MB", GROWTH_MB_MAX),
    ]


async def _of_a_process(bed: Bed, counts: Counts) -> list[float]:
    """The MB of a new process at its start, and after each half of the requests and of the stream."""
    half_chunks = counts.resident_mb * 1_000_000 // CHUNK_BYTES // 2
    async with started(bed.chat) as environment:
        resident = [environment.resident_mb]
        for _ in range(2):
            await ask_repeatedly(environment, bed.request(), counts.resident_requests // 2)
            resident.append(environment.resident_mb)
        for _ in range(2):
            await environment.ask(bed.stream(half_chunks, chunk_bytes=CHUNK_BYTES))
            resident.append(environment.resident_mb)
    return resident


def _grown(before: tuple[float, ...], after: tuple[float, ...]) -> list[float]:
    return [late - early for early, late in zip(before, after, strict=True)]
