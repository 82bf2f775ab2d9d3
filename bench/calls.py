"""Counts AWS calls of one request: each call before the provider's request is time that the caller waits."""

from bench.bed import Bed
from bench.environment import Environment, started
from bench.figures import Figure

PART = "AWS calls of one request"


async def measure(bed: Bed) -> list[Figure]:
    """Measures a new process, a warm one, and a key that the process has not seen."""
    async with started(bed.chat) as environment:
        bed.seen()
        new = await _calls(bed, environment, bed.request())
        warm = await _calls(bed, environment, bed.request())
        cold_key = await _calls(bed, environment, bed.request(key="sk-xc-another"))
        stream = await _calls(bed, environment, bed.stream(1))
    return [
        Figure(PART, "warm, before the provider's request", [warm[0]], bar=1),
        Figure(PART, "warm, in all", [warm[1]], bar=2),
        Figure(PART, "warm stream, before the provider's request", [stream[0]], bar=1),
        Figure(PART, "warm stream, in all", [stream[1]], bar=2),
        Figure(PART, "cold key, before the provider's request", [cold_key[0]], bar=2),
        Figure(PART, "cold key, in all", [cold_key[1]], bar=3),
        Figure(PART, "first of a process, in all", [new[1]]),
    ]


async def _calls(bed: Bed, environment: Environment, event: bytes) -> tuple[int, int]:
    """The number of calls before the provider's request, and in all."""
    await environment.ask(event)
    seen = bed.seen()
    return seen["before_upstream"], seen["in_all"]
