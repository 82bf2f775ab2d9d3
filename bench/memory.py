"""Measures the process's memory: Lambda bills it, so it may neither be large nor grow."""

from bench.bed import Bed
from bench.environment import started
from bench.figures import Figure
from bench.rounds import Counts, ask_repeatedly

PART = "Memory in RAM"
BUDGET_MB, AMBITION_MB = 60, 35
# The growth over the second half that counts as flat: less than an allocator's arena.
GROWTH_MB_MAX = 1.0
CHUNK_BYTES = 16_384


async def measure(bed: Bed, counts: Counts) -> list[Figure]:
    """Measures one process through many requests, then through a long stream twice."""
    half_chunks = counts.resident_mb * 1_000_000 // CHUNK_BYTES // 2
    async with started(bed.chat) as environment:
        idle = environment.resident_mb
        await ask_repeatedly(environment, bed.request(), counts.resident_requests // 2)
        half_way = environment.resident_mb
        await ask_repeatedly(environment, bed.request(), counts.resident_requests // 2)
        requested = environment.resident_mb
        await environment.ask(bed.stream(half_chunks, chunk_bytes=CHUNK_BYTES))
        streamed_half = environment.resident_mb
        await environment.ask(bed.stream(half_chunks, chunk_bytes=CHUNK_BYTES))
        streamed = environment.resident_mb
    return [
        Figure(PART, "idle, before any request", [idle], "MB"),
        _bounded(f"after {counts.resident_requests:,} requests", requested),
        Figure(PART, "  of which the second half", [requested - half_way], "MB", GROWTH_MB_MAX),
        _bounded(f"after {counts.resident_mb} MB streamed as well", streamed),
        Figure(PART, "  of which the second half", [streamed - streamed_half], "MB", GROWTH_MB_MAX),
    ]


def _bounded(name: str, value_mb: float) -> Figure:
    return Figure(PART, name, [value_mb], "MB", BUDGET_MB, AMBITION_MB)
