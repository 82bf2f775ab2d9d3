"""Cuts a stream's bytes into pieces, as a network may, in seeded ways that are the same each time."""

import random
from collections.abc import Iterator, Sequence

PIECES = 12
# Between all bytes lies every place that a cut can be at; the draws show pieces of other lengths.
DRAWS = 10


def cuttings(data: bytes, count: int = DRAWS, *, every_byte: bool = True) -> Iterator[list[int]]:
    """Yields places to cut at: `count` seeded draws, and with `every_byte` between all bytes."""
    drawn = random.Random(len(data))
    inside = range(1, len(data))
    for _ in range(count):
        yield sorted(drawn.sample(inside, min(PIECES, len(inside))))
    if every_byte:
        yield list(inside)


def cut(data: bytes, places: Sequence[int]) -> Iterator[bytes]:
    """Yields the pieces, in order."""
    for start, end in zip((0, *places), (*places, len(data)), strict=True):
        yield data[start:end]
