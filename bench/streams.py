"""Measures the cost of a chunk, as a multiple of two blocking sockets that do recv and send between the same two peers.

The fixed part of a stream, measured on one of a single chunk, is subtracted on both sides.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.bed import Bed
from bench.environment import Environment, started
from bench.figures import Figure
from bench.rounds import Counts, ask_repeatedly, median_of

PART = "CPU of one chunk, same wire"
PAUSE_MS = 5


@dataclass(slots=True)
class _Pair:
    """Microseconds a chunk, round by round."""

    chat_us: list[float] = field(default_factory=list)
    relay_us: list[float] = field(default_factory=list)

    def both(self) -> Iterator[tuple[float, float]]:
        """The chat function's and the relay's result of each round."""
        return zip(self.chat_us, self.relay_us, strict=True)

    def figures(self, name: str) -> list[Figure]:
        """Both sides, which explain the ratio."""
        return [
            Figure(PART, f"{name}, chat function", self.chat_us, "us"),
            Figure(PART, f"{name}, relay", self.relay_us, "us"),
        ]


async def measure(bed: Bed, counts: Counts) -> list[Figure]:
    """Measures paced and unpaced streams, A B A B with the relay."""
    paced, flat = _Pair(), _Pair()
    for _ in range(counts.processes):
        async with started(bed.chat) as chat, started(bed.relay) as relay:
            for environment in (chat, relay):
                await ask_repeatedly(environment, bed.stream(10), counts.streams)
            for _ in range(counts.rounds):
                for pair, count, pause_ms in ((paced, counts.paced_chunks, PAUSE_MS), (flat, counts.flat_chunks, 0)):
                    event = bed.stream(count, pause_ms=pause_ms)
                    pair.chat_us.append(await _chunk_us(bed, chat, event, count))
                    pair.relay_us.append(await _chunk_us(bed, relay, event, count))
    multiples = [chat / relay for chat, relay in paced.both()]
    # Unpaced, both sides read many chunks at a time, so the difference between them is the work per chunk.
    added_us = [chat - relay for chat, relay in flat.both()]
    return [
        Figure(PART, "paced 5 ms, times the relay", multiples, "x", budget=2.0, ambition=1.3),
        *paced.figures("paced 5 ms"),
        Figure(PART, "reading and rewriting it", added_us, "us", budget=25, ambition=8),
        *flat.figures("flat out"),
    ]


async def _chunk_us(bed: Bed, environment: Environment, event: bytes, count: int) -> float:
    single = median_of(await ask_repeatedly(environment, bed.stream(1), 5), lambda answer: answer.cpu_us)
    return ((await environment.ask(event)).cpu_us - single) / (count - 1)
